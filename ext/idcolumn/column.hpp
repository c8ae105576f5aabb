// A column of ids: where the bytes of each are, and what they hash to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace idcolumn {

using Ids = std::vector<std::string_view>;

constexpr std::size_t kMaxLength = 0xffffffff;  // bytes of an id: lengths are kept in 32 bits

// A view of two blocks that Python owns: the ids' bytes, and a table of four arrays.
struct Column {
    static constexpr std::size_t kEntry = 3 * sizeof(std::uint64_t) + sizeof(std::uint32_t);

    std::size_t count = 0;
    const char* bytes = nullptr;
    std::uint64_t* hashes = nullptr;
    std::uint64_t* fingerprints = nullptr;
    std::uint64_t* starts = nullptr;  // of each id in `bytes`
    std::uint32_t* lengths = nullptr;
    bool plain = true;   // no id needs an escape in JSON
    bool looked = true;  // and that is known; else `look` finds out

    Column() = default;
    // `table` has room for `count` entries of kEntry bytes and is aligned for 64-bit words.
    Column(const char* bytes, char* table, std::size_t count);

    std::string_view operator[](std::size_t i) const { return {bytes + starts[i], lengths[i]}; }

    // The i-th of an order, of all as they are where there is none.
    std::string_view nth(const std::int64_t* order, std::size_t i) const {
        return (*this)[order == nullptr ? i : static_cast<std::size_t>(order[i])];
    }
};

// Bytes of all the ids, and of the longest; 0 where there is none.
std::size_t total_length(const Ids& ids);
std::size_t total_length(const Column& column);
std::size_t longest(const Ids& ids);
std::size_t longest(const Column& column);

// Whether every id has from `least` <= `most` to `most` bytes.
bool all_within(const Column& column, std::uint32_t least, std::uint32_t most);

// The first id that isn't well-formed UTF-8, or how many there are.
std::size_t first_ill_formed(const Ids& ids);

// The first index outside [0, bound), or how many there are.
std::size_t first_outside(const std::int64_t* indices, std::size_t count, std::size_t bound);

// Appends text[offsets[i], offsets[i + 1]) for i of the indices, up to the first one whose offsets
// don't ascend within the text; returns which, or how many there are.
std::size_t find(std::string_view text, const std::uint64_t* offsets, const std::int64_t* indices,
                 std::size_t count, Ids& ids);

// Copies the ids one after the other and makes them views of the copy.
void move_to(char* out, Ids& ids);

// Whether every id may stand in a JSON string as it is.
bool all_plain(const Ids& ids);

// Finds out whether no id needs an escape, where that isn't known.
void look(Column& column);

// Fills in where an id lies, which is in the column's bytes; not its hashes.
inline void set(Column& column, std::size_t i, std::string_view id) {
    column.starts[i] = static_cast<std::uint64_t>(id.data() - column.bytes);
    column.lengths[i] = static_cast<std::uint32_t>(id.size());
}

// Fills in the table from ids that lie in the column's bytes.
void index(const Ids& ids, Column& column);

// Both leave out what is known of the other column's ids, which `look` may be finding out
// meanwhile: `to` has it already.

// Fills in the table from another column over the same bytes.
void take(const Column& from, const std::int64_t* indices, Column& to);

// Writes prefix + id + suffix for every id to `out`, which is `to`'s bytes, and fills in its table.
void affix(const Column& from, std::string_view prefix, std::string_view suffix, char* out,
           Column& to);

bool equal(const Column& a, const Column& b);

}  // namespace idcolumn
