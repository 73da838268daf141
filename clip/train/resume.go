package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

// trainingKind marks a checkpoint of a training.
const trainingKind = "clip training"

// ErrCheckpoint is the error for a file that is no checkpoint of the same training.
var ErrCheckpoint = errors.New("it is no checkpoint of this training")

// settings returns what must be equal for a training to go on from a checkpoint.
func (r *run) settings() (string, error) {
	config := r.config
	config.Readers = 0
	text, err := json.Marshal(struct {
		Config
		Architecture string
		Pairs, Steps int
		Loss         Loss
	}{config, r.model.Config().Architecture, r.loader.pairs.Len(), r.steps, r.lossKind})
	return string(text), err
}

// save writes a checkpoint, if one is wanted.
func (r *run) save(ctx context.Context) error {
	if r.options.Checkpoint == "" {
		return nil
	}
	settings, err := r.settings()
	if err != nil {
		return err
	}
	return torch.Compute(ctx, func(*torch.TensorScope) error {
		var scaler any
		if r.scaler != nil {
			scaler = r.scaler.StateDict()
		}
		return checkpoint.Save(r.options.Checkpoint, torch.NewDict(
			"kind", trainingKind, "version", 1, "settings", settings, "step", len(r.losses),
			"losses", torch.FromSlice(r.losses, torch.Shape{int64(len(r.losses))}),
			"parameters", torch.StateDict(r.trained), "buffers", torch.StateDict(r.buffers),
			"optimizer", r.optimizer.StateDict(), "scaler", scaler))
	})
}

// resume goes on from the checkpoint, if there is one.
func (r *run) resume(ctx context.Context) error {
	path := r.options.Checkpoint
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	value, err := checkpoint.Load(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	err = torch.Compute(ctx, func(*torch.TensorScope) error { return r.restore(value) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// restore takes over the contents of a checkpoint.
func (r *run) restore(value any) error {
	dict, ok := value.(*torch.Dict)
	if !ok || dict.Get("kind") != trainingKind {
		return fmt.Errorf("it is not of a training: %w", ErrCheckpoint)
	}
	if version := dict.Get("version"); version != int64(1) {
		return fmt.Errorf("it has version %v, known is 1: %w", version, ErrCheckpoint)
	}
	if err := r.sameSettings(dict.Get("settings")); err != nil {
		return err
	}
	losses, ok := dict.Get("losses").(*torch.Tensor)
	parameters, ok2 := dict.Get("parameters").(*torch.Dict)
	buffers, ok3 := dict.Get("buffers").(*torch.Dict)
	state, ok4 := dict.Get("optimizer").(*torch.Dict)
	if !ok || !ok2 || !ok3 || !ok4 || losses.Dim() != 1 || losses.DType() != torch.Float64 || losses.Size(0) > int64(r.steps) {
		return fmt.Errorf("it lacks a part: %w", ErrCheckpoint)
	}
	for _, part := range []struct {
		to   []torch.NamedTensor
		from *torch.Dict
	}{{r.trained, parameters}, {r.buffers, buffers}} {
		for _, tensor := range part.to {
			saved, ok := part.from.Get(tensor.Name).(*torch.Tensor)
			if !ok || !slices.Equal(saved.Shape(), tensor.Tensor.Shape()) {
				return fmt.Errorf("it has no %s of the shape %v: %w", tensor.Name, tensor.Tensor.Shape(), ErrCheckpoint)
			}
			torch.NoGrad(func() { tensor.Tensor.CopyInPlace(saved) })
		}
	}
	for _, each := range r.adapters {
		each.apply()
	}
	if err := r.optimizer.LoadStateDict(state); err != nil {
		return err
	}
	if scaler, ok := dict.Get("scaler").(*torch.Dict); ok && r.scaler != nil {
		if err := r.scaler.LoadStateDict(scaler); err != nil {
			return err
		}
	}
	r.losses = torch.ToSlice[float64](losses)
	return nil
}

// sameSettings returns an error that names the first setting in which a checkpoint differs.
func (r *run) sameSettings(saved any) error {
	text, _ := saved.(string)
	mine, err := r.settings()
	if err != nil || text == mine {
		return err
	}
	var theirs, ours map[string]any
	if err := errors.Join(json.Unmarshal([]byte(text), &theirs), json.Unmarshal([]byte(mine), &ours)); err != nil {
		return fmt.Errorf("its settings cannot be read: %w", ErrCheckpoint)
	}
	names := make([]string, 0, len(ours))
	for name := range ours {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if fmt.Sprint(ours[name]) != fmt.Sprint(theirs[name]) {
			return fmt.Errorf("its training had %s %v, this one has %v; give the same settings, or another checkpoint: %w", name, theirs[name], ours[name], ErrCheckpoint)
		}
	}
	return fmt.Errorf("its training had other settings; give the same, or another checkpoint: %w", ErrCheckpoint)
}
