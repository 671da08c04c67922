// load makes two kinds of load that wrk can't, on one core, and tells what it saw in one line of JSON.
//
//	load paced ADDRESS PATH BODIES RATE CONNECTIONS SECONDS   HTTP at a fixed rate, whatever the server does (open loop)
//	load grpc  ADDRESS BODIES CONNECTIONS SECONDS             unary gRPC calls, the next when the last is answered
//
// Called by tests/bench/generator.py. Why not a program that is there: docs/adr/0016-how-scoring-is-measured.md.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)

// quantiles of the answers of one kind, in microseconds.
type quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
	P999  float64 `json:"p999_us"`
	Max   float64 `json:"max_us"`
}

// seen is what the caller reads. Late is how much later than planned requests were sent, at the 99th percentile.
type seen struct {
	Seconds float64              `json:"seconds"`
	Sent    int                  `json:"sent"`
	Unsent  int                  `json:"unsent"`
	Broken  int                  `json:"broken"`
	Late    float64              `json:"late_p99_us"`
	Answers map[string]quantiles `json:"answers"`
}

func main() {
	result, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func run(words []string) (*seen, error) {
	switch {
	case len(words) == 7 && words[0] == "paced":
		numbers, err := whole(words[4:])
		if err != nil {
			return nil, err
		}
		return paced(words[1], words[2], words[3], numbers[0], numbers[1], time.Duration(numbers[2])*time.Second)
	case len(words) == 5 && words[0] == "grpc":
		numbers, err := whole(words[3:])
		if err != nil {
			return nil, err
		}
		return called(words[1], words[2], numbers[0], time.Duration(numbers[1])*time.Second)
	}
	return nil, fmt.Errorf("say paced ADDRESS PATH BODIES RATE CONNECTIONS SECONDS, or grpc ADDRESS BODIES CONNECTIONS SECONDS")
}

func whole(words []string) ([]int, error) {
	numbers := make([]int, len(words))
	for i, word := range words {
		number, err := strconv.Atoi(word)
		if err != nil || number < 1 {
			return nil, fmt.Errorf("%q is no whole number above 0", word)
		}
		numbers[i] = number
	}
	return numbers, nil
}

func summary(times []float64) quantiles {
	if len(times) == 0 {
		return quantiles{}
	}
	sort.Float64s(times)
	at := func(share float64) float64 { return times[min(len(times)-1, int(share*float64(len(times))))] }
	return quantiles{len(times), at(0.5), at(0.99), at(0.999), times[len(times)-1]}
}
