cdef class Exchange:
    cdef public dict scope
    cdef public bint persistent, whole, answered
    cdef public object work
    cdef object _peer, _waiter
    cdef list _parts, _answer
    cdef Py_ssize_t _held
    cdef bint _news, _gone, _begun
    cdef tuple _head

    cpdef void arrive(self, bytes part) except *
    cpdef void complete(self) except *
    cpdef void lose(self) except *
    cpdef bint overlong(self) except *
    cpdef void settle(self, tuple answer) except *
    cdef bint _expects(self) except *
    cdef void _wake(self) except *
