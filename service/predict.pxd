cimport cython

from bandit.dispatch cimport Dispatch
from service.admission cimport Admission
from service.body cimport Body
from service.counts cimport Counts
from service.request cimport PredictRequest
from service.stages cimport Stages


cdef class Call:
    cdef double started
    cdef Stages stages
    cdef str path
    cdef object names
    cdef dict headers
    cdef bytes trace
    cdef object body
    cdef str decision_id


cdef class Predict:
    cdef public object codec, store, lifecycle, sampler, side
    cdef public Admission admission
    cdef public Counts counts
    cdef public Py_ssize_t max_body_bytes
    cdef object _overloaded
    cdef double longest_s


cdef bytes _quoted(str decision_id)
@cython.locals(c=Py_UCS4)
cdef bint _is_plain(str text)
