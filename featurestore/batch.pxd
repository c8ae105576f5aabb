cimport cython


cdef class FeatureBatch:
    cdef public object values, found
    cdef public Py_ssize_t invalid, hits
    cdef public double oldest_age_s
    cdef object _lost

    @cython.locals(hits=Py_ssize_t, lost=Py_ssize_t)
    cpdef tuple tally(self)
