// The service as the article that inspired the project describes it: Fiber, encoding/json into
// maps, a goroutine for every 100 ids, a C++ sampler through cgo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"runtime"

	"github.com/gofiber/fiber/v2"
)

func main() {
	port := flag.Int("port", 8000, "port of the loopback interface")
	workers := flag.Int("workers", runtime.NumCPU(), "GOMAXPROCS")
	features := flag.String("features", "", "CSV file with the columns id,alpha,beta")
	redisURL := flag.String("redis", "", "redis://host:port/database")
	flag.Parse()
	runtime.GOMAXPROCS(*workers)

	store, err := openStore(*features, *redisURL)
	if err != nil {
		log.Fatal(err)
	}
	predictor := &Predictor{store}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, BodyLimit: 4 << 20})
	app.Get("/health", health)
	app.Get("/health/ready", health)
	app.Post("/predict", predictor.Predict)
	log.Fatal(app.Listen(fmt.Sprintf("127.0.0.1:%d", *port)))
}

func openStore(features, redisURL string) (Store, error) {
	switch {
	case (features == "") == (redisURL == ""):
		return nil, errors.New("give one of --features and --redis")
	case features != "":
		return LoadCSV(features)
	default:
		return ConnectRedis(context.Background(), redisURL)
	}
}

// health answers once the store is open, as nobody listens before.
func health(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"status": "ok"})
}
