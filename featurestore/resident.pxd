from featurestore.batch cimport FeatureBatch
from featurestore.counts cimport Counts
from featurestore.hot cimport HotTable
from featurestore.tier cimport HotTier


cdef class Resident:
    cdef public Counts counts
    cdef object _store, _invalid
    cdef HotTier _tier

    cdef FeatureBatch _held(self, HotTable hot, object ids, tuple features, double now)


cdef FeatureBatch _screened(FeatureBatch batch)
