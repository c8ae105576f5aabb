// Columns as BYTES tensors of the Open Inference Protocol: each id after its length in 4 bytes,
// little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "column.hpp"

namespace idcolumn {

enum class Flaw {
    kNone,
    kNoLength,   // the tensor ends before an element's length does
    kTooLong,    // an element is longer than what is left of the tensor
    kIllFormed,  // an element isn't well-formed UTF-8
    kLeftOver,   // bytes are left after the last element
};

struct Verdict {
    Flaw flaw = Flaw::kNone;
    std::size_t element = 0;  // where the flaw is
    std::size_t length = 0;   // of that element, where known
    std::size_t left = 0;     // bytes of the tensor from there on, lengths read not included
};

constexpr std::size_t kLengthSize = 4;

// Fills in the table from the elements of a tensor that lies in the column's bytes.
Verdict index_tensor(std::string_view tensor, Column& column);

// Bytes of `write_tensor`.
std::size_t tensor_size(const Column& column, const std::int64_t* order, std::size_t count);

// Writes the ids that `order` names, or the first `count` ones where it is null.
void write_tensor(const Column& column, const std::int64_t* order, std::size_t count, char* out);

}  // namespace idcolumn
