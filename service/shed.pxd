from service.admission cimport Admission
from service.counts cimport Counts


cdef class Shed:
    cdef public object endpoint, codec, lifecycle
    cdef public Admission admission
    cdef public Counts counts
    cdef object _problem
    cdef Py_ssize_t _unlogged
    cdef bint _waits
    cdef tuple _latest

    cpdef object place(self, str path, dict headers)
    cdef tuple _refusal(self, str path, dict headers)
    cdef void _log(self, str path, str decision_id, bytes trace) except *
