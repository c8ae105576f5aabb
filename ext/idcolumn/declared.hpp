// Finds the binary tensor that a request of the Open Inference Protocol has for its only input.
#pragma once

#include <cstddef>
#include <string_view>

namespace idcolumn {

struct Declared {
    std::size_t count = 0;  // of elements
    std::size_t size = 0;   // in bytes
    const char* begin = nullptr;  // of the text of the inputs, brackets included
    const char* end = nullptr;
};

// Whether `head` is an object with no escape in its keys that has `inputs` once, as an array of one
// tensor of this name with a datatype of BYTES, a shape of [n], [1, n] or [n, 1], a
// binary_data_size, and no more. The rest is only walked over, as by `find_strings`.
bool find_tensor(std::string_view head, std::string_view name, Declared& found);

}  // namespace idcolumn
