// Command benchmark is the Go side of scripts/gpu/benchmark.py. It writes a line of JSON for each
// thing that it measured: how many milliseconds each repetition took, and the GPU's peak memory.
//
//	benchmark embed  -clip FILE [-dtype bfloat16] [-batches 1,32,256]
//	benchmark guided -clip FILE -vqgan FILE [-dtype bfloat16] [-size 256] [-cutouts 32] [-steps 20]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
)

// A row is one thing that was measured.
type row struct {
	Mode         string    `json:"mode"`
	Batch        int       `json:"batch"`
	Milliseconds []float64 `json:"milliseconds"`
	PeakBytes    int64     `json:"peak_bytes"`
	Error        string    `json:"error,omitempty"`
}

type settings struct {
	clip, vqgan          string
	device               torch.Device
	dtype                torch.DType
	batches              []int
	size, cutouts, steps int
	seconds              float64
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("usage: benchmark embed or guided, then flags")
	}
	s, err := parse(arguments[0], arguments[1:])
	if err != nil {
		return err
	}
	switch arguments[0] {
	case "embed":
		return embed(s)
	case "guided":
		return generate(s)
	}
	return fmt.Errorf("there is no benchmark %q", arguments[0])
}

func parse(name string, arguments []string) (s settings, err error) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	device := flags.String("device", "cuda:0", "where to compute")
	dtype := flags.String("dtype", "bfloat16", "bfloat16, float16 or float32")
	batches := flags.String("batches", "1,32,256", "how many pictures at once")
	flags.StringVar(&s.clip, "clip", "", "the CLIP's file")
	flags.StringVar(&s.vqgan, "vqgan", "", "the VQGAN's file")
	flags.IntVar(&s.size, "size", 256, "the picture's side in pixels")
	flags.IntVar(&s.cutouts, "cutouts", 32, "cutouts in a step")
	flags.IntVar(&s.steps, "steps", 20, "steps that are timed")
	flags.Float64Var(&s.seconds, "seconds", 1, "how long each thing is measured")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if s.device, err = torch.ParseDevice(*device); err != nil {
		return s, err
	}
	dtypes := map[string]torch.DType{"bfloat16": torch.BFloat16, "float16": torch.Float16, "float32": torch.Float32}
	var ok bool
	if s.dtype, ok = dtypes[*dtype]; !ok {
		return s, fmt.Errorf("there is no dtype %q here", *dtype)
	}
	for _, part := range strings.Split(*batches, ",") {
		batch, err := strconv.Atoi(part)
		if err != nil {
			return s, err
		}
		s.batches = append(s.batches, batch)
	}
	return s, nil
}

// resetPeak begins anew with the GPU's peak memory, and reports what peak hands back later.
func resetPeak(device torch.Device) error {
	if !device.IsCUDA() {
		return nil
	}
	return errors.Join(cuda.EmptyCache(), cuda.ResetPeakMemory(device))
}

func peak(device torch.Device) int64 {
	if !device.IsCUDA() {
		return 0
	}
	stats, err := cuda.MemoryStatsOf(device)
	if err != nil {
		return 0
	}
	return stats.AllocatedPeak
}

// report writes a row, or what kept it from being measured.
func report(r row, err error) error {
	if err != nil {
		r.Error = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// time measures calls, each with the wait for the GPU, for about the given time.
func measure(device torch.Device, seconds float64, call func() error) ([]float64, error) {
	const warmUp, least, most = 5, 10, 300
	timed := func() (float64, error) {
		started := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		err := device.Synchronize()
		return milliseconds(started), err
	}
	var last float64
	for range warmUp {
		var err error
		if last, err = timed(); err != nil {
			return nil, err
		}
	}
	times := make([]float64, min(most, max(least, int(1000*seconds/last))))
	for i := range times {
		var err error
		if times[i], err = timed(); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func milliseconds(since time.Time) float64 { return time.Since(since).Seconds() * 1000 }
