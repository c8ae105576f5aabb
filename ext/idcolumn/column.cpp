#include "column.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "hashing.hpp"
#include "text.hpp"

namespace idcolumn {
namespace {

char* append(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

}  // namespace

Column::Column(const char* bytes, char* table, std::size_t count)
    : count(count),
      bytes(bytes),
      hashes(reinterpret_cast<std::uint64_t*>(table)),
      fingerprints(hashes + count),
      starts(fingerprints + count),
      lengths(reinterpret_cast<std::uint32_t*>(starts + count)) {}

std::size_t total_length(const Ids& ids) {
    std::size_t total = 0;
    for (const std::string_view id : ids) total += id.size();
    return total;
}

std::size_t total_length(const Column& column) {
    return std::accumulate(column.lengths, column.lengths + column.count, std::size_t{0});
}

std::size_t longest(const Ids& ids) {
    std::size_t longest = 0;
    for (const std::string_view id : ids) longest = std::max(longest, id.size());
    return longest;
}

std::size_t longest(const Column& column) {
    return column.count == 0 ? 0 : *std::max_element(column.lengths, column.lengths + column.count);
}

bool all_within(const Column& column, std::uint32_t least, std::uint32_t most) {
    std::uint32_t outside = 0;  // no early end: so the loop becomes vector code
    for (std::size_t i = 0; i < column.count; ++i)
        outside |= column.lengths[i] - least > most - least;
    return outside == 0;
}

std::size_t first_ill_formed(const Ids& ids) {
    return static_cast<std::size_t>(std::find_if_not(ids.begin(), ids.end(), is_utf8) -
                                    ids.begin());
}

std::size_t first_outside(const std::int64_t* indices, std::size_t count, std::size_t bound) {
    std::uint64_t signs = 0;  // the highest bit is set if an index, or what it leaves, is negative
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::uint64_t>(indices[i]);
        signs |= at | (bound - 1 - at);
    }
    if (signs >> 63 == 0) return count;
    const auto outside = [bound](std::int64_t i) { return static_cast<std::uint64_t>(i) >= bound; };
    return static_cast<std::size_t>(std::find_if(indices, indices + count, outside) - indices);
}

std::size_t find(std::string_view text, const std::uint64_t* offsets, const std::int64_t* indices,
                 std::size_t count, Ids& ids) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t* const at = offsets + indices[i];
        const std::uint64_t begin = at[0], end = at[1];
        if (begin > end || end > text.size()) return i;
        ids.push_back(text.substr(begin, end - begin));
    }
    return count;
}

void move_to(char* out, Ids& ids) {
    for (std::string_view& id : ids) {
        char* const next = append(out, id);
        id = {out, id.size()};
        out = next;
    }
}

void index(const Ids& ids, Column& column) {
    for (std::size_t i = 0; i < column.count; ++i) set(column, i, ids[i]);
    hash(column);
}

bool all_plain(const Ids& ids) { return std::all_of(ids.begin(), ids.end(), is_plain); }

void look(Column& column) {
    if (column.looked) return;
    column.plain = column.looked = true;
    for (std::size_t i = 0; i < column.count && column.plain; ++i)
        column.plain = is_plain(column[i]);
}

void take(const Column& from, const std::int64_t* indices, Column& to) {
    for (std::size_t i = 0; i < to.count; ++i) {
        const std::int64_t source = indices[i];
        to.hashes[i] = from.hashes[source];
        to.fingerprints[i] = from.fingerprints[source];
        to.starts[i] = from.starts[source];
        to.lengths[i] = from.lengths[source];
    }
}

void affix(const Column& from, std::string_view prefix, std::string_view suffix, char* out,
           Column& to) {
    for (std::size_t i = 0; i < to.count; ++i) {
        char* const end = append(append(append(out, prefix), from[i]), suffix);
        set(to, i, {out, static_cast<std::size_t>(end - out)});
        out = end;
    }
    hash(to);
    to.plain = to.plain && is_plain(prefix) && is_plain(suffix);
}

bool equal(const Column& a, const Column& b) {
    if (a.count != b.count || !std::equal(a.hashes, a.hashes + a.count, b.hashes)) return false;
    for (std::size_t i = 0; i < a.count; ++i) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

}  // namespace idcolumn
