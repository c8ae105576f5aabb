from service.request cimport (
    PredictRequest,
    check_ids,
    read_context,
    read_decision_id,
    read_integer,
    read_model,
    read_order,
    read_timeout_s,
    unknown_fields,
)

cdef bytes START
cdef tuple ALONE
cdef frozenset FIELDS


cpdef tuple parse(bytes body)
cpdef object read_request(bytes body, object models, object catalogs)
cpdef bytes write_answer(
    bytes named,
    PredictRequest request,
    str decision_id,
    object scores,
    object order,
    Py_ssize_t missing,
    Py_ssize_t degraded,
)
cdef bytes _counted(Py_ssize_t missing, Py_ssize_t degraded)
