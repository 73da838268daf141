// Command prior_outputs draws with a prior as scripts/parity/test_prior.py and
// scripts/benchmark/benchmark_priors.py ask for, and writes what it computed.
//
//	prior_outputs CHECKPOINT INPUTS OUTPUTS
//
// INPUTS has the random numbers of each picture, and optionally the tokens of a picture whose rows are
// given up to a number, and whose logits are asked for. Its metadata have the condition, the options and
// the dtype. OUTPUTS gets the tokens, the logits, and how many seconds drawing took.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
	"github.com/clipvqgan/clipvqgan/vqgan/prior"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: prior_outputs CHECKPOINT INPUTS OUTPUTS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "prior_outputs:", err)
		os.Exit(1)
	}
}

// A task is what the metadata ask for.
type task struct {
	Prompt      string  `json:"prompt"`
	Class       *int64  `json:"class"`
	TopK        int     `json:"top_k"`
	Temperature float64 `json:"temperature"`
	Guidance    float64 `json:"guidance"`
	Rows        int     `json:"rows"`  // drawn in all, given ones included
	Given       int     `json:"given"` // rows of the tokens that are given
	Logits      bool    `json:"logits"`
	DType       string  `json:"dtype"`
	Rounds      int     `json:"rounds"`
}

func run(checkpoint, inputs, outputs string) error {
	file, err := safetensors.Open(inputs)
	if err != nil {
		return err
	}
	defer file.Close()
	var t task
	if err := json.Unmarshal([]byte(file.Metadata()["task"]), &t); err != nil {
		return err
	}
	dtype, err := torch.ParseDType(t.DType)
	if err != nil {
		return err
	}
	model, err := prior.Load(checkpoint, dtype)
	if err != nil {
		return err
	}
	defer model.Close()
	options := model.DefaultOptions()
	options.TopK, options.Temperature, options.Guidance = t.TopK, t.Temperature, t.Guidance
	numbers, err := file.Tensor("numbers")
	if err != nil {
		return err
	}
	given, err := file.Tensor("tokens")
	if err != nil {
		return err
	}
	condition := prior.Condition{Text: t.Prompt, Class: t.Class}
	var result []torch.NamedTensor
	whole := prior.Grid{Height: options.Height, Width: options.Width, Tokens: torch.ToSlice[int64](given)}
	if t.Logits {
		logits, err := model.Logits(context.Background(), condition, whole)
		if err != nil {
			return err
		}
		result = append(result, torch.NamedTensor{Name: "logits", Tensor: logits.To(torch.Float32).Contiguous()})
	}
	options.Height = t.Rows
	start := whole.Top(t.Rows)
	var pictures []prior.Picture
	for i := range numbers.Size(0) {
		row := torch.ToSlice[float32](numbers.Select(0, i).Narrow(0, 0, int64(t.Rows*options.Width)))
		pictures = append(pictures, prior.Picture{Condition: condition, Numbers: row, Start: &start, Keep: prior.KeepTop(t.Rows, options.Width, t.Given)})
	}
	var seconds []float32
	var tokens []int64
	for range max(1, t.Rounds) {
		started := time.Now()
		drawings, err := model.Draw(context.Background(), pictures, options)
		if err != nil {
			return err
		}
		seconds = append(seconds, float32(time.Since(started).Seconds()))
		tokens = nil
		for _, drawing := range drawings {
			tokens = append(tokens, drawing.Grid.Tokens...)
		}
	}
	result = append(result,
		torch.NamedTensor{Name: "tokens", Tensor: torch.FromSlice(tokens, torch.Shape{numbers.Size(0), int64(t.Rows * options.Width)})},
		torch.NamedTensor{Name: "seconds", Tensor: torch.FromSlice(seconds, nil)})
	return safetensors.Save(outputs, result, nil)
}
