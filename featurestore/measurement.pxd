cimport cython


cdef class Histogram:
    cdef public tuple bounds
    cdef public list counts
    cdef public double sum

    @cython.locals(bound=double, bucket=Py_ssize_t)
    cpdef void observe(self, double value) except *
