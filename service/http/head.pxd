cdef class FirstLines:
    cdef long long _second
    cdef dict _lines

    cpdef bytes of(self, int status)
