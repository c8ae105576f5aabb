// Rows of doubles in answers to MGETs of the Redis protocol, read as they arrive.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace featuretable {

// Reads what nearly all answers are: arrays of rows of the expected length and of nothing. Whatever
// else the protocol has, such as an error of the server, is odd, and left to others.
class RowReader {
public:
    // Writes `rows` rows of `features` doubles, NaN where there is none, and which there are. Each
    // array but the last has `most` of them.
    RowReader(std::size_t rows, std::size_t most, std::size_t features, double* values,
              bool* found);

    // Reads on for as long as the text has whole rows. Returns how many bytes that were.
    std::size_t read(std::string_view text);
    bool complete() const { return row_ == rows_; }
    bool odd() const { return odd_; }

private:
    bool open(std::string_view& text);
    bool take(std::string_view& text);

    const std::size_t rows_;
    const std::size_t most_;
    const std::size_t features_;
    const std::string head_;  // of a row
    double* values_;
    bool* found_;
    std::size_t row_ = 0;
    bool opened_ = false;  // the array of the next row
    bool odd_ = false;
};

}  // namespace featuretable
