package main

import (
	"context"
	"encoding/json"
	"errors"
	"sort"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

const (
	batchSize = 100
	model     = "homepage"
	version   = "1"
)

// Predictor answers predict requests from the posteriors of a store.
type Predictor struct {
	store Store
}

// Predict is the article's request path: decode into a map, fetch and score batches of 100 ids in
// goroutines, gather a map of scores, encode.
func (p *Predictor) Predict(c *fiber.Ctx) error {
	request, err := decode(c.Body())
	if err != nil {
		return err
	}
	ids, err := candidates(request)
	if err != nil {
		return err
	}
	decisionID, ok := request["decision_id"].(string)
	if !ok {
		decisionID = uuid.Must(uuid.NewV7()).String()
	}
	scores, missing, err := p.score(c.UserContext(), ids)
	if err != nil {
		return fiber.NewError(fiber.StatusServiceUnavailable, err.Error())
	}
	// The article's answer is the map. Ranked columns are the contract's.
	ranked, column := rank(ids, scores)
	return c.JSON(fiber.Map{
		"decision_id": decisionID,
		"model":       model,
		"version":     version,
		"candidates":  ranked,
		"scores":      column,
		"missing":     missing,
		"degraded":    false,
	})
}

func decode(body []byte) (map[string]any, error) {
	var request map[string]any
	err := json.Unmarshal(body, &request)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return nil, fiber.NewError(fiber.StatusUnprocessableEntity, "the body must be an object")
	}
	if err != nil {
		return nil, fiber.NewError(fiber.StatusBadRequest, err.Error())
	}
	return request, nil
}

func candidates(request map[string]any) ([]string, error) {
	values, _ := request["candidates"].([]any)
	if len(values) == 0 {
		return nil, fiber.NewError(fiber.StatusUnprocessableEntity, "no candidates")
	}
	ids := make([]string, len(values))
	for i, value := range values {
		id, ok := value.(string)
		if !ok {
			return nil, fiber.NewError(fiber.StatusUnprocessableEntity, "candidates must be strings")
		}
		ids[i] = id
	}
	return ids, nil
}

// score returns the score of each id and how many the store doesn't know.
func (p *Predictor) score(ctx context.Context, ids []string) (map[string]float64, int, error) {
	type batch struct {
		ids     []string
		scores  []float64
		missing int
	}
	batches := make([]batch, (len(ids)+batchSize-1)/batchSize)
	group, ctx := errgroup.WithContext(ctx)
	for i := range batches {
		b := &batches[i]
		b.ids = ids[i*batchSize : min((i+1)*batchSize, len(ids))]
		group.Go(func() error {
			posteriors, missing, err := p.store.Fetch(ctx, b.ids)
			if err != nil {
				return err
			}
			b.scores, b.missing = sample(posteriors), missing
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	scores := make(map[string]float64, len(ids))
	missing := 0
	for _, b := range batches {
		for i, id := range b.ids {
			scores[id] = b.scores[i]
		}
		missing += b.missing
	}
	return scores, missing, nil
}

// rank returns the ids, best first, and their scores.
func rank(ids []string, scores map[string]float64) ([]string, []float64) {
	type scored struct {
		id    string
		score float64
	}
	ranking := make([]scored, len(ids))
	for i, id := range ids {
		ranking[i] = scored{id, scores[id]}
	}
	sort.Slice(ranking, func(i, j int) bool { return ranking[i].score > ranking[j].score })
	column := make([]float64, len(ids))
	for i, each := range ranking {
		ids[i], column[i] = each.id, each.score
	}
	return ids, column
}
