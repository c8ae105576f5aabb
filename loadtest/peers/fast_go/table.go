package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"os"
	"slices"
	"strconv"
)

// slot holds the posterior of an id; there is none where alpha is 0. Two ids with one hash of 64
// bits, under a secret seed, are a chance of 3e-10 among 100,000.
type slot struct {
	hash uint64
	posterior
}

// table is open addressing by linear probing, at most half full.
type table struct {
	seed  maphash.Seed
	slots []slot
	mask  uint64
}

// LoadCSV reads a file with the columns id, alpha and beta.
func LoadCSV(path string) (Store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], []string{"id", "alpha", "beta"}) {
		return nil, fmt.Errorf("%s: the columns must be id,alpha,beta", path)
	}
	t := newTable(len(rows))
	for _, row := range rows[1:] {
		alpha, errAlpha := strconv.ParseFloat(row[1], 32)
		beta, errBeta := strconv.ParseFloat(row[2], 32)
		if err := errors.Join(errAlpha, errBeta); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, row[0], err)
		}
		t.put(row[0], posterior{float32(alpha), float32(beta)})
	}
	return t, nil
}

func newTable(rows int) *table {
	size := uint64(1) << bits.Len(uint(2*rows))
	return &table{maphash.MakeSeed(), make([]slot, size), size - 1}
}

func (t *table) put(id string, p posterior) {
	hash := maphash.String(t.seed, id)
	at := hash & t.mask
	for t.slots[at].alpha != 0 && t.slots[at].hash != hash {
		at = (at + 1) & t.mask
	}
	t.slots[at] = slot{hash, p}
}

// fetch hashes all ids first, so that many look-ups wait for memory at once.
func (t *table) fetch(d *decision) (missing int, err error) {
	d.posteriors = resized(d.posteriors, len(d.ids.spans))
	d.hashes = resized(d.hashes, len(d.ids.spans))
	for i, s := range d.ids.spans {
		d.hashes[i] = maphash.Bytes(t.seed, d.ids.text[s.from:s.to])
	}
	slots := t.slots
	for i, hash := range d.hashes {
		at := hash & t.mask
		for slots[at].alpha != 0 && slots[at].hash != hash {
			at = (at + 1) & t.mask
		}
		p := slots[at].posterior
		if p.alpha == 0 {
			p = prior
			missing++
		}
		d.posteriors[i] = p
	}
	return missing, nil
}
