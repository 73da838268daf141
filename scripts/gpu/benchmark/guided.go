package main

import (
	"context"
	"time"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/vqgan"
	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// generate measures the steps of a guided run, whose loss is read on the CPU after each.
func generate(s settings) error {
	scorer, err := clip.Load(s.clip, s.device, s.dtype)
	if err != nil {
		return err
	}
	defer scorer.Close()
	model, err := vqgan.Load(s.vqgan, s.device, s.dtype)
	if err != nil {
		return err
	}
	defer model.Close()
	const warmUp = 5
	r := row{Mode: "eager", Batch: s.cutouts}
	if err := resetPeak(s.device); err != nil {
		return err
	}
	config := guided.Default()
	config.Prompts = []guided.Prompt{guided.NewPrompt("a slice of pizza")}
	config.Width, config.Height = s.size, s.size
	config.Steps = warmUp + s.steps
	config.Cutouts.Number = s.cutouts
	started := time.Now()
	_, err = guided.Generate(context.Background(), model, scorer, config, guided.RunOptions{
		OnStep: func(step guided.Step) error {
			if step.Number > warmUp {
				r.Milliseconds = append(r.Milliseconds, milliseconds(started))
			}
			started = time.Now()
			return nil
		},
	})
	r.PeakBytes = peak(s.device)
	return report(r, err)
}
