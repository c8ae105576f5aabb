cimport cython


cdef list SHORT
cdef dict NAMES


cdef class Stages:
    cdef public list durations
    cdef double _last

    cpdef void done(self, str name) except *
    cpdef bytes header(self)


@cython.locals(us=Py_ssize_t)
cdef bytes _in_ms(double seconds)
