cdef class Admission:
    cdef public Py_ssize_t limit, in_flight

    cpdef void enter(self) except *
    cpdef void leave(self) except *
