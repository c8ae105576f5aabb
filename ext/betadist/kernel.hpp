// The draw, block by block of lanes. Every stage runs over whole vectors; a stage that only some
// lanes need works on copies of theirs, side by side, so no vector waits for one of its lanes.
#pragma once

#include "fit.hpp"
#include "gamma.hpp"
#include "kernels.hpp"
#include "lanes.hpp"
#include "part.hpp"

namespace betadist {
namespace {

// Vectors whose words are made side by side, since the ten rounds of one leave the processor
// waiting: four chains of 64-bit products.
template <class T>
constexpr int abreast = sizeof(T) / 2;

template <class V>
class Block {
    using T = typename V::Element;
    using Real = typename V::Real;
    static constexpr int group = abreast<T> * V::width;
    static_assert(block_size % group == 0);

   public:
    explicit Block(Stream stream) : key_(stream.key), max_attempts_(stream.max_attempts) {}

    // False, and nothing drawn, where a shape is not fit.
    bool draw(const Columns<T>& all_columns, std::size_t begin, int count, T* out) {
        const auto columns = part(all_columns, begin, count);
        for (int i = 0; i < count; i += 64 / sizeof(T)) __builtin_prefetch(out + i, 1);
        if (!propose(columns, count)) return false;
        for (int attempt = 0; undecided_.count > 0 && attempt < max_attempts_; ++attempt) {
            settle(columns, attempt);
        }
        centre(columns);
        if (some_small_) boost(columns, count);
        divide(count, out);
        return true;
    }

   private:
    Columns<T> part(const Columns<T>& columns, std::size_t begin, int count) {
        if (columns.lanes) {
            return {columns.alpha + begin, columns.beta + begin, columns.lanes + begin};
        }
        for (int i = 0; i < count; ++i) numbers_[i] = begin + static_cast<std::size_t>(i);
        return {columns.alpha + begin, columns.beta + begin, numbers_};
    }

    // Makes whole groups of words, and for proposals the centres of the gammas and their roots.
    template <Purpose purpose>
    [[gnu::flatten]] Survey<V> prepare(const Columns<T>& columns, int count, int attempt) {
        Survey<V> survey;
        int i = 0;
        for (; i + group <= count; i += group) {
            prepare_group<purpose>(tail_of(columns, i), i, attempt, survey);
        }
        if (i < count) {
            const auto last = last_.take(tail_of(columns, i), every_position.at, count - i);
            prepare_group<purpose>(last, i, attempt, survey);
        }
        return survey;
    }

    template <Purpose purpose>
    void prepare_group(const Columns<T>& columns, int to, int attempt, Survey<V>& survey) {
        Counter<V> counters[abreast<T>];
        for (int j = 0; j < abreast<T>; ++j) {
            const int i = j * V::width;
            counters[j] = counter<V>(columns.lanes + i, attempt, purpose);
            if constexpr (purpose == PROPOSAL) {
                survey.see(prepare_gamma(columns.alpha + i, centre1_ + to + i, root1_ + to + i));
                survey.see(prepare_gamma(columns.beta + i, centre2_ + to + i, root2_ + to + i));
            }
        }
        philox<V>(counters, key_, words_ + to / V::width);
    }

    // Here, because the making of words leaves the processor's divider idle.
    static Real prepare_gamma(const T* shapes, T* centres, T* roots) {
        const Real shape = V::load(shapes);
        const Real centre = centre_of<V>(shape);
        V::store(centres, centre);
        V::store(roots, V::sqrt(centre));
        return shape;
    }

    [[gnu::flatten]] void make_normals(int count, T* first, T* second) {
        for (int i = 0; i < count; i += V::width) {
            Real z1, z2;
            normals<V>(words_[i / V::width], z1, z2);
            V::store(first + i, z1);
            V::store(second + i, z2);
        }
    }

    [[gnu::flatten]] bool propose(const Columns<T>& columns, int count) {
        const auto survey = prepare<PROPOSAL>(columns, count, 0);
        if (!survey.all_fit()) return false;
        some_small_ = survey.some_small();
        make_normals(count, gamma_[0], gamma_[1]);
        int undecided = 0;
        for (int i = 0; i < count; i += V::width) {
            const auto first = proposal(centre1_, root1_, gamma_[0], i);
            const auto second = proposal(centre2_, root2_, gamma_[1], i);
            fetch_next(columns.alpha + i);
            fetch_next(columns.beta + i);
            V::store(gamma_[0] + i, first.quarter());
            V::store(gamma_[1] + i, second.quarter());
            const auto u = acceptance_bound<V>(words_[i / V::width]);
            const auto open = V::invert(surely_accepted<V>(u, first, second));
            undecided +=
                V::compact(open, count - i, every_position.at + i, undecided_.at + undecided);
        }
        undecided_.count = undecided;
        return true;
    }

    // The same place in the next block, if there is one.
    static void fetch_next(const T* shapes) {
        constexpr std::uintptr_t ahead = block_size * sizeof(T);
        __builtin_prefetch(
            reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(shapes) + ahead));
    }

    static Proposal<V> proposal(const T* centres, const T* roots, const T* normals, int i) {
        return {V::load(centres + i), V::load(roots + i), V::load(normals + i)};
    }

    // The whole test for the undecided lanes; those rejected stay for the next attempt.
    [[gnu::flatten]] void settle(const Columns<T>& columns, int attempt) {
        const int count = undecided_.count;
        const auto some = some_.take(columns, undecided_.at, count);
        prepare<PROPOSAL>(some, whole(count), attempt);
        make_normals(count, spare1_, spare2_);
        int rejected = 0;
        for (int i = 0; i < count; i += V::width) {
            const auto first = proposal(centre1_, root1_, spare1_, i);
            const auto second = proposal(centre2_, root2_, spare2_, i);
            V::store(spare1_ + i, first.quarter());
            V::store(spare2_ + i, second.quarter());
            const auto u =
                acceptance_uniform<V>(words_[i / V::width], some.lanes + i, key_, attempt);
            const auto again = V::invert(accepted<V>(u, first, second));
            rejected += V::compact(again, count - i, undecided_.at + i, rejected_.at + rejected);
        }
        for (int i = 0; i < count; ++i) {
            gamma_[0][undecided_.at[i]] = spare1_[i];
            gamma_[1][undecided_.at[i]] = spare2_[i];
        }
        for (int i = 0; i < rejected; ++i) undecided_.at[i] = rejected_.at[i];
        undecided_.count = rejected;
    }

    // Lanes out of attempts get the centres of their gammas.
    void centre(const Columns<T>& columns) {
        for (int i = 0; i < undecided_.count; ++i) {
            const std::uint32_t at = undecided_.at[i];
            gamma_[0][at] = centre_of<Scalar<T>>(columns.alpha[at]) * T(0.25);
            gamma_[1][at] = centre_of<Scalar<T>>(columns.beta[at]) * T(0.25);
        }
    }

    // The lanes with a shape < 1 had it raised by 1; gamma(s) = gamma(s + 1) exp(-E / s).
    [[gnu::flatten]] void boost(const Columns<T>& columns, int count) {
        const int small = find_small(columns, count);
        const auto some = some_.take(columns, small_.at, small);
        prepare<SMALL>(some, whole(small), 0);
        T *const log_boost = root1_, *const which = root2_, *const boosted = spare1_;
        for (int i = 0; i < small; i += V::width) {
            const Real a = V::load(some.alpha + i);
            const Real b = V::load(some.beta + i);
            const auto& w = words_[i / V::width];
            const auto first = boosts_first(w, a, b);
            V::store(log_boost + i, -exponential<V>(w.w0, w.w1) / V::select(first, a, b));
            V::store(which + i, V::select(first, V::set(0), V::set(1)));
        }
        // By index, as a branch on which gamma it is would be a coin toss.
        const auto gamma = [&](int i) -> T& {
            return gamma_[static_cast<int>(which[i])][small_.at[i]];
        };
        for (int i = 0; i < small; ++i) boosted[i] = gamma(i);
        for (int i = 0; i < small; i += V::width) {
            V::store(boosted + i, times_exp<V>(V::load(boosted + i), V::load(log_boost + i)));
        }
        for (int i = 0; i < small; ++i) gamma(i) = boosted[i];
    }

    // Where both shapes are < 1, the mixture
    // Beta(a, b) = a/(a+b) Beta(a+1, b) + b/(a+b) Beta(a, b+1) leaves one to boost.
    static typename V::Mask boosts_first(const Words<V>& w, Real a, Real b) {
        const auto one = V::set(1);
        const auto side = V::less(long_uniform<V>(w.w2, w.w3), a / (a + b));
        const auto alpha_raised = V::both(V::less(b, one), side);
        return V::both(V::less(a, one), V::invert(alpha_raised));
    }

    int find_small(const Columns<T>& columns, int count) {
        int found = 0, i = 0;
        for (; i + V::width <= count; i += V::width) {
            const auto small = either_small(V::load(columns.alpha + i), V::load(columns.beta + i));
            found += V::compact(small, V::width, every_position.at + i, small_.at + found);
        }
        for (; i < count; ++i) {
            small_.at[found] = static_cast<std::uint32_t>(i);
            found += columns.alpha[i] < 1 || columns.beta[i] < 1;
        }
        return found;
    }

    void divide(int count, T* out) {
        int i = 0;
        for (; i + V::width <= count; i += V::width) V::store(out + i, ratio(i));
        if (i == count) return;
        V::store(gamma_[0] + i, ratio(i));
        for (; i < count; ++i) out[i] = gamma_[0][i];
    }

    Real ratio(int i) const {
        const Real g1 = V::load(gamma_[0] + i);
        return g1 / (g1 + V::load(gamma_[1] + i));
    }

    static int whole(int count) { return (count + group - 1) / group * group; }

    static typename V::Mask either_small(Real a, Real b) {
        return V::either(V::less(a, V::set(1)), V::less(b, V::set(1)));
    }

    template <class W>
    static typename W::Real centre_of(typename W::Real shape) {
        const auto small = W::less(shape, W::set(1));
        return shape + W::select(small, constant<W>(2.0 / 3), constant<W>(-1.0 / 3));
    }

    Schedule key_;
    int max_attempts_;
    bool some_small_ = false;
    List<V::width> undecided_, rejected_, small_;
    Words<V> words_[block_size / V::width];
    alignas(64) T centre1_[block_size];
    alignas(64) T centre2_[block_size];
    alignas(64) T root1_[block_size];
    alignas(64) T root2_[block_size];
    alignas(64) T gamma_[2][block_size];  // at first their normals
    alignas(64) T spare1_[block_size];
    alignas(64) T spare2_[block_size];
    alignas(64) std::uint64_t numbers_[block_size];  // the lanes' names where none are given
    Copy<T, group, group> last_;
    Copy<T, block_size, group> some_;
};

template <class V>
bool draw(const Columns<typename V::Element>& columns, Stream stream, std::size_t begin,
          std::size_t end, typename V::Element* out) {
    static_assert(sizeof(Block<V>) < 80 * 1024, "must fit in a small thread's stack");
    Block<V> block(stream);
    for (std::size_t from = begin; from < end; from += block_size) {
        const std::size_t left = end - from;
        const int count = static_cast<int>(left < block_size ? left : block_size);
        if (!block.draw(columns, from, count, out)) return false;
        out += block_size;
    }
    return true;
}

// A template so that each level compiles a loop of its own.
template <template <class> class V>
void pass_tagged(const std::uint64_t* tags, TagFilter asked, std::size_t n, std::uint8_t* passes) {
    const std::uint64_t any = asked.wanted == 0;
    for (std::size_t i = 0; i < n; ++i) {
        passes[i] = (((tags[i] & asked.wanted) | any) != 0) & ((tags[i] & asked.unwanted) == 0);
    }
}

template <template <class> class V>
constexpr Kernel kernel_of(const char* level) {
    return {level,          are_fit<V<float>>, are_fit<V<double>>, draw<V<float>>,
            draw<V<double>>, part<V, float>,    part<V, double>,    pass_tagged<V>};
}

}  // namespace
}  // namespace betadist
