package clip

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/clipvqgan/clipvqgan/internal/archive"
	"github.com/clipvqgan/clipvqgan/tokenizer"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/jit"
)

// A Trainable is a model whose parameters can be changed. Package clip/train trains it. Unlike a
// [Model] it must not be used by two goroutines at once.
type Trainable struct {
	model      *Model
	module     *jit.Module
	parameters []torch.NamedTensor
	buffers    []torch.NamedTensor
}

// LoadTrainable loads a model, as [Load] does, to train it: in float32, on the CPU by default. It must
// have both encoders. No parameter requires a gradient yet.
func LoadTrainable(path string, where ...torch.Option) (*Trainable, error) {
	model, err := Load(path, where...)
	if err != nil {
		return nil, err
	}
	return newTrainable("LoadTrainable", model)
}

// ReadTrainable is [LoadTrainable] of an archive from a stream.
func ReadTrainable(r io.Reader, where ...torch.Option) (*Trainable, error) {
	model, err := Read(r, where...)
	if err != nil {
		return nil, err
	}
	return newTrainable("ReadTrainable", model)
}

func newTrainable(operation string, model *Model) (*Trainable, error) {
	t := &Trainable{model: model, module: model.loaded.Module}
	if err := t.prepare(); err != nil {
		t.Close()
		return nil, failed(operation, err)
	}
	return t, nil
}

func (t *Trainable) prepare() error {
	switch {
	case !t.model.encodesImages || !t.model.encodesTexts:
		return fmt.Errorf("the model %s has no image or no text encoder, wanted both: %w", t.model.config.Architecture, torch.ErrModel)
	case t.model.dtype != torch.Float32 && t.model.dtype != torch.Float64:
		return fmt.Errorf("a model is trained in float32, not %s; mixed precision is a setting of its training: %w", t.model.dtype, torch.ErrInvalid)
	}
	t.model.loaded.Frozen.Close() // its methods have constants in place of some parameters
	var err error
	if t.parameters, err = t.module.NamedParameters(); err != nil {
		return err
	}
	t.buffers, err = t.module.NamedBuffers()
	return err
}

// usable returns an error for what was not loaded, and for a nil tensor.
func (t *Trainable) usable() error {
	if t == nil || t.module == nil {
		return fmt.Errorf("it was not loaded; clip.LoadTrainable returns one: %w", torch.ErrInvalid)
	}
	return nil
}

// Config returns the description of the model.
func (t *Trainable) Config() Config { return t.orZero().Config() }

// Device returns the device of the parameters.
func (t *Trainable) Device() torch.Device { return t.orZero().Device() }

// Tokenizer returns the model's tokenizer.
func (t *Trainable) Tokenizer() tokenizer.Tokenizer { return t.orZero().Tokenizer() }

// Preprocessor returns the model's preprocessor.
func (t *Trainable) Preprocessor() Preprocessor { return t.orZero().Preprocessor() }

// Head returns the head that the model is trained with: [Sigmoid] if it has a logit_bias.
func (t *Trainable) Head() Head { return t.orZero().Head() }

func (t *Trainable) orZero() *Model {
	if t == nil {
		return nil
	}
	return t.model
}

// Parameters returns the parameters with their dotted names, which are open_clip's. They share the
// model's memory; do not close them.
func (t *Trainable) Parameters() []torch.NamedTensor {
	if t.usable() != nil {
		return nil
	}
	return t.parameters
}

// Buffers returns the tensors that are part of the model and are not trained by gradients: the statistics
// of batch normalizations.
func (t *Trainable) Buffers() []torch.NamedTensor {
	if t.usable() != nil {
		return nil
	}
	return t.buffers
}

// SetTraining says whether batch normalizations use the statistics of the batch, and update their own,
// as in training, or use their own, as they do at first.
func (t *Trainable) SetTraining(on bool) error {
	if err := t.usable(); err != nil {
		return failed("SetTraining", err)
	}
	if on {
		return failed("SetTraining", t.module.Train())
	}
	return failed("SetTraining", t.module.Eval())
}

// EncodeImage returns the embeddings, [N, D], not normalized, of preprocessed images [N, 3, S, S].
// Gradients flow back to parameters that require them.
func (t *Trainable) EncodeImage(ctx context.Context, pictures *torch.Tensor) (*torch.Tensor, error) {
	return t.encode(ctx, "EncodeImage", "encode_image", pictures, func(shape torch.Shape) string {
		if size := t.model.config.ImageSize; len(shape) != 4 || shape[0] < 1 || shape[1] != 3 || shape[2] != size || shape[3] != size {
			return fmt.Sprintf("the pictures are %v, wanted [N, 3, %d, %d]", shape, size, size)
		}
		return ""
	})
}

// EncodeText returns the embeddings, [N, D], not normalized, of rows of tokens, int64 [N, L].
func (t *Trainable) EncodeText(ctx context.Context, tokens *torch.Tensor) (*torch.Tensor, error) {
	return t.encode(ctx, "EncodeText", "encode_text", tokens, func(shape torch.Shape) string {
		if length := int64(t.model.config.ContextLength); len(shape) != 2 || shape[0] < 1 || shape[1] != length {
			return fmt.Sprintf("the tokens are %v, wanted [N, %d]", shape, length)
		}
		return ""
	})
}

func (t *Trainable) encode(ctx context.Context, operation, method string, input *torch.Tensor, check func(torch.Shape) string) (embeddings *torch.Tensor, err error) {
	if err := t.usable(); err != nil {
		return nil, failed(operation, err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if message := check(input.Shape()); message != "" {
			return fmt.Errorf("%s: %w", message, torch.ErrInvalid)
		}
		input := input.To(t.model.device)
		if method == "encode_image" {
			input = input.ChannelsLast()
		}
		result, err := t.module.CallTensor(method, input)
		if err == nil {
			embeddings = scope.Keep(result)
		}
		return err
	})
	return embeddings, failed(operation, err)
}

// Save writes an archive with the present parameters, which [Load] opens. source says where they come
// from, for the archive's description, such as "fine-tuned from ViT-B-32.pt".
func (t *Trainable) Save(path, source string) error {
	if err := t.usable(); err != nil {
		return failed("Save", err)
	}
	config := t.model.config
	config.Source, config.SourceSHA256 = source, ""
	return failed("Save", t.atRest(func() error {
		if err := archive.Store(t.module, &config.Storage, nil); err != nil {
			return err
		}
		return archive.Save(t.module, path, config)
	}))
}

// atRest calls f while the module is as one that is not trained, and then makes it again what it was.
func (t *Trainable) atRest(f func() error) error {
	training := t.module.IsTraining()
	required := make([]bool, len(t.parameters))
	for i, parameter := range t.parameters {
		required[i] = parameter.Tensor.RequiresGrad()
	}
	if err := t.module.Eval(); err != nil {
		return err
	}
	if err := t.module.SetRequiresGrad(false); err != nil {
		return err
	}
	err := f()
	for i, parameter := range t.parameters {
		parameter.Tensor.SetRequiresGrad(required[i])
	}
	return cmp.Or(err, t.SetTraining(training))
}

// Close frees the model. Closing it again does nothing.
func (t *Trainable) Close() {
	if t.usable() != nil {
		return
	}
	for _, tensors := range [][]torch.NamedTensor{t.parameters, t.buffers} {
		for _, each := range tensors {
			each.Tensor.Close()
		}
	}
	t.model.Close()
}
