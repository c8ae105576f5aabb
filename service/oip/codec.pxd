from service.media cimport require_media
from service.oip.answer cimport write_answer
from service.oip.lookup cimport find_model
from service.oip.request cimport TensorRequest, read_request
from service.request cimport fit


cdef class TensorCodec:
    cdef public object models
    cdef dict _named, _known

    cdef object _keep(self, bytes rest, TensorRequest request)


cdef Py_ssize_t _json_size(bytes header, Py_ssize_t size) except -1
