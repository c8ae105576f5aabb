package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// MemoryStore holds all posteriors in a map.
type MemoryStore map[string]Posterior

// LoadCSV reads a file with the columns id, alpha and beta.
func LoadCSV(path string) (MemoryStore, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := csv.NewReader(file)
	header, err := reader.Read()
	if err != nil || !slices.Equal(header, []string{"id", "alpha", "beta"}) {
		return nil, fmt.Errorf("%s: the columns must be id,alpha,beta, are %q", path, header)
	}
	store := MemoryStore{}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return store, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		alpha, errAlpha := strconv.ParseFloat(row[1], 64)
		beta, errBeta := strconv.ParseFloat(row[2], 64)
		if err := errors.Join(errAlpha, errBeta); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, row[0], err)
		}
		store[row[0]] = Posterior{Alpha: alpha, Beta: beta}
	}
}

func (store MemoryStore) Fetch(_ context.Context, ids []string) ([]Posterior, int, error) {
	posteriors := make([]Posterior, len(ids))
	missing := 0
	for i, id := range ids {
		posterior, found := store[id]
		if !found {
			posterior = prior
			missing++
		}
		posteriors[i] = posterior
	}
	return posteriors, missing, nil
}
