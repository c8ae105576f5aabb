package main

// #include "sampler.h"
import "C"

import "unsafe"

// sample draws a score for each posterior; a batch crosses into C++ once.
func sample(posteriors []Posterior) []float64 {
	alpha := make([]float64, len(posteriors))
	beta := make([]float64, len(posteriors))
	scores := make([]float64, len(posteriors))
	for i, p := range posteriors {
		alpha[i], beta[i] = p.Alpha, p.Beta
	}
	C.sample_beta(pointer(alpha), pointer(beta), pointer(scores), C.size_t(len(scores)))
	return scores
}

func pointer(values []float64) *C.double {
	return (*C.double)(unsafe.SliceData(values))
}
