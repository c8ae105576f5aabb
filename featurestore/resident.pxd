cdef class Resident:
    cdef public object counts
    cdef object _store, _tier, _invalid

    cdef tuple _held(self, object hot, object ids, tuple features, double now)
