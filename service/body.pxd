from service.watch cimport Watch

cdef Watch WATCH


cdef class Body:
    cdef object _receive
    cdef Py_ssize_t _announced, _received
    cdef bint _complete, _given_up

    cdef bytes _take(self, dict message)
