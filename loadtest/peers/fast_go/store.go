package main

// posterior holds the parameters of a candidate's Beta distribution.
type posterior struct {
	alpha, beta float32
}

var prior = posterior{2, 30}

// Store knows the posteriors of candidates.
type Store interface {
	// fetch sets a decision's posteriors, the prior where an id is unknown, and returns how many
	// are.
	fetch(d *decision) (missing int, err error)
}
