package main

import (
	"encoding/hex"
	"strconv"
	"time"
)

// encode appends the answer, best first.
func (d *decision) encode(to []byte, missing int) []byte {
	to = append(to, `{"decision_id":"`...)
	if len(d.decisionID) > 0 {
		to = append(to, d.decisionID...)
	} else {
		to = d.appendNewID(to)
	}
	to = append(to, `","model":"homepage","version":"1","candidates":[`...)
	to = d.appendCandidates(to)
	to = append(to, `],"scores":[`...)
	for _, lane := range d.ranking.order {
		to = appendScore(to, lane.score())
		to = append(to, ',')
	}
	to = append(to[:len(to)-1], `],"missing":`...)
	to = strconv.AppendInt(to, int64(missing), 10)
	return append(to, `,"degraded":false}`...)
}

func (d *decision) appendCandidates(to []byte) []byte {
	text := d.ids.text
	for _, lane := range d.ranking.order {
		s := d.ids.spans[lane.index()]
		if d.ids.plain {
			to = append(to, text[s.from-1:s.to+1]...)
		} else {
			to = appendQuoted(to, string(text[s.from:s.to]))
		}
		to = append(to, ',')
	}
	return to[:len(to)-1]
}

// appendNewID appends a UUID of version 7 (RFC 9562).
func (d *decision) appendNewID(to []byte) []byte {
	milliseconds := uint64(time.Now().UnixMilli())
	high := milliseconds<<16 | 0x7000 | d.random.next()>>52
	low := 1<<63 | d.random.next()>>2
	var raw [16]byte
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(56-8*i)), byte(low>>(56-8*i))
	}
	for i, from := range []int{0, 4, 6, 8, 10} {
		until := []int{4, 6, 8, 10, 16}[i]
		to = hex.AppendEncode(to, raw[from:until])
		to = append(to, '-')
	}
	return to[:len(to)-1]
}
