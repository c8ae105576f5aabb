package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// decode reads a body; one that the scanner doesn't take goes to encoding/json whole.
func (d *decision) decode(body []byte) error {
	if !d.scan(body) {
		if err := d.unmarshal(body); err != nil {
			return err
		}
	}
	switch n := len(d.ids.spans); {
	case n == 0:
		return errNoCandidates
	case n > maxCandidates:
		return fmt.Errorf("%d candidates, at most %d allowed", n, maxCandidates)
	}
	return nil
}

func (d *decision) unmarshal(body []byte) error {
	var request struct {
		Candidates []string `json:"candidates"`
		DecisionID string   `json:"decision_id"`
	}
	err := json.Unmarshal(body, &request)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotJSON, err)
	}
	d.ids = idColumn{nil, d.ids.spans[:0], false}
	for _, id := range request.Candidates {
		from := len(d.ids.text)
		d.ids.text = append(d.ids.text, id...)
		d.ids.spans = append(d.ids.spans, span{uint32(from), uint32(len(d.ids.text))})
	}
	quoted := appendQuoted(nil, request.DecisionID)
	d.decisionID = append(d.decisionID[:0], quoted[1:len(quoted)-1]...)
	return nil
}

func appendQuoted(to []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // no string fails
	return append(to, quoted...)
}
