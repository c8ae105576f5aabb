package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	keyPrefix = "bandit:content:"
	chunk     = 100 // ids in one MGET
	waitLimit = time.Second
	keptIdle  = 64
)

// redisStore reads posteriors from Redis. A request has a connection of its own, to which it
// writes all its MGETs at once.
type redisStore struct {
	address string
	hello   []byte
	mutex   sync.Mutex
	idle    []*redisConn
}

// ConnectRedis returns a store for a URL such as redis://user:password@127.0.0.1:6379/0; the
// server must answer.
func ConnectRedis(text string) (Store, error) {
	target, err := url.Parse(text)
	if err != nil || target.Scheme != "redis" || target.Host == "" {
		return nil, fmt.Errorf("--redis is %q, must be redis://host:port/database", text)
	}
	store := &redisStore{address: target.Host, hello: hello(target)}
	if target.Port() == "" {
		store.address = net.JoinHostPort(target.Hostname(), "6379")
	}
	conn, err := store.dial()
	if err != nil {
		return nil, err
	}
	store.put(conn)
	return store, nil
}

// hello is what every connection begins with: AUTH, SELECT and PING.
func hello(target *url.URL) (to []byte) {
	if password, ok := target.User.Password(); ok {
		user := target.User.Username()
		if user == "" {
			user = "default"
		}
		to = appendCommand(to, "AUTH", user, password)
	}
	if len(target.Path) > 1 {
		to = appendCommand(to, "SELECT", target.Path[1:])
	}
	return appendCommand(to, "PING")
}

func (s *redisStore) fetch(d *decision) (missing int, err error) {
	conn, err := s.get()
	if err != nil {
		return 0, err
	}
	d.posteriors = resized(d.posteriors, len(d.ids.spans))
	missing, err = conn.fetch(&d.ids, d.posteriors)
	if err != nil {
		conn.Close() // it may owe an answer
		return 0, err
	}
	s.put(conn)
	return missing, nil
}

func (s *redisStore) get() (*redisConn, error) {
	s.mutex.Lock()
	if last := len(s.idle) - 1; last >= 0 {
		conn := s.idle[last]
		s.idle = s.idle[:last]
		s.mutex.Unlock()
		return conn, nil
	}
	s.mutex.Unlock()
	return s.dial()
}

func (s *redisStore) put(conn *redisConn) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.idle) < keptIdle {
		s.idle = append(s.idle, conn)
	} else {
		conn.Close()
	}
}

func (s *redisStore) dial() (*redisConn, error) {
	raw, err := net.DialTimeout("tcp", s.address, waitLimit)
	if err != nil {
		return nil, err
	}
	conn := &redisConn{Conn: raw, in: make([]byte, bufferBytes)}
	if err := conn.greet(s.hello); err != nil {
		raw.Close()
		return nil, fmt.Errorf("redis %s: %w", s.address, err)
	}
	return conn, nil
}

func appendCommand(to []byte, parts ...string) []byte {
	to = appendHead(to, '*', len(parts))
	for _, part := range parts {
		to = appendHead(to, '$', len(part))
		to = append(append(to, part...), "\r\n"...)
	}
	return to
}

// appendGets appends an MGET for every chunk of ids.
func appendGets(to []byte, ids *idColumn) []byte {
	for i, s := range ids.spans {
		if i%chunk == 0 {
			to = appendHead(to, '*', 1+min(chunk, len(ids.spans)-i))
			to = append(to, "$4\r\nMGET\r\n"...)
		}
		to = appendHead(to, '$', len(keyPrefix)+int(s.to-s.from))
		to = append(to, keyPrefix...)
		to = append(to, ids.text[s.from:s.to]...)
		to = append(to, "\r\n"...)
	}
	return to
}

func appendHead(to []byte, kind byte, n int) []byte {
	to = strconv.AppendInt(append(to, kind), int64(n), 10)
	return append(to, "\r\n"...)
}
