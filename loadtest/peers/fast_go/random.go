package main

import (
	"math"
	"math/rand/v2"
)

// splitMix is SplitMix64 (Steele, Lea, Flood 2014): its words don't wait for each other.
type splitMix uint64

func seeded() splitMix { return splitMix(rand.Uint64()) }

func (s *splitMix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is in (0, 1).
func (s *splitMix) uniform() float64 {
	return (float64(s.next()>>12) + 0.5) * 0x1p-52
}

// The ziggurat of Marsaglia and Tsang (2000) with 256 layers of equal area under exp(-x^2/2).
const (
	layers = 256
	tail   = 3.6541528853610088
	area   = 0.00492867323399
)

// edges[i] is the right end of layer i, whose part left of edges[i+1] lies under the curve whole.
var edges, heights = func() (x, y [layers + 1]float64) {
	x[0] = area / math.Exp(-tail*tail/2)
	x[1] = tail
	for i := 1; i < layers; i++ {
		y[i] = math.Exp(-x[i] * x[i] / 2)
		x[i+1] = math.Sqrt(max(0, -2*math.Log(min(1, area/x[i]+y[i]))))
	}
	x[layers], y[layers] = 0, 1
	return x, y
}()

func (s *splitMix) normal() float64 {
	for {
		word := s.next()
		i := word & (layers - 1)
		x := float64(int64(word)>>11) * 0x1p-52 * edges[i]
		if math.Abs(x) < edges[i+1] {
			return x
		}
		if i == 0 {
			return math.Copysign(s.beyond(), x)
		}
		if heights[i]+s.uniform()*(heights[i+1]-heights[i]) < math.Exp(-x*x/2) {
			return x
		}
	}
}

// beyond draws from the normal's tail (Marsaglia 1964).
func (s *splitMix) beyond() float64 {
	for {
		x := -math.Log(s.uniform()) / tail
		if -2*math.Log(s.uniform()) > x*x {
			return tail + x
		}
	}
}

// gamma draws with a shape of at least 1 (Marsaglia and Tsang 2000).
func (s *splitMix) gamma(shape float64) float64 {
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := s.normal()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u, square := s.uniform(), x*x
		if u < 1-0.0331*square*square || math.Log(u) < square/2+d*(1-v+math.Log(v)) {
			return d * v
		}
	}
}

func (s *splitMix) beta(alpha, beta float64) float32 {
	if alpha < 1 || beta < 1 {
		return s.smallBeta(alpha, beta)
	}
	x := s.gamma(alpha)
	return float32(x / (x + s.gamma(beta)))
}

// smallBeta works with logarithms: gammas of small shapes can both be too small for a number.
func (s *splitMix) smallBeta(alpha, beta float64) float32 {
	return float32(1 / (1 + math.Exp(s.logGamma(beta)-s.logGamma(alpha))))
}

// logGamma is that of a shape one higher, times a uniform to the 1/shape.
func (s *splitMix) logGamma(shape float64) float64 {
	return math.Log(s.gamma(shape+1)) + math.Log(s.uniform())/shape
}
