// gonum's distuv.Beta, which is float64 only.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

func shapes(folder, mix string, n int) (alpha, beta []float64) {
	file, err := os.Open(fmt.Sprintf("%s/%s-%d-float64.bin", folder, mix, n))
	if err != nil {
		panic(err)
	}
	defer file.Close()
	both := make([]float64, 2*n)
	if err := binary.Read(bufio.NewReader(file), binary.LittleEndian, both); err != nil {
		panic(err)
	}
	return both[:n], both[n:]
}

func cpuNanoseconds() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// timed passes until the time is up; the clock on the wall is read every 4096 draws.
func timed(n int, milliseconds float64, pass func()) (passes int, nanoseconds int64) {
	batch := max(1, 4096/n)
	stop := time.Now().Add(time.Duration(milliseconds * 1e6))
	before := cpuNanoseconds()
	for passes == 0 || time.Now().Before(stop) {
		for range batch {
			pass()
		}
		passes += batch
	}
	return passes, cpuNanoseconds() - before
}

func main() {
	folder := os.Args[1]
	source := rand.NewPCG(1, 2)
	fmt.Println("gonum 0.17.0, PCG")
	var verb, mix, dtype string
	var n int
	var milliseconds float64
	for {
		if _, err := fmt.Scanln(&verb, &mix, &n, &dtype, &milliseconds); err != nil {
			return
		}
		alpha, beta := shapes(folder, mix, n)
		out := make([]float64, n)
		passes, nanoseconds := timed(n, milliseconds, func() {
			for i := range out {
				out[i] = distuv.Beta{Alpha: alpha[i], Beta: beta[i], Src: source}.Rand()
			}
		})
		var sum, squares float64
		for _, x := range out {
			sum += x
			squares += x * x
		}
		fmt.Println(passes*n, nanoseconds, sum/float64(n), squares/float64(n))
	}
}
