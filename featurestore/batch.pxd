cdef class FeatureBatch:
    cdef public object values, found, lost
    cdef public Py_ssize_t invalid
    cdef public double oldest_age_s

    cpdef tuple tally(self)
