from service.media cimport require_media
from service.request cimport PredictRequest
from service.wire cimport read_request, write_answer


cdef class JsonCodec:
    cdef public object models, catalogs
    cdef dict _named
