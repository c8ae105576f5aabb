package main

import (
	"math"
	"strconv"
)

// In units of 10^-11, a float32 from 2^-11 to 1 and its half-way neighbours are whole numbers over
// powers of two whose numerators fit 64 bits, so that the shortest decimal is found exactly.
const (
	decimals = 11
	scale    = 100_000_000_000
	smallest = 1.0 / 2048
	bitsOne  = 0x3f800000
	mantissa = 23
	leading  = 1 << mantissa
	bias     = 127 + mantissa
)

var powers = [...]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000,
	100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000}

const pairs = "00010203040506070809101112131415161718192021222324" +
	"25262728293031323334353637383940414243444546474849" +
	"50515253545556575859606162636465666768697071727374" +
	"75767778798081828384858687888990919293949596979899"

// appendScore appends the shortest decimal that reads back as the same float32.
func appendScore(to []byte, score float32) []byte {
	number := math.Float32bits(score)
	fraction := number & (leading - 1)
	// The neighbours of a power of two are not equally far.
	if !(score >= smallest && number < bitsOne) || fraction == 0 {
		return strconv.AppendFloat(to, float64(score), 'g', -1, 32)
	}
	digits, zeros := shortest(uint64(fraction|leading), bias-number>>mantissa)
	return appendFraction(to, digits, decimals-zeros)
}

// shortest returns the decimal with the most trailing zeros among those that round to m / 2^shift,
// and of these the nearest, without its zeros, and their count.
func shortest(m uint64, shift uint32) (digits uint64, zeros int) {
	low := (2*m-1)*scale>>(shift+1) + 1
	high := (2*m + 1) * scale >> (shift + 1)
	for zeros = surest[shift&63]; high/powers[zeros+1]*powers[zeros+1] >= low; zeros++ {
	}
	power := powers[zeros]
	twice := 2 * m * scale >> shift
	digits = twice / (2 * power)
	if twice-2*power*digits >= power {
		digits++
	}
	return digits, zeros
}

// surest holds, by shift, the zeros of a power of ten that is no larger than the interval.
var surest = func() (table [64]int) {
	for shift := range table {
		for scale>>shift >= powers[table[shift]+1] && table[shift] < decimals-1 {
			table[shift]++
		}
	}
	return table
}()

// appendFraction appends "0." and n digits.
func appendFraction(to []byte, digits uint64, n int) []byte {
	to = append(to, "0.00000000000"[:2+n]...)
	at := len(to)
	for digits >= 100 {
		pair := digits % 100 * 2
		digits /= 100
		at -= 2
		to[at], to[at+1] = pairs[pair], pairs[pair+1]
	}
	to[at-1] = pairs[2*digits+1]
	if digits >= 10 {
		to[at-2] = pairs[2*digits]
	}
	return to
}
