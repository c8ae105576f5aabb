cdef class Turns:
    cdef object _loop, _waiting
    cdef Py_ssize_t _begun

    cpdef void begin(self, object start) except *
