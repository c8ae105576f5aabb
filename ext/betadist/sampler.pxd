from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp cimport bool as cpp_bool
from libcpp.optional cimport optional
from libcpp.string cimport string


cdef extern from "columns.hpp" namespace "betadist" nogil:
    cdef cppclass Columns[T]:
        const T* alpha
        const T* beta
        const uint64_t* lanes

    cdef cppclass Stream:
        uint64_t key
        int max_attempts


cdef extern from "stream_version.hpp" namespace "betadist" nogil:
    const int STREAM_VERSION
    const int MAX_ATTEMPTS


cdef extern from "shapes.hpp" namespace "betadist" nogil:
    cdef cppclass Shapes:
        double alpha
        double beta


cdef extern from "kernels.hpp" namespace "betadist" nogil:
    cdef cppclass Kernel:
        const char* level

        void part(const Shapes* rows, const cpp_bool* known, Shapes prior, size_t n, float* alpha,
                  float* beta)
        void part(const Shapes* rows, const cpp_bool* known, Shapes prior, size_t n, double* alpha,
                  double* beta)

    const Kernel* kernel(int number)


cdef extern from "filter.hpp" namespace "betadist" nogil:
    cdef cppclass TagFilter:
        uint64_t wanted
        uint64_t unwanted

        bint passes_all()

    cdef cppclass Filter:
        const uint64_t* tags
        TagFilter asked
        const int64_t* without
        size_t without_count

    size_t first_misplaced(const int64_t* positions, size_t count, size_t n)


cdef extern from "sampler.hpp" namespace "betadist" nogil:
    size_t first_unfit[T](const Kernel& kernel, const T* values, size_t n)

    bint sample[T](const Kernel& kernel, const Columns[T]& columns, Stream stream, size_t n, T* out,
                   int threads) except +

    optional[size_t] sample_top_k[T](const Kernel& kernel, const Columns[T]& columns,
                                     const Filter& filter, Stream stream, size_t n, size_t k,
                                     int64_t* indices, T* values, int threads) except +

    void philox4x32(const uint32_t* counter, uint64_t key, uint32_t* out)


cdef extern from "rank.hpp" namespace "betadist" nogil:
    size_t rank[T](const T* values, const uint64_t* lanes, size_t n, size_t k,
                   int64_t* order) except +


cdef extern from "probe.hpp" namespace "betadist" nogil:
    cdef enum class Piece:
        LOG
        EXP
        SINE
        COSINE
        EXPONENT
        SQUEEZE

    void probe[T](Piece piece, const T* x, const T* y, size_t n, T* out)


cdef extern from "pool.hpp" namespace "betadist" nogil:
    cdef cppclass Pool:
        @staticmethod
        Pool& shared() except +

        int limit()
        void set_limit(int most)


cdef extern from "quota.hpp" namespace "betadist":
    int cpu_quota(const string& groups, const string& own) except +
