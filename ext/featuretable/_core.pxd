from libc.stdint cimport uint8_t, uint64_t
from libcpp cimport bool as cpp_bool
from libcpp.string_view cimport string_view


cdef extern from "slots.hpp" namespace "featuretable" nogil:
    cdef cppclass Key:
        pass

    cdef cppclass Keys:
        const uint64_t* hashes
        const uint64_t* fingerprints
        size_t count


cdef extern from "table.hpp" namespace "featuretable" nogil:
    cdef cppclass Table:
        Table(size_t features, size_t max_rows) except +
        size_t lookup(const Keys& keys, double* values, cpp_bool* found) except +
        size_t upsert(const Keys& keys, const double* values) except +
        size_t remove(const Keys& keys) except +
        void clear() except +
        size_t rows() except +
        size_t bytes() except +


cdef extern from "cache.hpp" namespace "featuretable" nogil:
    const uint8_t kFound
    const uint8_t kUnknown
    const uint8_t kStale
    const uint8_t kClaimed
    const uint64_t kMostMs

    cdef cppclass Limits:
        uint64_t ttl
        uint64_t negative_ttl
        uint64_t stale

    cdef cppclass CacheTally "featuretable::Tally":
        size_t found
        size_t unknown
        size_t stale
        size_t claimed
        size_t absent
        uint64_t oldest

    cdef cppclass Cache:
        Cache(size_t features, size_t max_rows, const Limits& limits) except +
        CacheTally lookup(const Keys& keys, uint64_t now, double* values,
                          uint8_t* states) except +
        size_t upsert(const Keys& keys, uint64_t now, const double* values,
                      const uint8_t* found) except +
        size_t release(const Keys& keys) except +
        size_t remove(const Keys& keys) except +
        void clear() except +
        size_t rows() except +
        size_t bytes() except +
        size_t evicted() except +


cdef extern from "reader.hpp" namespace "featuretable" nogil:
    cdef cppclass Reader "featuretable::RowReader":
        Reader(size_t rows, size_t most, size_t features, double* values,
               cpp_bool* found) except +
        size_t read(string_view text) except +
        bint complete()
        bint odd()
