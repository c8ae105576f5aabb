cdef class Counts:
    cdef public Py_ssize_t hits, misses, refreshed, not_resident, errors
