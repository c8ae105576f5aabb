"""Mistakes that the kernel could have: each one changed line, found by text that occurs once."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """`before` becomes `after` in a file of ext/betadist."""

    name: str
    file: str
    before: str
    after: str


MUTATIONS = [
    Mutation(
        "acceptance dropped",
        "gamma.hpp",
        "V::less(log<V>(u), first.exponent() + second.exponent())",
        "V::less(V::set(0), u)",
    ),
    Mutation(
        "acceptance of the first gamma only",
        "gamma.hpp",
        "first.exponent() + second.exponent()",
        "first.exponent()",
    ),
    Mutation(
        "exponent a little small",
        "gamma.hpp",
        "V::set(-3) * x2",
        "V::set(-2.99f) * x2",
    ),
    Mutation(
        "polynomial used beyond its interval",
        "gamma.hpp",
        "V::less(V::abs(t), V::set(0.25f))",
        "V::less(V::abs(t), V::set(0.5f))",
    ),
    Mutation(
        "squeeze too generous",
        "gamma.hpp",
        "V::set(0.75f) + V::abs(t)",
        "V::set(0.7f) + V::abs(t)",
    ),
    Mutation("squeeze used beyond its bound", "gamma.hpp", "constant<V>(0.55)", "constant<V>(0.0)"),
    Mutation("gamma without its cube", "gamma.hpp", "base * base * base", "base * base"),
    Mutation("radius a little long", "gamma.hpp", "V::set(-2) * log", "V::set(-2.001f) * log"),
    Mutation("sign of the normals constant", "gamma.hpp", "(radius, w.w2)", "(radius, 0u)"),
    Mutation("normals never swapped", "gamma.hpp", "has_bit<30>(w.w2)", "has_bit<30>(0u)"),
    Mutation(
        "a third changed a little", "kernel.hpp", "constant<W>(-1.0 / 3)", "constant<W>(-0.3333)"
    ),
    Mutation(
        "two thirds changed a little", "kernel.hpp", "constant<W>(2.0 / 3)", "constant<W>(0.6666)"
    ),
    Mutation(
        "a rejected lane lost from the list",
        "kernel.hpp",
        "V::compact(again, count - i, ",
        "V::compact(again, count - i - 1, ",
    ),
    Mutation(
        "an undecided lane lost from the list",
        "kernel.hpp",
        "V::compact(open, count - i, ",
        "V::compact(open, count - i - 1, ",
    ),
    Mutation(
        "lanes counted anew in each block",
        "kernel.hpp",
        "numbers_[i] = begin + static_cast",
        "numbers_[i] = static_cast",
    ),
    Mutation(
        "boost by the other shape",
        "kernel.hpp",
        "/ V::select(first, a, b)",
        "/ V::select(first, b, a)",
    ),
    Mutation("sides of the mixture flipped", "kernel.hpp", "a / (a + b)", "b / (a + b)"),
    Mutation(
        "boost from 32 bits",
        "kernel.hpp",
        "exponential<V>(w.w0, w.w1)",
        "exponential<V>(w.w0, 0u)",
    ),
    Mutation(
        "boost from the proposal's bits",
        "kernel.hpp",
        "counter<V>(columns.lanes + i, attempt, purpose)",
        "counter<V>(columns.lanes + i, attempt, PROPOSAL)",
    ),
    Mutation("side from the boost's bits", "kernel.hpp", "(w.w2, w.w3), a", "(w.w0, w.w1), a"),
    Mutation(
        "nine rounds of Philox",
        "philox.hpp",
        "for (int round = 0; round < 10",
        "for (int round = 0; round < 9",
    ),
    Mutation("key bumped wrongly", "philox.hpp", "0x9E3779B9u", "0x9E3779B8u"),
    Mutation("high word of the key left out", "philox.hpp", "(key >> 32)", "(key >> 63)"),
    Mutation(
        "attempt not counted",
        "stream.hpp",
        "static_cast<std::uint32_t>(attempt) << 8 | purpose",
        "static_cast<std::uint32_t>(attempt) * 0 | purpose",
    ),
    Mutation(
        "high word of the lane left out",
        "stream.hpp",
        "V::load_lanes(lanes, c.w0, c.w1);",
        "V::load_lanes(lanes, c.w0, c.w1), c.w1 = 0;",
    ),
    Mutation(
        "acceptance from the angle's bits",
        "stream.hpp",
        "V::intersect_words(w.w3, 0x7FF)",
        "V::intersect_words(w.w2, 0x7FF)",
    ),
    Mutation(
        "acceptance from the radius' bits",
        "stream.hpp",
        "V::template word_left<11>(V::intersect_words(w.w1, 0x7FF))",
        "V::template word_left<11>(V::template word_right<21>(w.w0))",
    ),
    Mutation(
        "refinement of float64 left out",
        "stream.hpp",
        "add_word<V, -54>(half, refined.w0)",
        "add_word<V, -54>(half, 0u)",
    ),
    Mutation(
        "refinement of float32 left out",
        "stream.hpp",
        "add_word<V, -43>(half, V::template word_right<11>(w.w1))",
        "add_word<V, -43>(half, 0u)",
    ),
    Mutation(
        "trailing bits of the angle left out",
        "stream.hpp",
        "add_word<V, -51>(half, V::template word_right<11>(w.w3))",
        "add_word<V, -51>(half, 0u)",
    ),
    Mutation(
        "last digit of the sine wrong",
        "coefficients.hpp",
        "-0.6459640975062443, 1.5707963267948966",
        "-0.6459640975062443, 1.5707963267949466",
    ),
    Mutation(
        "sine of float32 wrong",
        "coefficients.hpp",
        "-0.6459635f, 1.5707964f",
        "-0.6459635f, 1.570798f",
    ),
    Mutation(
        "digits of the exponential lost near 0", "functions.hpp", "lost / rest - log_p", "-log_p"
    ),
    Mutation(
        "a gamma takes the other's centre",
        "kernel.hpp",
        "proposal(centre2_, root2_, spare2_, i)",
        "proposal(centre1_, root2_, spare2_, i)",
    ),
    Mutation(
        "the other gamma boosted",
        "kernel.hpp",
        "V::select(first, V::set(0), V::set(1))",
        "V::select(first, V::set(1), V::set(0))",
    ),
    Mutation(
        "the last lanes take the first ones' shapes",
        "kernel.hpp",
        "last_.take(tail_of(columns, i), every_position.at, count - i)",
        "last_.take(columns, every_position.at, count - i)",
    ),
    Mutation(
        "small shapes seen in the last lanes only",
        "fit.hpp",
        "least_ = V::min(least_, shapes)",
        "least_ = V::min(V::set(1), shapes)",
    ),
    Mutation(
        "unfit shapes seen in the last lanes only",
        "fit.hpp",
        "V::greater(greatest_, ",
        "V::greater(V::set_bits(0), ",
    ),
    Mutation("infinity is fit", "fit.hpp", "(x) - 1 < infinity - 1", "(x) - 1 < infinity"),
    Mutation(
        "ties of the k largest in the wrong order",
        "top_k.cpp",
        "value > other.value : place < other.place",
        "value > other.value : other.place < place",
    ),
    Mutation(
        "the bound of the k largest too high", "selection.hpp", "count >= k", "count >= k / 2"
    ),
]
