// Selection of the k largest draws. Each part keeps candidates in a buffer of about 2 k; when that
// is full a bound rises so far that about k of them reach it, and every part drops draws below the
// highest bound of all. n draws cost n vector comparisons and about k ln(n/k) insertions.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "environment.hpp"
#include "place.hpp"
#include "sampler.hpp"
#include "selection.hpp"
#include "split.hpp"

namespace betadist {
namespace {

template <class T>
class Candidates {
   public:
    // Takes its memory at once: nothing else here throws.
    Candidates(std::size_t k, const std::uint64_t* lanes, std::size_t capacity)
        : k_(k),
          capacity_(capacity),
          lanes_(lanes),
          values_(std::make_unique_for_overwrite<T[]>(capacity)),
          places_(std::make_unique_for_overwrite<Place[]>(capacity)) {}

    static constexpr std::size_t stride = 64;

    std::size_t count() const { return count_; }
    T value(std::size_t i) const { return values_[i]; }
    Place place(std::size_t i) const { return places_[i]; }

    // Adds those of up to `stride` draws that reach the bound of all parts.
    void add(const T* draws, std::size_t from, std::size_t size, std::atomic<T>& bound) {
        T least = bound.load(std::memory_order_relaxed);
        if (size == stride && count_reaching<stride>(draws, least) == 0) return;
        if (capacity_ - count_ < stride) {
            prune();
            raise(bound, least_);
            least = std::max(least, least_);
        }
        for (std::size_t i = 0; i < size; ++i) {
            put(count_, draws[i], {lanes_, from + i});
            count_ += draws[i] >= least;
        }
    }

   private:
    static void raise(std::atomic<T>& bound, T to) {
        T now = bound.load(std::memory_order_relaxed);
        while (now < to && !bound.compare_exchange_weak(now, to, std::memory_order_relaxed)) {
        }
    }

    void put(std::size_t at, T value, Place place) {
        values_[at] = value;
        places_[at] = place;
    }

    void prune() {
        least_ = bound_of(values_.get(), count_, k_);
        keep([&](T value) { return value >= least_; });
        if (count_ > enough(k_)) drop_ties();
    }

    template <class Good>
    void keep(const Good& good) {
        std::size_t to = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            const T value = values_[i];
            put(to, value, places_[i]);
            to += good(value);
        }
        count_ = to;
    }

    // Fewer than k are above the bound: of those equal to it, the earliest stay.
    void drop_ties() {
        std::size_t above = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            if (values_[i] == least_) continue;
            std::swap(values_[i], values_[above]);
            std::swap(places_[i], places_[above++]);
        }
        Place* const ties = places_.get();
        std::nth_element(ties + above, ties + k_, ties + count_);
        count_ = k_;
    }

    std::size_t k_, capacity_, count_ = 0;
    T least_ = 0;
    const std::uint64_t* lanes_;
    std::unique_ptr<T[]> values_;
    std::unique_ptr<Place[]> places_;
};

template <class T>
struct Arm {
    T value;
    Place place;

    bool operator<(const Arm& other) const {
        return value != other.value ? value > other.value : place < other.place;
    }
};

template <class T>
using Arms = std::vector<Arm<T>>;

// Room for k and as many to come, and for enough to come that a small k is seldom pruned.
std::size_t room(std::size_t k) { return 2 * k + 1024; }

template <class T>
bool select(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t begin,
            std::size_t end, Candidates<T>& candidates, std::atomic<T>& bound) {
    constexpr std::size_t size = 1024, stride = Candidates<T>::stride;
    T draws[size];
    const FloatingPoint scope;  // of a thread of the pool
    for (std::size_t from = begin; from < end; from += size) {
        const std::size_t count = std::min(end - from, size);
        if (!kernel.draw(columns, stream, from, from + count, draws)) return false;
        for (std::size_t i = 0; i < count; i += stride) {
            candidates.add(draws + i, from + i, std::min(count - i, stride), bound);
        }
    }
    return true;
}

// The candidates of all parts that reach the highest bound; none where a shape is not fit.
template <class T>
Arms<T> from_parts(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n,
                   std::size_t k, std::size_t parts) {
    std::vector<Candidates<T>> found;
    found.reserve(parts);
    for (std::size_t part = 0; part < parts; ++part) {
        found.emplace_back(k, columns.lanes, room(k));
    }
    std::atomic<T> bound = 0;
    std::atomic<bool> drawn = true;
    split(n, parts, [&](std::size_t part, std::size_t begin, std::size_t end) {
        if (!select(kernel, columns, stream, begin, end, found[part], bound)) drawn = false;
    });
    Arms<T> arms;
    if (!drawn) return arms;
    const T least = bound;
    for (const auto& part : found) {
        for (std::size_t i = 0; i < part.count(); ++i) {
            if (part.value(i) >= least) arms.push_back({part.value(i), part.place(i)});
        }
    }
    return arms;
}

// All draws that reach a bound, where their buffers would be as large as all draws.
template <class T>
Arms<T> from_all(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n,
                 std::size_t k, int threads) {
    const auto draws = std::make_unique_for_overwrite<T[]>(n);
    if (!sample(kernel, columns, stream, n, draws.get(), threads)) return {};
    const T bound = bound_of(draws.get(), n, k);
    Arms<T> arms(count_reaching(draws.get(), n, bound) + 1);  // one to spare for the last writes
    std::size_t to = 0;
    for (std::size_t i = 0; i < n; ++i) {
        arms[to] = {draws[i], {columns.lanes, i}};
        to += draws[i] >= bound;
    }
    arms.pop_back();
    return arms;
}

// Orders the k best of `arms`.
template <class T>
void sort(Arms<T>& arms, std::size_t k) {
    const auto middle = arms.begin() + static_cast<std::ptrdiff_t>(k);
    if (arms.size() > enough(k)) std::nth_element(arms.begin(), middle, arms.end());
    std::sort(arms.begin(), arms.size() > enough(k) ? middle : arms.end());
}

}  // namespace

template <class T>
bool sample_top_k(const Kernel& kernel, const Columns<T>& columns, Stream stream, std::size_t n,
                  std::size_t k, std::int64_t* indices, T* values, int threads) {
    const FloatingPoint scope;
    const std::size_t parts = part_count(n, threads);
    const bool small = n / parts <= room(k);
    Arms<T> arms = small ? from_all(kernel, columns, stream, n, k, threads)
                         : from_parts(kernel, columns, stream, n, k, parts);
    if (arms.size() < k) return false;
    sort(arms, k);
    for (std::size_t i = 0; i < k; ++i) {
        indices[i] = static_cast<std::int64_t>(arms[i].place.position);
        values[i] = arms[i].value;
    }
    return true;
}

template bool sample_top_k(const Kernel&, const Columns<float>&, Stream, std::size_t, std::size_t,
                           std::int64_t*, float*, int);
template bool sample_top_k(const Kernel&, const Columns<double>&, Stream, std::size_t, std::size_t,
                           std::int64_t*, double*, int);

}  // namespace betadist
