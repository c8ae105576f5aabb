package main

import "math"

// lane is a score's bits above a candidate's index; scores are no less than 0, so that their bits
// are in their order.
type lane uint64

func (l lane) index() uint32  { return uint32(l) }
func (l lane) score() float32 { return math.Float32frombits(uint32(l >> 32)) }

const (
	digitBits = 8
	digits    = 32 / digitBits
	buckets   = 1 << digitBits
)

// ranking sorts lanes, best first.
type ranking struct {
	order, spare []lane
	counts       [digits][buckets]uint32
}

// sort is a radix sort by the scores' bits, lowest digit first; equal scores stay in their order.
func (r *ranking) sort(scores []float32) {
	from, to := resized(r.order, len(scores)), resized(r.spare, len(scores))
	clear(r.counts[:])
	for i, score := range scores {
		key := math.Float32bits(score)
		from[i] = lane(key)<<32 | lane(i)
		r.counts[0][uint8(key)]++
		r.counts[1][uint8(key>>8)]++
		r.counts[2][uint8(key>>16)]++
		r.counts[3][uint8(key>>24)]++
	}
	for digit := range digits {
		starts := &r.counts[digit]
		end := uint32(len(scores))
		for i, count := range starts {
			end -= count
			starts[i] = end
		}
		shift := 32 + digitBits*digit
		for _, l := range from {
			bucket := uint8(l >> shift)
			to[starts[bucket]] = l
			starts[bucket]++
		}
		from, to = to, from
	}
	r.order, r.spare = from, to
}
