cdef class HotTable:
    cdef public str entity_type
    cdef public object table, outdated_since
    cdef public bint tainted
    cdef object _store, _rows, _lock, _newest
    cdef dict _columns
    cdef bint _poured, _overflowed, _abandoned

    cdef object _choose(self, tuple features)
