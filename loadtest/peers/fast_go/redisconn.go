package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"
)

var errProtocol = errors.New("redis: not what was asked for")

const (
	rowHead  = "$16\r\n"
	rowBytes = len(rowHead) + 16 + len("\r\n")
)

// redisConn carries one request at a time.
type redisConn struct {
	net.Conn
	out, in  []byte
	from, to int // what is read and not yet consumed
}

func (c *redisConn) greet(hello []byte) error {
	if err := c.send(hello); err != nil {
		return err
	}
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line[0] != '+' {
			return errors.New(string(line))
		}
		if string(line) == "+PONG" {
			return nil
		}
	}
}

// fetch asks for all ids and reads their rows; rows of another length count as missing.
func (c *redisConn) fetch(ids *idColumn, posteriors []posterior) (missing int, err error) {
	c.out = appendGets(c.out[:0], ids)
	if err := c.send(c.out); err != nil {
		return 0, err
	}
	for i := range posteriors {
		if i%chunk == 0 {
			if err := c.expect(min(chunk, len(posteriors)-i)); err != nil {
				return 0, err
			}
		}
		p, found, err := c.row()
		if err != nil {
			return 0, err
		}
		if !found {
			p = prior
			missing++
		}
		posteriors[i] = p
	}
	return missing, nil
}

func (c *redisConn) send(request []byte) error {
	c.from, c.to = 0, 0
	if err := c.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		return err
	}
	_, err := c.Write(request)
	return err
}

func (c *redisConn) expect(values int) error {
	line, err := c.line()
	if err == nil && (line[0] != '*' || string(line[1:]) != strconv.Itoa(values)) {
		err = fmt.Errorf("%w: %s", errProtocol, line)
	}
	return err
}

// row reads a value; most have the usual length and are here whole.
func (c *redisConn) row() (p posterior, found bool, err error) {
	if at := c.in[c.from:c.to]; len(at) >= rowBytes && string(at[:len(rowHead)]) == rowHead {
		c.from += rowBytes
		return unpack(at[len(rowHead):]), true, nil
	}
	line, err := c.line()
	if err != nil || string(line) == "$-1" {
		return p, false, err
	}
	size, err := strconv.Atoi(string(line[1:]))
	if line[0] != '$' || err != nil {
		return p, false, fmt.Errorf("%w: %s", errProtocol, line)
	}
	for c.to-c.from < size+2 {
		if err := c.more(); err != nil {
			return p, false, err
		}
	}
	value := c.in[c.from : c.from+size]
	c.from += size + 2
	if size != 16 {
		return p, false, nil
	}
	return unpack(value), true, nil
}

func unpack(row []byte) posterior {
	alpha := math.Float64frombits(binary.LittleEndian.Uint64(row))
	beta := math.Float64frombits(binary.LittleEndian.Uint64(row[8:]))
	return posterior{float32(alpha), float32(beta)}
}

// line reads up to an end of line, which it drops; it is never empty.
func (c *redisConn) line() ([]byte, error) {
	for {
		if n := bytes.Index(c.in[c.from:c.to], []byte("\r\n")); n > 0 {
			line := c.in[c.from : c.from+n]
			c.from += n + 2
			return line, nil
		} else if n == 0 {
			return nil, errProtocol
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// more waits for bytes, and makes room for them.
func (c *redisConn) more() error {
	if c.to == len(c.in) {
		if c.from == 0 {
			c.in = append(c.in, make([]byte, len(c.in))...)
		}
		c.to = copy(c.in, c.in[c.from:c.to])
		c.from = 0
	}
	n, err := c.Read(c.in[c.to:])
	c.to += n
	return err
}
