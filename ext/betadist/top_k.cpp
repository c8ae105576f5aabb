// Selection of the k largest draws: each thread keeps its best in a buffer of about 2 k and, when
// that is full, drops the worse half in linear time. n draws cost n + n/k selections of 2 k.
#include <algorithm>
#include <vector>

#include "environment.hpp"
#include "sampler.hpp"
#include "split.hpp"

namespace betadist {
namespace {

template <class T>
struct Arm {
    T value;
    std::uint64_t lane;
    std::size_t index;
};

template <class T>
bool better(const Arm<T>& a, const Arm<T>& b) {
    if (a.value != b.value) return a.value > b.value;
    if (a.lane != b.lane) return a.lane < b.lane;
    return a.index < b.index;
}

template <class T>
class Best {
   public:
    // Takes its memory at once: add() doesn't throw.
    Best(std::size_t k, std::size_t n) : k_(std::min(k, n)) {
        arms_.reserve(std::min(n, 2 * k_ + 1024));
    }

    void add(const Arm<T>& arm) {
        if (full_ && !better(arm, worst_)) return;
        if (arms_.size() == arms_.capacity()) prune();
        arms_.push_back(arm);
    }

    // Leaves the k best, in no order.
    void prune() {
        if (arms_.size() < k_) return;
        const auto last = arms_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
        std::nth_element(arms_.begin(), last, arms_.end(), better<T>);
        worst_ = *last;
        full_ = true;
        arms_.resize(k_);
    }

    const std::vector<Arm<T>>& arms() const { return arms_; }

   private:
    std::size_t k_;
    std::vector<Arm<T>> arms_;
    Arm<T> worst_{};
    bool full_ = false;
};

template <class T>
void select(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t begin,
            std::size_t end, Best<T>& best) {
    constexpr std::size_t stride = 1024;
    T draws[stride];
    const FloatingPoint scope;
    for (std::size_t from = begin; from < end; from += stride) {
        const std::size_t to = std::min(end, from + stride);
        kernel.draw(columns, stream, from, to, draws);
        for (std::size_t i = from; i < to; ++i) {
            best.add({draws[i - from], columns.lanes ? columns.lanes[i] : i, i});
        }
    }
    best.prune();
}

template <class T>
std::vector<Arm<T>> merge(const std::vector<Best<T>>& parts, std::size_t k) {
    std::vector<Arm<T>> arms;
    for (const auto& part : parts) arms.insert(arms.end(), part.arms().begin(), part.arms().end());
    const auto middle = arms.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(arms.begin(), middle, arms.end(), better<T>);
    std::sort(arms.begin(), middle, better<T>);
    return arms;
}

}  // namespace

template <class T>
void sample_top_k(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n,
                  std::size_t k, std::int64_t* indices, T* values, int threads) {
    if (k == 0) return;
    const std::size_t parts = part_count(n, threads);
    std::vector<Best<T>> bests;
    for (std::size_t part = 0; part < parts; ++part) bests.emplace_back(k, n);
    split(n, parts, [&](std::size_t part, std::size_t begin, std::size_t end) {
        select(kernel, columns, stream, begin, end, bests[part]);
    });
    const auto arms = merge(bests, k);
    for (std::size_t i = 0; i < k; ++i) {
        indices[i] = static_cast<std::int64_t>(arms[i].index);
        values[i] = arms[i].value;
    }
}

template void sample_top_k(const Kernel&, const Columns<float>&, Stream, std::size_t, std::size_t,
                           std::int64_t*, float*, int);
template void sample_top_k(const Kernel&, const Columns<double>&, Stream, std::size_t, std::size_t,
                           std::int64_t*, double*, int);

}  // namespace betadist
