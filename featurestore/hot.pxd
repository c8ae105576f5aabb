cdef class HotTable:
    cdef public str entity_type
    cdef public object table, outdated_since
    cdef public bint complete, tainted
    cdef object _store, _rows, _columns, _lock, _newest
    cdef tuple _wanted
    cdef bint _overflowed, _abandoned

    cpdef tuple lookup(self, object ids, tuple features)
