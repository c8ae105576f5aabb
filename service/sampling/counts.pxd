cdef class DrawCounts:
    cdef public Py_ssize_t failures
    cdef Py_ssize_t _cpu, _threads, _gpu, _in_a_row
    cdef object _lock

    cpdef void drew(self, object backend, Py_ssize_t arms) except *
