// Batched draws from Beta distributions: pure functions of (key, lane, shapes, type).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "eligible.hpp"
#include "kernels.hpp"
#include "stream_version.hpp"

namespace betadist {

// The first of n values that is not finite and > 0, or n.
template <class T>
std::size_t first_unfit(const Kernel& kernel, const T* values, std::size_t n);

// out[i] = the draw of element i. Splits large inputs over up to `threads` threads.
// False, with `out` incomplete, where a shape is not finite and > 0.
template <class T>
bool sample(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n, T* out,
            int threads);

// Writes the k <= n largest draws of the arms that take part, or all of theirs where they are
// fewer, best first; equal ones by lane, then by position. Draws from no other arm. Takes room for
// about 2 k + 1024 draws a thread. Returns how many it wrote; nothing where a shape that it drew
// from is not finite and > 0.
template <class T>
std::optional<std::size_t> sample_top_k(const Kernel& kernel, const Columns<T>& columns,
                                        const Filter& filter, Stream stream, std::size_t n,
                                        std::size_t k, std::int64_t* indices, T* values,
                                        int threads);

// One block of Philox4x32-10: counter and out are of 4 words, lowest first.
void philox4x32(const std::uint32_t* counter, std::uint64_t key, std::uint32_t* out);

}  // namespace betadist
