cimport cython

from service.request cimport (
    PredictRequest,
    check_ids,
    read_context,
    read_decision_id,
    read_integer,
    read_order,
    read_timeout_s,
)


cdef class TensorRequest(PredictRequest):
    cdef public object id
    cdef public dict outputs

    @cython.locals(other=TensorRequest)
    cpdef TensorRequest about(self, object ids)


cpdef TensorRequest read_request(
    object envelope, object model, object ids, bytes body, Py_ssize_t start
)
cdef object _ids(dict envelope, object model, bytes body, Py_ssize_t start, list errors)
cdef dict _parameters(object parameters, list errors)
cdef dict _outputs(object outputs, dict fields, list errors)
cdef object _typed(dict fields, str name, object kind, list errors)
