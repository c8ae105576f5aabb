package main

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// span is where a string lies, without its quotes.
type span struct {
	from, to uint32
}

// idColumn is a view of the ids in a text.
type idColumn struct {
	text  []byte
	spans []span
	plain bool // each id stands between quotes there, as JSON wants it
}

// scan reads a body of the usual form in one pass: an object whose keys and values are plain
// strings, but for the candidates, an array of them. It is false where a body is anything else, be
// it right or wrong.
func (d *decision) scan(body []byte) bool {
	s := scanner{body: body}
	d.ids = idColumn{body, d.ids.spans[:0], true}
	d.decisionID = d.decisionID[:0]
	if s.next() != '{' {
		return false
	}
	for {
		key, ok := s.plain()
		if !ok || s.next() != ':' || !d.field(&s, string(body[key.from:key.to])) {
			return false
		}
		switch s.next() {
		case ',':
		case '}':
			return s.next() == 0 && s.at > len(body) && (s.high&highs == 0 || utf8.Valid(body))
		default:
			return false
		}
	}
}

// field reads a value. A field that comes twice is left to others.
func (d *decision) field(s *scanner, key string) bool {
	if key == "candidates" {
		return len(d.ids.spans) == 0 && s.strings(&d.ids.spans)
	}
	value, ok := s.plain()
	if ok && key == "decision_id" {
		ok = len(d.decisionID) == 0
		d.decisionID = append(d.decisionID, s.body[value.from:value.to]...)
	}
	return ok
}

const (
	ones      = 0x0101010101010101
	highs     = 0x80 * ones
	quotes    = '"' * ones
	slashes   = '\\' * ones
	spaces    = ' ' * ones
	wordBytes = 8
)

type scanner struct {
	body []byte
	at   int
	high uint64 // all bytes of strings, or-ed
}

// next returns the next byte that is no white space, and 0 after the end.
func (s *scanner) next() byte {
	for s.at < len(s.body) {
		c := s.body[s.at]
		s.at++
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return 0
		}
	}
	s.at = len(s.body) + 1
	return 0
}

// strings reads an array of plain strings.
func (s *scanner) strings(spans *[]span) bool {
	if s.next() != '[' {
		return false
	}
	found := *spans
	for {
		value, ok := s.plain()
		if !ok {
			return false
		}
		found = append(found, value)
		switch s.next() {
		case ',':
		case ']':
			*spans = found
			return true
		default:
			return false
		}
	}
}

// plain reads a string without escapes. Eight bytes at a time: the lowest byte that a subtraction
// marks is a true one.
func (s *scanner) plain() (span, bool) {
	if s.next() != '"' {
		return span{}, false
	}
	from := s.at
	at := from
	for ; at+wordBytes <= len(s.body); at += wordBytes {
		word := binary.LittleEndian.Uint64(s.body[at:])
		quote, slash := word^quotes, word^slashes
		ends := (quote-ones)&^quote | (slash-ones)&^slash | (word-spaces)&^word
		if ends &= highs; ends != 0 {
			n := bits.TrailingZeros64(ends) / 8
			s.high |= word & (1<<(8*n) - 1)
			at += n
			s.at = at + 1
			return span{uint32(from), uint32(at)}, s.body[at] == '"'
		}
		s.high |= word
	}
	for ; at < len(s.body); at++ {
		c := s.body[at]
		if c == '"' {
			s.at = at + 1
			return span{uint32(from), uint32(at)}, true
		}
		if c == '\\' || c < ' ' {
			break
		}
		s.high |= uint64(c)
	}
	return span{}, false
}
