// The service in Go, written for speed: fasthttp, a scanner that reads ids in place, a flat table
// of hashes, gammas by Marsaglia and Tsang, a radix sort, and no allocation in the request path.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"runtime"
	"runtime/debug"

	"github.com/valyala/fasthttp"
)

// A request and its answer are some 8 and 12 KB: one system call each.
const bufferBytes = 32 << 10

func main() {
	port := flag.Int("port", 8000, "port of the loopback interface")
	workers := flag.Int("workers", runtime.NumCPU(), "GOMAXPROCS")
	features := flag.String("features", "", "CSV file with the columns id,alpha,beta")
	redisURL := flag.String("redis", "", "redis://host:port/database")
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	debug.SetGCPercent(400)

	store, err := openStore(*features, *redisURL)
	if err != nil {
		log.Fatal(err)
	}
	server := &fasthttp.Server{
		Handler:               route(store),
		ErrorHandler:          refuse,
		MaxRequestBodySize:    4 << 20,
		ReadBufferSize:        bufferBytes,
		WriteBufferSize:       bufferBytes,
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
	}
	log.Fatal(server.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port)))
}

func openStore(features, redisURL string) (Store, error) {
	switch {
	case (features == "") == (redisURL == ""):
		return nil, errors.New("give one of --features and --redis")
	case features != "":
		return LoadCSV(features)
	default:
		return ConnectRedis(redisURL)
	}
}

// refuse answers what is not a request, or too large a one.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		status = fasthttp.StatusRequestEntityTooLarge
	}
	ctx.Error(err.Error(), status)
}

func route(store Store) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		switch string(ctx.Path()) {
		case "/predict":
			predict(ctx, store)
		case "/health", "/health/ready": // the store is open before anybody listens
			ctx.SetContentType("application/json")
			ctx.SetBodyString(`{"status":"ok"}`)
		default:
			ctx.Error("no such path", fasthttp.StatusNotFound)
		}
	}
}
