// The draw, block by block of lanes. Every stage runs over whole vectors; a stage that only some
// lanes need takes their positions from a list, so no vector waits for one of its lanes.
#pragma once

#include "columns.hpp"
#include "gamma.hpp"

namespace betadist {
namespace {

// 256 lanes of float64 and their lists take 13 KiB: a block stays in the first-level cache.
constexpr int block_size = 256;

struct Identity {
    std::uint32_t at[block_size];

    constexpr Identity() : at() {
        for (std::uint32_t i = 0; i < block_size; ++i) at[i] = i;
    }
};

constexpr Identity all{};

// Some positions in a block.
template <int width>
struct List {
    alignas(64) std::uint32_t at[block_size + width];
    int count = 0;

    // The last vector is filled up with copies of the last position: what a stage computes for a
    // copy is what it computes for the original.
    void fill() {
        for (int i = 0; i < width && count > 0; ++i) at[count + i] = at[count - 1];
    }
};

template <class V>
class Block {
    using T = typename V::Element;
    using Real = typename V::Real;
    using Positions = List<V::width>;
    static_assert(block_size % V::width == 0);

   public:
    explicit Block(Stream stream) : stream_(stream) {}

    void draw(const Columns<T>& columns, std::size_t begin, int count, T* out) {
        load(columns, begin, count);
        propose_all();
        for (int attempt = 0; undecided_.count > 0 && attempt < stream_.max_attempts; ++attempt) {
            settle(attempt);
        }
        centre();
        boost();
        divide(out);
    }

   private:
    // Lanes beyond `count`, up to a whole vector, get shapes 1.
    void load(const Columns<T>& columns, std::size_t begin, int count) {
        count_ = count;
        for (int i = 0; i < count; ++i) {
            const std::size_t from = begin + static_cast<std::size_t>(i);
            alpha_[i] = columns.alpha[from];
            beta_[i] = columns.beta[from];
            lanes_[i] = columns.lanes ? columns.lanes[from] : from;
        }
        for (int i = count; i % V::width != 0; ++i) {
            alpha_[i] = beta_[i] = 1;
            lanes_[i] = 0;
        }
    }

    void propose_all() {
        undecided_.count = small_.count = 0;
        for (int i = 0; i < count_; i += V::width) {
            const Real a = V::load(alpha_ + i);
            const Real b = V::load(beta_ + i);
            Lane<V> lane;
            V::load_lanes(lanes_ + i, lane.low, lane.high);
            const auto pair = propose<V>(lane, stream_.key, 0, centre_of(a), centre_of(b));
            V::store(first_ + i, pair.first.quarter());
            V::store(second_ + i, pair.second.quarter());
            append(V::invert(pair.surely_accepted()), all.at + i, count_ - i, undecided_);
            append(V::less(V::min(a, b), V::set(1)), all.at + i, count_ - i, small_);
        }
    }

    // The whole test for the undecided lanes; those rejected stay for the next attempt.
    void settle(int attempt) {
        const int count = undecided_.count;
        undecided_.fill();
        undecided_.count = 0;
        for (int i = 0; i < count; i += V::width) {
            const std::uint32_t* at = undecided_.at + i;
            const auto lane = lane_at(at);
            const Real d1 = centre_of(V::gather(alpha_, at));
            const Real d2 = centre_of(V::gather(beta_, at));
            const auto pair = propose<V>(lane, stream_.key, attempt, d1, d2);
            V::scatter(first_, at, pair.first.quarter());
            V::scatter(second_, at, pair.second.quarter());
            const auto rejected = V::invert(pair.accepted(lane, stream_.key, attempt));
            append(rejected, at, count - i, undecided_);
        }
    }

    // Lanes out of attempts get the centres of their gammas.
    void centre() {
        undecided_.fill();
        for (int i = 0; i < undecided_.count; i += V::width) {
            const std::uint32_t* at = undecided_.at + i;
            V::scatter(first_, at, centre_of(V::gather(alpha_, at)) * V::set(0.25f));
            V::scatter(second_, at, centre_of(V::gather(beta_, at)) * V::set(0.25f));
        }
    }

    // The lanes with a shape < 1 had it raised by 1; gamma(s) = gamma(s + 1) exp(-E / s).
    // Where both were, the mixture Beta(a, b) = a/(a+b) Beta(a+1, b) + b/(a+b) Beta(a, b+1) leaves
    // one to boost.
    void boost() {
        small_.fill();
        for (int i = 0; i < small_.count; i += V::width) {
            const std::uint32_t* at = small_.at + i;
            const auto w = block<V>(lane_at(at), stream_.key, 0, SMALL);
            const Real a = V::gather(alpha_, at);
            const Real b = V::gather(beta_, at);
            const auto one = V::set(1);
            const auto side = V::less(long_uniform<V>(w.w2, w.w3), a / (a + b));
            const auto alpha_raised = V::both(V::less(b, one), side);
            const auto first = V::both(V::less(a, one), V::invert(alpha_raised));
            const Real log_boost = -exponential<V>(w.w0, w.w1) / V::select(first, a, b);
            const Real g1 = V::gather(first_, at);
            const Real g2 = V::gather(second_, at);
            const Real boosted = times_exp<V>(V::select(first, g1, g2), log_boost);
            V::scatter(first_, at, V::select(first, boosted, g1));
            V::scatter(second_, at, V::select(first, g2, boosted));
        }
    }

    void divide(T* out) {
        for (int i = 0; i < count_; i += V::width) {
            const Real g1 = V::load(first_ + i);
            V::store(first_ + i, g1 / (g1 + V::load(second_ + i)));
        }
        for (int i = 0; i < count_; ++i) out[i] = first_[i];
    }

    static Real centre_of(Real shape) {
        const auto small = V::less(shape, V::set(1));
        return shape + V::select(small, constant<V>(2.0 / 3), constant<V>(-1.0 / 3));
    }

    Lane<V> lane_at(const std::uint32_t* at) const {
        Lane<V> lane;
        V::gather_lanes(lanes_, at, lane.low, lane.high);
        return lane;
    }

    static void append(typename V::Mask keep, const std::uint32_t* at, int live, Positions& to) {
        to.count += V::compact(keep, live, at, to.at + to.count);
    }

    Stream stream_;
    int count_ = 0;
    alignas(64) T alpha_[block_size];
    alignas(64) T beta_[block_size];
    alignas(64) T first_[block_size];
    alignas(64) T second_[block_size];
    alignas(64) std::uint64_t lanes_[block_size];
    Positions undecided_, small_;
};

template <class V>
void draw(const Columns<typename V::Element>& columns, Stream stream, std::size_t begin,
          std::size_t end, typename V::Element* out) {
    Block<V> block(stream);
    for (std::size_t from = begin; from < end; from += block_size) {
        const std::size_t left = end - from;
        block.draw(columns, from, static_cast<int>(left < block_size ? left : block_size), out);
        out += block_size;
    }
}

}  // namespace
}  // namespace betadist
