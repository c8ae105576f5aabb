from libc.stdint cimport uint64_t
from libcpp cimport bool as cpp_bool


cdef extern from "table.hpp" namespace "featuretable" nogil:
    cdef cppclass Table:
        Table(size_t features, size_t max_rows) except +
        size_t lookup(const uint64_t* hashes, const uint64_t* fingerprints, size_t count,
                      double* values, cpp_bool* found) except +
        size_t upsert(const uint64_t* hashes, const uint64_t* fingerprints, size_t count,
                      const double* values) except +
        size_t remove(const uint64_t* hashes, const uint64_t* fingerprints, size_t count) except +
        void clear() except +
        size_t rows() except +
        size_t bytes() except +
