package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

// A tie between two nearest decimals may go either way.
func TestScoresAreTheShortestDecimals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2_000_000 {
		score := math.Float32frombits(random.Uint32N(bitsOne + 1))
		if i%2 == 0 {
			score = random.Float32()
		}
		got := string(appendScore(nil, score))
		want := strconv.FormatFloat(float64(score), 'g', -1, 32)
		read, err := strconv.ParseFloat(got, 32)
		if err != nil || float32(read) != score || len(got) != len(want) {
			t.Fatalf("%s instead of %s", got, want)
		}
	}
}

func TestTheScannerTakesOnlyWhatEncodingJSONTakes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	seed := []byte(`{ "decision_id":"d", "candidates": ["abc", "a longer one, é", "d"]}`)
	const damage = "\"\\{}[],: \n\x00\xff\xc3a1"
	taken := 0
	for range 2_000_000 {
		body := slices.Clone(seed)
		for range random.IntN(3) {
			body[random.IntN(len(body))] = damage[random.IntN(len(damage))]
		}
		d := &decision{}
		if !d.scan(body) {
			continue
		}
		taken++
		scanned := texts(&d.ids)
		if err := d.unmarshal(body); err != nil || !slices.Equal(scanned, texts(&d.ids)) {
			t.Fatalf("%q: %q, %v", body, scanned, err)
		}
		if !json.Valid(body) {
			t.Fatalf("%q", body)
		}
	}
	if taken < 100_000 {
		t.Fatalf("only %d were taken", taken)
	}
}

func texts(ids *idColumn) (found []string) {
	for _, s := range ids.spans {
		found = append(found, string(ids.text[s.from:s.to]))
	}
	return found
}

func TestRankingIsByScoreThenIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var r ranking
	for n := range 600 {
		scores := make([]float32, n)
		for i := range scores {
			scores[i] = float32(random.IntN(300)) / 300 * random.Float32()
		}
		r.sort(scores)
		if len(r.order) != n || !slices.IsSortedFunc(r.order, worse) {
			t.Fatalf("%d scores", n)
		}
	}
}

func worse(a, b lane) int {
	switch {
	case a.score() != b.score():
		return int(math.Copysign(1, float64(b.score()-a.score())))
	default:
		return int(a.index()) - int(b.index())
	}
}
