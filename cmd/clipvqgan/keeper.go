package main

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// slow is the time for a step from which a run may not be able to end within the grace period after
// a signal.
const slow = grace / 3

// A keeper keeps an image of a run with slow steps, to be written if the run is interrupted in the
// middle of a step.
type keeper struct {
	lastWord   *lastWord
	generation *generation
	losses     []float64     // before each step
	stepped    time.Time     // when the previous step ended
	kept       time.Time     // when the last image was made
	took       time.Duration // the time to make it
}

// newKeeper makes writing the keeper's image the last word of a run.
func newKeeper(word *lastWord, g *generation) *keeper {
	k := &keeper{lastWord: word, generation: g, stepped: time.Now()}
	word.set(func() error { return g.tellEnd(nil, nil, errors.New("interrupted before there was a picture")) })
	return k
}

// keep makes an image after a slow step, using only a small part of the run's time.
func (k *keeper) keep(step guided.Step) error {
	k.losses = append(k.losses, step.Loss)
	now := time.Now()
	took := now.Sub(k.stepped)
	if took >= slow && now.Sub(k.kept) >= 30*k.took {
		picture, err := step.Picture()
		if err != nil {
			return err
		}
		k.took, k.kept = time.Since(now), time.Now()
		losses := slices.Clip(k.losses) // its steps, while the run appends to it
		k.lastWord.set(func() error { return k.write(picture, losses) })
	}
	k.stepped = time.Now()
	return nil
}

// write writes the image and prints a message.
func (k *keeper) write(picture image.Image, losses []float64) error {
	steps := len(losses)
	if err := k.generation.save(picture, steps); err != nil {
		return k.generation.tellEnd(nil, losses, fmt.Errorf("interrupted: %w", err))
	}
	return k.generation.tellEnd(picture, losses,
		fmt.Errorf("interrupted in a step; wrote the picture after step %d to %s", steps, k.generation.output))
}
