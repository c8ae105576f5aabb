cdef class Stages:
    cdef public list durations
    cdef double _last

    cpdef void done(self, str name) except *
    cpdef bytes header(self)
