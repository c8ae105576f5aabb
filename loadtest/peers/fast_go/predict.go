package main

import (
	"errors"
	"sync"

	"github.com/valyala/fasthttp"
)

const maxCandidates = 10_000

var (
	errNotJSON      = errors.New("the body is not JSON")
	errNoCandidates = errors.New("candidates must be a non-empty array of strings")
)

// decision is what one request needs; its slices keep their capacity for the next.
type decision struct {
	ids        idColumn
	decisionID []byte
	hashes     []uint64
	posteriors []posterior
	scores     []float32
	ranking    ranking
	random     splitMix
}

var decisions = sync.Pool{New: func() any { return &decision{random: seeded()} }}

func predict(ctx *fasthttp.RequestCtx, store Store) {
	if !ctx.IsPost() {
		ctx.Error("POST it", fasthttp.StatusMethodNotAllowed)
		return
	}
	d := decisions.Get().(*decision)
	defer decisions.Put(d)
	if err := d.decode(ctx.PostBody()); err != nil {
		status := fasthttp.StatusUnprocessableEntity
		if errors.Is(err, errNotJSON) {
			status = fasthttp.StatusBadRequest
		}
		ctx.Error(err.Error(), status)
		return
	}
	missing, err := store.fetch(d)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusServiceUnavailable)
		return
	}
	d.score()
	d.ranking.sort(d.scores)
	ctx.Response.Header.SetContentTypeBytes(jsonType)
	answer := ctx.Response.SwapBody(nil)
	ctx.Response.SwapBody(d.encode(answer[:0], missing))
}

var jsonType = []byte("application/json")

func (d *decision) score() {
	d.scores = resized(d.scores, len(d.posteriors))
	for i, p := range d.posteriors {
		d.scores[i] = d.random.beta(float64(p.alpha), float64(p.beta))
	}
}

func resized[T any](values []T, n int) []T {
	if cap(values) < n {
		return make([]T, n)
	}
	return values[:n]
}
