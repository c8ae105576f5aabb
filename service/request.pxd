cdef class PredictRequest:
    cdef public object ids, model, context, decision_id, top_k, order
    cdef public double deadline_s


cpdef list unknown_fields(dict given, object known, str prefix=*)
cpdef object read_model(dict envelope, object models, str default, list errors)
cpdef bint fit(object ids, object model) except -1
cpdef object check_ids(str field, object ids, object model, list errors)
cpdef object read_context(dict envelope, object model, list errors)
cpdef object read_decision_id(dict envelope, list errors)
cpdef str read_order(dict envelope, list errors)
cpdef double read_timeout_s(dict envelope, list errors) except -1
cpdef object read_integer(dict envelope, str name, object high, list errors)
