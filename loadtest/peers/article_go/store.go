package main

import "context"

// Posterior holds the parameters of a candidate's Beta distribution.
type Posterior struct {
	Alpha, Beta float64
}

var prior = Posterior{Alpha: 2, Beta: 30}

// Store knows the posteriors of candidates.
type Store interface {
	// Fetch returns a posterior for each id, the prior for those that are unknown, and how many
	// those are.
	Fetch(ctx context.Context, ids []string) (posteriors []Posterior, missing int, err error)
}
