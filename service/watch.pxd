cdef class Watch:
    cdef dict _deadlines
    cdef object _ticking
