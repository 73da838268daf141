package main

import (
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// slow is a step's time from which on a run may not end within the time that a signal leaves.
const slow = grace / 3

// A keeper holds a picture of a run whose steps are slow, to write it where the run is interrupted in the
// middle of one.
type keeper struct {
	lastWord   *lastWord
	generation *generation
	stepped    time.Time     // the end of the step before
	kept       time.Time     // when the last picture was made
	took       time.Duration // to make it
}

// newKeeper has the keeper's picture written as the last word of a run that begins.
func newKeeper(word *lastWord, g *generation) *keeper {
	k := &keeper{lastWord: word, generation: g, stepped: time.Now()}
	word.set(func() error { return errors.New("interrupted before there was a picture") })
	return k
}

// keep makes a picture after a slow step, in a small part of the run's time.
func (k *keeper) keep(step guided.Step) error {
	now := time.Now()
	took := now.Sub(k.stepped)
	if took >= slow && now.Sub(k.kept) >= 30*k.took {
		picture, err := step.Picture()
		if err != nil {
			return err
		}
		k.took, k.kept = time.Since(now), time.Now()
		steps := step.Number
		k.lastWord.set(func() error { return k.write(picture, steps) })
	}
	k.stepped = time.Now()
	return nil
}

// write writes the picture, and tells of it.
func (k *keeper) write(picture image.Image, steps int) error {
	if err := k.generation.save(picture, steps); err != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	return fmt.Errorf("interrupted in a step; wrote the picture after step %d to %s", steps, k.generation.output)
}
