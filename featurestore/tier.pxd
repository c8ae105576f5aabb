from featurestore.counts cimport Counts
from featurestore.hot cimport HotTable


cdef class HotTier:
    cdef public Counts counts
    cdef object _store, _max_rows, _interval_s, _total, _applied, _loader, _follower
    cdef dict _tables, _filling, _logs
    cdef double _looked
    cdef bint _closed

    cdef HotTable table(self, str entity_type)
    cdef double age_s(self, HotTable hot, double now)
