package main

import (
	"context"
	"errors"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/cuda"
)

// embed measures CLIP's image encoder, called as it is, and captured as a graph.
func embed(s settings) error {
	model, err := clip.Load(s.clip, s.device, s.dtype)
	if err != nil {
		return err
	}
	defer model.Close()
	for _, batch := range s.batches {
		pixels := torch.Rand([]int64{int64(batch), 3, model.ImageSize(), model.ImageSize()}).To(s.device, s.dtype)
		modes := map[string]func(settings, *clip.Model, *torch.Tensor) ([]float64, error){"eager": embedEagerly}
		names := []string{"eager"}
		if s.device.IsCUDA() {
			modes["graph"] = embedByGraph
			names = append(names, "graph")
		}
		for _, name := range names {
			r := row{Mode: name, Batch: batch}
			if err = resetPeak(s.device); err == nil {
				r.Milliseconds, err = modes[name](s, model, pixels)
			}
			r.PeakBytes = peak(s.device)
			if err := report(r, err); err != nil {
				return err
			}
		}
		pixels.Close()
	}
	return nil
}

func embedEagerly(s settings, model *clip.Model, pixels *torch.Tensor) ([]float64, error) {
	return measure(s.device, s.seconds, func() error {
		embeddings, err := model.EncodePixels(context.Background(), pixels)
		if err == nil {
			embeddings.Close()
		}
		return err
	})
}

func embedByGraph(s settings, model *clip.Model, pixels *torch.Tensor) ([]float64, error) {
	var failed error
	step, err := cuda.NewGraphedStep(func(in []*torch.Tensor) []*torch.Tensor {
		embeddings, err := model.EncodePixels(context.Background(), in[0])
		if err != nil {
			failed = err
			return nil
		}
		return []*torch.Tensor{embeddings}
	}, []*torch.Tensor{pixels}, cuda.GraphedStepOptions{GraphOptions: cuda.GraphOptions{Device: s.device}})
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	defer step.Close()
	return measure(s.device, s.seconds, func() error {
		_, err := step.Run(pixels)
		return err
	})
}
