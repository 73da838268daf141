// Command models is the Go side of scripts/benchmark/benchmark_models.py: it runs one task and prints how many
// milliseconds each repetition took, as JSON.
//
//	models embed MODEL BATCH REPETITIONS    (MODEL: a file, or "embedded")
//	models guided CUTOUTS REPETITIONS
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// warmUp is how many repetitions come before those that count.
const warmUp = 3

func main() {
	times, err := run(os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(times)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

func run(arguments []string) ([]float64, error) {
	numbers := make([]int, len(arguments))
	for i, argument := range arguments {
		numbers[i], _ = strconv.Atoi(argument)
	}
	switch {
	case len(arguments) == 4 && arguments[0] == "embed":
		return embed(arguments[1], int64(numbers[2]), numbers[3])
	case len(arguments) == 3 && arguments[0] == "guided":
		return generate(numbers[1], numbers[2])
	}
	return nil, errors.New("usage: embed MODEL BATCH REPETITIONS, or guided CUTOUTS REPETITIONS")
}

func load(path string) (*clip.Model, error) {
	if path == "embedded" {
		return models.CLIP()
	}
	return clip.Load(path)
}

func embed(path string, batch int64, repetitions int) ([]float64, error) {
	model, err := load(path)
	if err != nil {
		return nil, err
	}
	pixels := torch.Rand(torch.Shape{batch, 3, model.ImageSize(), model.ImageSize()})
	var times []float64
	for i := range warmUp + repetitions {
		started := time.Now()
		embeddings, err := model.EncodePixels(context.Background(), pixels)
		if err != nil {
			return nil, err
		}
		embeddings.Close()
		if i >= warmUp {
			times = append(times, milliseconds(started))
		}
	}
	return times, nil
}

func generate(cutouts, repetitions int) ([]float64, error) {
	scorer, err := models.CLIP()
	if err != nil {
		return nil, err
	}
	model, err := models.VQGAN()
	if err != nil {
		return nil, err
	}
	var times []float64
	started := time.Now()
	config := guided.Default()
	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
	config.Width, config.Height = int(model.Config().ImageSize), int(model.Config().ImageSize)
	config.Steps = warmUp + repetitions
	config.Cutouts.Number, config.Batch = cutouts, cutouts
	_, err = guided.Generate(context.Background(), model, scorer, config, guided.RunOptions{
		OnStep: func(step guided.Step) error {
			if step.Number > warmUp {
				times = append(times, milliseconds(started))
			}
			started = time.Now()
			return nil
		},
	})
	return times, err
}

func milliseconds(since time.Time) float64 { return time.Since(since).Seconds() * 1000 }
