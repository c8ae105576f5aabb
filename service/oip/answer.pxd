from service.oip.request cimport TensorRequest


cpdef tuple write_answer(
    bytes named,
    TensorRequest request,
    str decision_id,
    object scores,
    object order,
    Py_ssize_t missing,
    Py_ssize_t degraded,
)
cdef bytes _counted(Py_ssize_t missing, Py_ssize_t degraded)
cdef bytes _tensor(str name, TensorRequest request, object scores, object order, list tensors)
