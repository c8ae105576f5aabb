cdef class Turns:
    cdef object _loop, _waiting, _late
    cdef Py_ssize_t _begun

    cpdef void begin(self, object start) except *
    cpdef void hurry(self, object late) except *
