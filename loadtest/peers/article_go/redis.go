package main

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/redis/go-redis/v9"
)

const (
	keyPrefix = "bandit:content:"
	rowBytes  = 16 // alpha and beta as packed little-endian float64
)

// RedisStore reads posteriors from Redis, in one MGET for each call.
type RedisStore struct {
	client *redis.Client
}

// ConnectRedis returns a store for a URL such as redis://127.0.0.1:6379/0; the server must answer.
func ConnectRedis(ctx context.Context, url string) (*RedisStore, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(options)
	return &RedisStore{client}, client.Ping(ctx).Err()
}

func (store *RedisStore) Fetch(ctx context.Context, ids []string) ([]Posterior, int, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = keyPrefix + id
	}
	values, err := store.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, 0, err
	}
	posteriors := make([]Posterior, len(ids))
	missing := 0
	for i, value := range values {
		row, found := value.(string)
		if !found || len(row) != rowBytes {
			posteriors[i] = prior
			missing++
			continue
		}
		posteriors[i] = unpack([]byte(row))
	}
	return posteriors, missing, nil
}

func unpack(row []byte) Posterior {
	return Posterior{
		Alpha: math.Float64frombits(binary.LittleEndian.Uint64(row)),
		Beta:  math.Float64frombits(binary.LittleEndian.Uint64(row[8:])),
	}
}
