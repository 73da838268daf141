package guided

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/clipvqgan/clipvqgan/internal/atomicfile"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/vqgan"
)

// A Snapshot is the whole state of a [Run] between two steps: its Config, latent, optimizer, random
// numbers and losses. A run that continues from it gives the same image, to the byte, as one that
// was not interrupted. It holds no tensors, and stays as it is when the run goes on.
type Snapshot struct {
	data   []byte // as it is written
	config Config
	losses []float64
}

// snapshotVersion is the layout of a snapshot.
const snapshotVersion = 1

// largestSnapshot bounds the memory that a file can ask for.
const largestSnapshot = 4 << 30

// The keys of a snapshot, which is a dict in the format of Python's torch.save.
const (
	versionKey   = "guided_snapshot"
	configKey    = "config"    // in JSON
	lossesKey    = "losses"    // float64 [steps]
	latentKey    = "latent"    // [1, C, h, w]
	startKey     = "start"     // [1, C, h, w]
	averageKey   = "average"   // [1, C, h, w]
	weightKey    = "weight"    // the sum of the average's weights
	optimizerKey = "optimizer" // the optimizer's state
	randomKey    = "random"    // the state of Go's random numbers
	generatorKey = "generator" // the state of PyTorch's random numbers on the CPU
	noiseKey     = "noise"     // and on the model's device
	deviceKey    = "device"    // the kind of device of noise
	codebookKey  = "codebook"  // which VQGAN: the sum of its codebook
	scorersKey   = "scorers"   // which scorers: an embedding [D] from each
)

// Snapshot returns the state of the run.
func (r *Run) Snapshot(ctx context.Context) (*Snapshot, error) {
	if r.latent == nil || r.optimizer == nil {
		return nil, bad("the Run was not made by NewRun or Resume")
	}
	config, err := json.Marshal(r.config)
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	random, err := r.source.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	var data bytes.Buffer
	err = torch.Compute(ctx, func(*torch.TensorScope) error {
		own, err := r.identity(ctx)
		if err != nil {
			return err
		}
		var marks []any
		for _, mark := range own.scorers {
			marks = append(marks, torch.FromSlice(mark, nil))
		}
		return checkpoint.Write(&data, torch.NewDict(
			versionKey, snapshotVersion,
			configKey, string(config),
			lossesKey, torch.FromSlice(r.losses, torch.Shape{int64(len(r.losses))}),
			latentKey, r.latent.Detach().To(torch.CPU),
			startKey, r.start.To(torch.CPU),
			averageKey, r.average.To(torch.CPU),
			weightKey, r.averageWeight,
			optimizerKey, r.optimizer.StateDict(),
			randomKey, hex.EncodeToString(random),
			generatorKey, r.generator.State(),
			noiseKey, r.noise.State(),
			deviceKey, deviceKind(r.model.Device()),
			codebookKey, own.codebook,
			scorersKey, marks,
		))
	})
	if err != nil {
		return nil, cause(ctx, err)
	}
	return &Snapshot{data.Bytes(), r.config, slices.Clone(r.losses)}, nil
}

// Config returns the Config of the run.
func (s *Snapshot) Config() Config { return s.config }

// Taken returns the number of steps taken.
func (s *Snapshot) Taken() int { return len(s.losses) }

// Losses returns the total losses before each step taken.
func (s *Snapshot) Losses() []float64 { return slices.Clone(s.losses) }

// Save writes the snapshot to a file, which [LoadSnapshot] reads. If writing fails, a file that was
// there before stays as it was.
func (s *Snapshot) Save(path string) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(s.data)
		return err
	})
	if err != nil {
		return fmt.Errorf("guided: the snapshot %s cannot be written: %w", path, err)
	}
	return nil
}

// LoadSnapshot reads a snapshot from a file.
func LoadSnapshot(path string) (*Snapshot, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	defer file.Close()
	snapshot, err := ReadSnapshot(file)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return snapshot, nil
}

// ReadSnapshot reads a snapshot.
func ReadSnapshot(r io.Reader) (*Snapshot, error) {
	data, err := io.ReadAll(io.LimitReader(r, largestSnapshot))
	if err != nil {
		return nil, fmt.Errorf("guided: %w", err)
	}
	snapshot := &Snapshot{data: data}
	err = snapshot.read(func(state *torch.Dict) error {
		if version, ok := state.Get(versionKey).(int64); !ok || version != snapshotVersion {
			return fmt.Errorf("guided: the snapshot has the version %v, wanted %d: %w", state.Get(versionKey), snapshotVersion, torch.ErrFormat)
		}
		text, err := valueOf[string](state, configKey)
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &snapshot.config); err != nil {
			return fmt.Errorf("guided: the snapshot's config: %w: %w", err, torch.ErrFormat)
		}
		losses, err := valueOf[*torch.Tensor](state, lossesKey)
		if err != nil {
			return err
		}
		if losses.Dim() != 1 || losses.DType() != torch.Float64 {
			return damaged(lossesKey)
		}
		snapshot.losses = torch.ToSlice[float64](losses)
		return nil
	})
	return snapshot, err
}

// read calls a function with the state, whose tensors are freed afterwards.
func (s *Snapshot) read(use func(state *torch.Dict) error) (err error) {
	if s == nil || len(s.data) == 0 {
		return bad("the snapshot is empty; Run.Snapshot, LoadSnapshot and ReadSnapshot return one")
	}
	torch.Scope(func(*torch.TensorScope) {
		err = torch.Try(func() error {
			value, err := checkpoint.Read(bytes.NewReader(s.data))
			if err != nil {
				return fmt.Errorf("guided: this is no snapshot of a run, or a damaged one: %w", err)
			}
			state, ok := value.(*torch.Dict)
			if !ok || state.Get(versionKey) == nil {
				return fmt.Errorf("guided: this is no snapshot of a run: %w", torch.ErrFormat)
			}
			return use(state)
		})
	})
	return err
}

// Resume continues a run from a snapshot, with models that are the same as the run's. The Config is
// usually the snapshot's own: then the steps are those that the run would have taken. Another one
// may differ in all but the size, the start and the algorithm of the optimizer: it changes the run
// from here on. Start and Init have no effect.
//
// On another kind of device than the snapshot's the noise on cutouts is drawn anew.
func Resume(ctx context.Context, model *vqgan.Model, scorers []Scorer, snapshot *Snapshot, config Config, options RunOptions) (*Run, error) {
	if snapshot == nil || len(snapshot.data) == 0 {
		return nil, bad("the snapshot is empty; Run.Snapshot, LoadSnapshot and ReadSnapshot return one")
	}
	if err := sameState(snapshot.config, config); err != nil {
		return nil, err
	}
	// The start comes from the snapshot: its image need not be there any more.
	begun := config
	begun.Start, begun.Init = RandomStart, ""
	options.Init = nil
	r, err := NewRun(ctx, model, scorers, begun, options)
	if err != nil {
		return nil, err
	}
	r.config = config
	if err := r.Restore(ctx, snapshot); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// sameState returns an error if a run with one Config cannot continue with another.
func sameState(old, changed Config) error {
	switch {
	case old.Width != changed.Width || old.Height != changed.Height:
		return bad("width x height is %dx%d, and the snapshot's is %dx%d, wanted the same",
			changed.Width, changed.Height, old.Width, old.Height)
	case old.Optimizer.Algorithm != changed.Optimizer.Algorithm:
		return bad("optimizer.algorithm is %q, and the snapshot's is %q, wanted the same",
			changed.Optimizer.Algorithm, old.Optimizer.Algorithm)
	}
	return nil
}

// Restore sets the run back, or forward, to a snapshot's state. The run keeps its Config. If it
// fails, the run is as it was.
func (r *Run) Restore(ctx context.Context, snapshot *Snapshot) error {
	if r.latent == nil || r.optimizer == nil {
		return bad("the Run was not made by NewRun or Resume")
	}
	err := torch.Compute(ctx, func(*torch.TensorScope) error {
		return snapshot.read(func(state *torch.Dict) error { return r.restore(ctx, snapshot, state) })
	})
	return cause(ctx, err)
}

func (r *Run) restore(ctx context.Context, snapshot *Snapshot, state *torch.Dict) error {
	if err := sameState(snapshot.config, r.config); err != nil {
		return err
	}
	if err := r.checkModels(ctx, state); err != nil {
		return err
	}
	var tensors [5]*torch.Tensor
	for i, key := range []string{latentKey, startKey, averageKey, generatorKey, noiseKey} {
		tensor, err := valueOf[*torch.Tensor](state, key)
		if err != nil {
			return err
		}
		if i < 3 && (!slices.Equal(tensor.Shape(), r.latent.Shape()) || !tensor.DType().IsFloatingPoint()) {
			return damaged(key)
		}
		tensors[i] = tensor
	}
	weight, err := valueOf[float64](state, weightKey)
	if err != nil {
		return err
	}
	random, err := valueOf[string](state, randomKey)
	if err != nil {
		return err
	}
	source, err := hex.DecodeString(random)
	if err != nil {
		return damaged(randomKey)
	}
	optimizer, err := valueOf[*torch.Dict](state, optimizerKey)
	if err != nil {
		return err
	}
	device, err := valueOf[string](state, deviceKey)
	if err != nil {
		return err
	}
	// What may refuse its state comes first.
	if err := r.generator.SetState(tensors[3]); err != nil {
		return errors.Join(damaged(generatorKey), err)
	}
	if r.noise != r.generator && device == deviceKind(r.model.Device()) {
		if err := r.noise.SetState(tensors[4]); err != nil {
			return errors.Join(damaged(noiseKey), err)
		}
	}
	if err := r.source.UnmarshalBinary(source); err != nil {
		return damaged(randomKey)
	}
	if err := r.optimizer.LoadStateDict(optimizer); err != nil {
		return fmt.Errorf("guided: the snapshot's %s: %w", optimizerKey, err)
	}
	torch.NoGrad(func() {
		for i, into := range []*torch.Tensor{r.latent, r.start, r.average} {
			into.CopyInPlace(tensors[i])
		}
	})
	r.averageWeight = weight
	r.losses, r.taken = slices.Clone(snapshot.losses), len(snapshot.losses)
	return r.renewStart(ctx)
}

// checkModels returns an error if the models are not those of the snapshot.
func (r *Run) checkModels(ctx context.Context, state *torch.Dict) error {
	codebook, err := valueOf[string](state, codebookKey)
	if err != nil {
		return err
	}
	own, err := r.identity(ctx)
	if err != nil {
		return err
	}
	if codebook != own.codebook {
		return bad("the snapshot was made with another VQGAN")
	}
	marks, err := valueOf[[]any](state, scorersKey)
	if err != nil {
		return err
	}
	if len(marks) != len(own.scorers) {
		return bad("the snapshot was made with %d scorers, and there are %d", len(marks), len(own.scorers))
	}
	for i, mark := range marks {
		tensor, ok := mark.(*torch.Tensor)
		if !ok {
			return damaged(scorersKey)
		}
		// Equal models differ by rounding, in another dtype or on another device.
		const leastCosine = 0.98
		mine := torch.FromSlice(own.scorers[i], nil)
		if !slices.Equal(tensor.Shape(), mine.Shape()) ||
			tensor.To(torch.Float64).Mul(mine.To(torch.Float64)).Sum().Item() < leastCosine {
			return bad("the snapshot was made with another scorer than number %d", i+1)
		}
	}
	return nil
}

// A modelIdentity tells models apart, whatever their dtype.
type modelIdentity struct {
	// codebook is the sum of the VQGAN's codebook, rounded to 8 bits as bfloat16 has them.
	codebook string
	// scorers are each scorer's embedding of a text, of unit length.
	scorers [][]float32
}

// identity returns what tells the run's models from others. It is computed once: a run may take
// snapshots often.
func (r *Run) identity(ctx context.Context) (*modelIdentity, error) {
	if r.models != nil {
		return r.models, nil
	}
	hash := sha256.New()
	fmt.Fprintln(hash, r.model.Codebook().Shape())
	values := r.model.Codebook().To(torch.CPU, torch.BFloat16, torch.Float32).Float32s()
	_ = binary.Write(hash, binary.LittleEndian, values) // a hash takes all
	found := &modelIdentity{codebook: hex.EncodeToString(hash.Sum(nil))}
	for _, scorer := range r.scorers {
		embedding, err := scorer.EncodeText(ctx, "a photo of a dog")
		if err != nil {
			return nil, err
		}
		unit := embedding.Detach().To(torch.CPU, torch.Float32).Reshape(torch.Shape{-1}).Normalize(-1)
		found.scorers = append(found.scorers, unit.Float32s())
	}
	r.models = found
	return found, nil
}

func deviceKind(device torch.Device) string {
	if device == torch.CPU {
		return "cpu"
	}
	return "cuda"
}

// valueOf returns a value of a snapshot.
func valueOf[T any](state *torch.Dict, key string) (T, error) {
	value, ok := state.Get(key).(T)
	if !ok {
		return value, damaged(key)
	}
	return value, nil
}

func damaged(key string) error {
	return fmt.Errorf("guided: the snapshot's %q is not there or damaged: %w", key, torch.ErrFormat)
}
