// Selection of the k largest draws. Each part keeps candidates in a buffer of about 2 k; when that
// is full a bound rises so far that about k of them reach it, and every part drops draws below the
// highest bound of all. n draws cost n vector comparisons and about k ln(n/k) insertions.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "eligible.hpp"
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
    Candidates(std::size_t k, std::size_t capacity)
        : k_(k),
          capacity_(capacity),
          values_(std::make_unique_for_overwrite<T[]>(capacity)),
          places_(std::make_unique_for_overwrite<Place[]>(capacity)) {}

    static constexpr std::size_t stride = 64;

    std::size_t count() const { return count_; }
    T value(std::size_t i) const { return values_[i]; }
    Place place(std::size_t i) const { return places_[i]; }

    // Adds those of up to `stride` draws that reach the bound of all parts.
    template <class PlaceOf>
    void add(const T* draws, std::size_t size, std::atomic<T>& bound, const PlaceOf& place_of) {
        T least = bound.load(std::memory_order_relaxed);
        if (size == stride && count_reaching<stride>(draws, least) == 0) return;
        if (capacity_ - count_ < stride) {
            prune(bound);
            least = std::max(least, least_);
        }
        for (std::size_t i = 0; i < size; ++i) {
            put(count_, draws[i], place_of(i));
            count_ += draws[i] >= least;
        }
    }

    // Keeps about k, and raises the bound to what they reach.
    void prune(std::atomic<T>& bound) {
        if (count_ <= enough(k_)) return;
        least_ = bound_of(values_.get(), count_, k_);
        keep([&](T value) { return value >= least_; });
        if (count_ > enough(k_)) drop_ties();
        raise(bound, least_);
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

// Copies of arms, side by side, which are drawn from together.
template <class T>
struct Gathered {
    static constexpr std::size_t enough = Eligible::most / 2, most = enough + Eligible::most;
    static constexpr std::size_t group = Eligible::group;

    std::size_t count = 0;
    T alpha[most], beta[most];
    std::uint64_t lanes[most];
    std::size_t positions[most];

    // Those that pass of up to Eligible::most arms, while fewer than `enough` are here.
    void take(const Columns<T>& from, std::size_t begin, std::size_t size,
              const Eligible& eligible) {
        std::size_t i = 0, to = count;
        for (; size - i >= group; i += group) {
            if (eligible.none_pass(i)) continue;
            if (eligible.all_pass(i)) {
                put<group>(from, begin + i, to);
                to += group;
            } else {
                for (std::size_t j = i; j < i + group; ++j) {
                    put<1>(from, begin + j, to);
                    to += eligible.passes(j);
                }
            }
        }
        for (; i < size; ++i) {
            put<1>(from, begin + i, to);
            to += eligible.passes(i);
        }
        count = to;
    }

    Columns<T> columns() const { return {alpha, beta, lanes}; }

   private:
    template <std::size_t size>
    void put(const Columns<T>& from, std::size_t at, std::size_t to) {
        std::memcpy(alpha + to, from.alpha + at, size * sizeof(T));
        std::memcpy(beta + to, from.beta + at, size * sizeof(T));
        for (std::size_t i = 0; i < size; ++i) positions[to + i] = at + i;
        std::memcpy(lanes + to, from.lanes ? from.lanes + at : positions + to,
                    size * sizeof(std::uint64_t));
    }
};

// What all parts share.
template <class T>
struct Selection {
    const Kernel& kernel;
    const Columns<T>& columns;
    const Filter& filter;
    const Stream stream;
    std::atomic<bool> fit = true;
    alignas(64) std::atomic<T> bound = 0;
};

// One part's work; aligned, so that no two write to one line of the cache.
template <class T>
class alignas(128) Part {
   public:
    Part(Selection<T>& selection, std::size_t k, std::size_t capacity)
        : selection_(selection),
          candidates_(k, capacity),
          draws_(std::make_unique_for_overwrite<T[]>(Gathered<T>::most)),
          gathered_(std::make_unique_for_overwrite<Gathered<T>>()) {}

    void select(std::size_t begin, std::size_t end) {
        const FloatingPoint scope;  // of a thread of the pool
        Eligible eligible(selection_.kernel, selection_.filter, begin);
        for (std::size_t from = begin; from < end; from += Eligible::most) {
            const std::size_t count = std::min(end - from, Eligible::most);
            const bool every = eligible.see(from, count);
            eligible.fetch(from + count);
            if (every) {
                draw(from, count);
            } else {
                gathered_->take(selection_.columns, from, count, eligible);
                if (gathered_->count >= Gathered<T>::enough) draw_gathered();
            }
        }
    }

    // What is left to do once all ranges are selected from.
    const Candidates<T>& finish() {
        draw_gathered();
        candidates_.prune(selection_.bound);
        return candidates_;
    }

   private:
    void draw(std::size_t from, std::size_t count) {
        const auto place = [&](std::size_t i) { return Place(selection_.columns.lanes, from + i); };
        draw(selection_.columns, from, count, place);
    }

    void draw_gathered() {
        const Gathered<T>& arms = *gathered_;
        const auto place = [&](std::size_t i) { return Place(arms.lanes[i], arms.positions[i]); };
        draw(arms.columns(), 0, arms.count, place);
        gathered_->count = 0;
    }

    template <class PlaceOf>
    void draw(const Columns<T>& columns, std::size_t from, std::size_t count,
              const PlaceOf& place_of) {
        auto& [kernel, all, filter, stream, fit, bound] = selection_;
        if (!kernel.draw(columns, stream, from, from + count, draws_.get())) {
            fit = false;
            return;
        }
        constexpr std::size_t stride = Candidates<T>::stride;
        for (std::size_t i = 0; i < count; i += stride) {
            candidates_.add(draws_.get() + i, std::min(count - i, stride), bound,
                            [&](std::size_t j) { return place_of(i + j); });
        }
    }

    Selection<T>& selection_;
    Candidates<T> candidates_;
    std::unique_ptr<T[]> draws_;
    std::unique_ptr<Gathered<T>> gathered_;
};

// Room for k and as many to come, and for enough to come that a small k is seldom pruned; for all
// of n where they are fewer.
template <class T>
std::size_t room(std::size_t k, std::size_t n) {
    return std::min(2 * k + 1024, n + Candidates<T>::stride);
}

// The candidates of all parts that reach the highest bound.
template <class T>
Arms<T> select(Selection<T>& selection, std::size_t n, std::size_t k, int threads) {
    const std::size_t count = part_count(n, threads);
    std::vector<Part<T>> parts;
    parts.reserve(count);
    while (parts.size() < count) parts.emplace_back(selection, k, room<T>(k, n));
    split(n, count, [&](std::size_t part, std::size_t begin, std::size_t end) {
        if (selection.fit.load(std::memory_order_relaxed)) parts[part].select(begin, end);
    });
    Arms<T> arms;
    for (Part<T>& part : parts) {
        const Candidates<T>& found = part.finish();
        const T least = selection.bound;
        for (std::size_t i = 0; i < found.count(); ++i) {
            if (found.value(i) >= least) arms.push_back({found.value(i), found.place(i)});
        }
    }
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
std::optional<std::size_t> sample_top_k(const Kernel& kernel, const Columns<T>& columns,
                                        const Filter& filter, Stream stream, std::size_t n,
                                        std::size_t k, std::int64_t* indices, T* values,
                                        int threads) {
    const FloatingPoint scope;
    Selection<T> selection{kernel, columns, filter, stream};
    Arms<T> arms = select(selection, n, k, threads);
    if (!selection.fit) return std::nullopt;
    k = std::min(k, arms.size());
    sort(arms, k);
    for (std::size_t i = 0; i < k; ++i) {
        indices[i] = static_cast<std::int64_t>(arms[i].place.position);
        values[i] = arms[i].value;
    }
    return k;
}

template std::optional<std::size_t> sample_top_k(const Kernel&, const Columns<float>&,
                                                 const Filter&, Stream, std::size_t, std::size_t,
                                                 std::int64_t*, float*, int);
template std::optional<std::size_t> sample_top_k(const Kernel&, const Columns<double>&,
                                                 const Filter&, Stream, std::size_t, std::size_t,
                                                 std::int64_t*, double*, int);

}  // namespace betadist
