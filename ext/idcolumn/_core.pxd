from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libcpp cimport bool as cpp_bool
from libcpp.vector cimport vector


cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass string_view:
        string_view()
        string_view(const char* bytes, size_t size)
        const char* data()
        size_t size()


cdef extern from "siphash.hpp" namespace "idcolumn" nogil:
    cdef struct Digest:
        uint64_t low
        uint64_t high

    Digest hash_bytes "idcolumn::hash_id"(const char* bytes, size_t size)


cdef extern from "column.hpp" namespace "idcolumn" nogil:
    ctypedef vector[string_view] Ids

    const size_t MAX_LENGTH "idcolumn::kMaxLength"
    const size_t ENTRY "idcolumn::Column::kEntry"

    cdef cppclass Column:
        size_t count
        const char* bytes
        uint64_t* hashes
        uint64_t* fingerprints
        uint64_t* starts
        uint32_t* lengths
        cpp_bool plain
        cpp_bool looked
        Column()
        Column(const char* bytes, char* table, size_t count)
        string_view operator[](size_t i)

    size_t total_length(const Ids& ids)
    size_t longest(const Ids& ids)
    size_t total_length(const Column& column)
    size_t longest(const Column& column)
    cpp_bool all_within(const Column& column, uint32_t least, uint32_t most)
    size_t first_ill_formed(const Ids& ids)
    size_t first_outside(const int64_t* indices, size_t count, size_t bound)
    size_t find(string_view text, const uint64_t* offsets, const int64_t* indices, size_t count,
                Ids& ids)
    cpp_bool all_plain(const Ids& ids)
    void look(Column& column)
    void move_to(char* out, Ids& ids)
    void index(const Ids& ids, Column& column)
    void take(const Column& origin, const int64_t* indices, Column& to)
    void affix(const Column& origin, string_view prefix, string_view suffix, char* out, Column& to)
    cpp_bool equal(const Column& a, const Column& b)


cdef extern from "scan.hpp" namespace "idcolumn" nogil:
    cdef cppclass Found:
        Ids ids
        const char* begin
        const char* end

    cpp_bool find_strings(string_view body, string_view field, Found& found) except +


cdef extern from "declared.hpp" namespace "idcolumn" nogil:
    cdef cppclass Declared:
        size_t count
        size_t size
        const char* begin
        const char* end

    cpp_bool find_tensor(string_view head, string_view name, Declared& found)


cdef extern from "json.hpp" namespace "idcolumn" nogil:
    size_t json_size(const Column& column, const int64_t* order, size_t count)
    char* write_json(const Column& column, const int64_t* order, size_t count, char* out)


cdef extern from "decimal.hpp" namespace "idcolumn" nogil:
    size_t numbers_room(size_t count)
    char* write_numbers[T](const T* values, const int64_t* order, size_t count, char* out)


cdef extern from "level.hpp" namespace "idcolumn" nogil:
    cdef enum class Level:
        kPlain

    Level highest_level()
    Level level()
    void set_level(Level wanted)


cdef extern from "resp.hpp" namespace "idcolumn" nogil:
    size_t resp_size(const Column& column, string_view head, string_view prefix)
    void write_resp(const Column& column, string_view head, string_view prefix, char* out)
    size_t mget_size(const Column& column, string_view prefix, size_t most)
    void write_mget(const Column& column, string_view prefix, size_t most, char* out)
    void key_slots(const Column& column, string_view prefix, uint16_t* out) except +


cdef extern from "tensor.hpp" namespace "idcolumn" nogil:
    cdef enum class Flaw:
        kNone
        kNoLength
        kTooLong
        kIllFormed
        kLeftOver

    cdef struct Verdict:
        Flaw flaw
        size_t element
        size_t length
        size_t left

    const size_t LENGTH_SIZE "idcolumn::kLengthSize"

    Verdict index_tensor(string_view tensor, Column& column)
    size_t tensor_size(const Column& column, const int64_t* order, size_t count)
    void write_tensor(const Column& column, const int64_t* order, size_t count, char* out)


cdef extern from "uuid.hpp" namespace "idcolumn":
    const size_t UUID_SIZE "idcolumn::kUuidSize"

    void write_uuid7(char* out) except +
