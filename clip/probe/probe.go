// Package probe trains linear probes: logistic regressions over embeddings of known classes, which tell these
// classes better than their names do (section 3.2 of the CLIP paper, "representation learning").
//
//	found, trials, err := probe.Choose(ctx, training, validation, classes, probe.Options{})
//	err = found.Save("probe.safetensors")
//	predictions, err := found.Predict(ctx, embeddings)
//
// Embeddings are divided by their length first, also when the probe is used.
package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// failed adds the function's name to an error; nil stays nil.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("probe: %s: %w", operation, err)
}

// Examples are embeddings of which the classes are known.
type Examples struct {
	// Embeddings are of D elements each.
	Embeddings [][]float32
	// ClassOf are the places of their classes among all.
	ClassOf []int
}

// A Probe is a trained logistic regression. It may be used from many goroutines at once.
type Probe struct {
	// Classes are the names of the classes.
	Classes []string
	// Source says which model the embeddings are of; it is not interpreted.
	Source string
	// Regularization is that with which it was trained.
	Regularization float64
	// weights are [C, D] and bias [C], in float32 on the CPU.
	weights, bias *torch.Tensor
}

// Dimension returns D, the number of elements of an embedding.
func (p *Probe) Dimension() int {
	if p.usable() != nil {
		return 0
	}
	return int(p.weights.Size(1))
}

func (p *Probe) usable() error {
	if p == nil || p.weights == nil {
		return fmt.Errorf("the probe was not trained; probe.Fit and probe.Load return one: %w", torch.ErrInvalid)
	}
	return nil
}

// Close frees the probe. Closing it again does nothing.
func (p *Probe) Close() {
	if p.usable() == nil {
		p.weights.Close()
		p.bias.Close()
	}
}

// Probabilities returns the probabilities of the classes, float32 [N, C] on the CPU, for embeddings [N, D].
// The error is [torch.ErrInvalid] for another shape.
func (p *Probe) Probabilities(ctx context.Context, embeddings *torch.Tensor) (probabilities *torch.Tensor, err error) {
	if err := p.usable(); err != nil {
		return nil, failed("Probabilities", err)
	}
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		if shape := embeddings.Shape(); len(shape) != 2 || shape[1] != p.weights.Size(1) {
			return fmt.Errorf("embeddings of shape %v, wanted [N, %d] as the probe was trained on: %w", shape, p.weights.Size(1), torch.ErrInvalid)
		}
		units := embeddings.Detach().To(torch.CPU, torch.Float32).Normalize(-1)
		probabilities = scope.Keep(units.Linear(p.weights, p.bias).Softmax(1))
		return nil
	})
	return probabilities, failed("Probabilities", err)
}

// A Prediction is a class and its probability.
type Prediction struct {
	Class       string
	Probability float64
}

// Predict returns, for each of the embeddings [N, D], all classes, the most probable first.
func (p *Probe) Predict(ctx context.Context, embeddings *torch.Tensor) ([][]Prediction, error) {
	probabilities, err := p.Probabilities(ctx, embeddings)
	if err != nil {
		return nil, err
	}
	defer probabilities.Close()
	var all [][]Prediction
	for _, row := range torch.ToRows[float32](probabilities) {
		predictions := make([]Prediction, len(row))
		for i, probability := range row {
			predictions[i] = Prediction{p.Classes[i], float64(probability)}
		}
		slices.SortStableFunc(predictions, func(a, b Prediction) int {
			return cmp.Compare(b.Probability, a.Probability)
		})
		all = append(all, predictions)
	}
	return all, nil
}

// The metadata of a file, strings by name.
const (
	kindKey, kind     = "kind", "linear probe"
	classesKey        = "classes"
	sourceKey         = "source"
	regularizationKey = "regularization"
)

// Save writes the probe as a file of safetensors, with its classes in the metadata.
func (p *Probe) Save(path string) error {
	if err := p.usable(); err != nil {
		return failed("Save", err)
	}
	classes, err := json.Marshal(p.Classes)
	if err != nil {
		return failed("Save", err)
	}
	return failed("Save", safetensors.Save(path, []torch.NamedTensor{{Name: "weight", Tensor: p.weights}, {Name: "bias", Tensor: p.bias}}, map[string]string{
		kindKey: kind, classesKey: string(classes), sourceKey: p.Source, regularizationKey: fmt.Sprint(p.Regularization)}))
}

// Load reads a file of [Probe.Save]. The error is [torch.ErrModel] if it is none.
func Load(path string) (*Probe, error) {
	tensors, metadata, err := safetensors.Load(path)
	if err != nil {
		return nil, failed("Load", err)
	}
	p := &Probe{Source: metadata[sourceKey]}
	for _, tensor := range tensors {
		switch tensor.Name {
		case "weight":
			p.weights = tensor.Tensor
		case "bias":
			p.bias = tensor.Tensor
		}
	}
	_, numberErr := fmt.Sscan(metadata[regularizationKey], &p.Regularization)
	if metadata[kindKey] != kind || json.Unmarshal([]byte(metadata[classesKey]), &p.Classes) != nil || numberErr != nil || !p.fits() {
		return nil, failed("Load", fmt.Errorf("%s is no linear probe: %w", path, torch.ErrModel))
	}
	return p, nil
}

// fits reports whether the parts have the shapes of each other.
func (p *Probe) fits() bool {
	return p.weights != nil && p.bias != nil && len(p.Classes) > 0 &&
		p.weights.DType() == torch.Float32 && p.bias.DType() == torch.Float32 &&
		p.weights.Dim() == 2 && p.weights.Size(1) > 0 &&
		slices.Equal(p.bias.Shape(), torch.Shape{int64(len(p.Classes))}) && p.weights.Size(0) == int64(len(p.Classes))
}
