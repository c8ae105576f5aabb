// Polynomials of functions.hpp through the Chebyshev nodes of their intervals, fitted with 60
// digits, then rounded; highest power first. The tests repeat the fits.
#pragma once

namespace betadist {
namespace {

template <class T>
struct Coefficients;

template <>
struct Coefficients<float> {
    // (2 atanh(s) - 2 s) / s^3 in s^2, |s| <= 3 - 2 sqrt 2
    static constexpr float log[] = {0.2957995f, 0.3998878f, 0.66666687f};
    // (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2
    static constexpr float exp[] = {0.0013926176f, 0.008363173f, 0.041666556f, 0.16666578f, 0.5f};
    // (t - t^2/2 + t^3/3 - ln(1 + t)) / t^4 in t, |t| <= 1/4
    static constexpr float remainder[] = {
        0.09426381f, -0.102670774f, 0.09947412f, -0.11054538f, 0.12500924f, -0.14286707f,
        0.16666663f, -0.19999996f, 0.25f};
    // sin(x pi/2) / x in x^2, |x| <= 1/2
    static constexpr float sin[] = {-0.004602149f, 0.07968022f, -0.6459635f, 1.5707964f};
    // (cos(x pi/2) - 1) / x^2 in x^2, |x| <= 1/2
    static constexpr float cos[] = {0.0009067399f, -0.020861529f, 0.2536694f, -1.2337005f};

    static constexpr float ln2_high = 0.6931472f;
    static constexpr float ln2_low = -1.9046542e-09f;
    static constexpr float log2_e = 1.442695f;
    static constexpr float sqrt_half = 0.70710677f;
    static constexpr float two_to_mantissa = 8388608.0f;
    static constexpr float rounder = 12582912.0f;  // adding it rounds to an integer
    static constexpr float exp_floor = -120.0f;  // 100 exp(this) is 0
};

template <>
struct Coefficients<double> {
    // (2 atanh(s) - 2 s) / s^3 in s^2, |s| <= 3 - 2 sqrt 2
    static constexpr double log[] = {
        0.14616449685043406, 0.15331721600556042, 0.18182889125261723, 0.2222221113479508,
        0.28571428625975487, 0.39999999999899505, 0.666666666666667};
    // (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2
    static constexpr double exp[] = {
        2.5100375832561234e-08, 2.7620075879983367e-07, 2.7557268480310024e-06,
        2.4801521322368692e-05, 0.00019841269863040545, 0.0013888888917196719, 0.008333333333330065,
        0.041666666666624164, 0.16666666666666669, 0.5000000000000001};
    // (t - t^2/2 + t^3/3 - ln(1 + t)) / t^4 in t, |t| <= 1/4
    static constexpr double remainder[] = {
        -0.06193082355443905, 0.06495358745462305, -0.05086927821159214, 0.053714544643615435,
        -0.05893761366380126, 0.06261916962409597, -0.06666240599182703, 0.07142412104742464,
        -0.07692316990773097, 0.08333343045517523, -0.09090908977273991, 0.0999999988131122,
        -0.11111111111805276, 0.12500000000725028, -0.14285714285712656, 0.16666666666664964, -0.2,
        0.25};
    // sin(x pi/2) / x in x^2, |x| <= 1/2
    static constexpr double sin[] = {
        5.633933781537854e-08, -3.59864335298231e-06, 0.0001604411507421909, -0.004681754132340976,
        0.07969262624604301, -0.6459640975062443, 1.5707963267948966};
    // (cos(x pi/2) - 1) / x^2 in x^2, |x| <= 1/2
    static constexpr double cos[] = {
        -6.329396344967424e-09, 4.710678405505227e-07, -2.5202039028029178e-05,
        0.0009192602745468447, -0.020863480763340773, 0.2536695079010478, -1.2337005501361697};

    static constexpr double ln2_high = 0.6931471805599453;
    static constexpr double ln2_low = 2.3190468138462996e-17;
    static constexpr double log2_e = 1.4426950408889634;
    static constexpr double sqrt_half = 0.7071067811865476;
    static constexpr double two_to_mantissa = 4503599627370496.0;
    static constexpr double rounder = 6755399441055744.0;  // adding it rounds to an integer
    static constexpr double exp_floor = -800.0;  // 100 exp(this) is 0
};

}  // namespace
}  // namespace betadist
