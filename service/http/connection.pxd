from service.http.exchange cimport Exchange
from service.http.head cimport FirstLines
from service.http.turns cimport Turns

cdef FirstLines FIRST_LINES


cdef class Connection:
    cdef object _app, _connections, _loop, _parser, _transport, _addresses, _state, _unread, _task
    cdef public object closed
    cdef Turns _turns
    cdef double _awaited_since
    cdef bytes _part, _target
    cdef list _headers
    cdef Py_ssize_t _head_bytes
    cdef Exchange _arriving, _current
    cdef object _waiting
    cdef bint _full, _held, _fresh, _between

    cpdef void answer(self, Exchange exchange, int status, list headers, bytes body) except *
    cdef void _parse(self, bytes data) except *
    cdef bint _is_idle(self) except -1
    cdef bint _take_in(self, bytes data) except -1
    cdef bint _gather(self, bytes part) except -1
    cdef Exchange _latest(self)
    cdef void _regulate(self) except *
    cdef void _read_on(self) except *
    cdef Py_ssize_t _read(self, object piece) except -1
    cdef void _first_come(self) except *
    cpdef void _go_on(self) except *
