package train

import (
	"fmt"
	"math"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// LoRA says how weights W are trained by small matrices beside them (Hu et al. 2022, "LoRA: Low-Rank
// Adaptation of Large Language Models"): W + Alpha/Rank * B A, with A [Rank, in] and B [out, Rank]. B
// begins as zeros. The saved model has the sum, as any other. The logit scale is trained too.
type LoRA struct {
	// Rank is that of the matrices; 0 means no LoRA.
	Rank int
	// Alpha divided by Rank is the factor of their product.
	Alpha float64
	// Weights are parts of the names of weights that are adapted, of all matrices in blocks; by default
	// "attn." and "mlp.", those of attention and of perceptrons.
	Weights []string
}

func (l LoRA) adapts(name string, dimensions int64) bool {
	if _, ok := blockOf(name); !ok || dimensions != 2 || !strings.HasSuffix(name, "weight") {
		return false
	}
	parts := l.Weights
	if len(parts) == 0 {
		parts = []string{"attn.", "mlp."}
	}
	for _, part := range parts {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// An adapter is the matrices beside one weight.
type adapter struct {
	name         string
	weight, base *torch.Tensor // the model's parameter, and its value before the training
	a, b         *torch.Tensor
	factor       float64
}

// newAdapters returns those of all weights that are adapted.
func (c Config) newAdapters(parameters []torch.NamedTensor) (adapters []*adapter, err error) {
	if c.LoRA.Rank == 0 {
		return nil, nil
	}
	generator, err := torch.NewGenerator(torch.CPU, c.Seed)
	if err != nil {
		return nil, err
	}
	defer generator.Close()
	rank := int64(c.LoRA.Rank)
	for _, parameter := range parameters {
		part := towerOf(parameter.Name)
		if !c.LoRA.adapts(parameter.Name, parameter.Tensor.Dim()) || part == imageTower && c.FreezeImages || part == textTower && c.FreezeTexts {
			continue
		}
		w := parameter.Tensor
		bound := 1 / math.Sqrt(float64(w.Size(1)))
		a := torch.Empty(torch.Shape{rank, w.Size(1)}, torch.Float32).UniformInPlace(-bound, bound, generator)
		adapters = append(adapters, &adapter{
			name: parameter.Name, weight: w, base: w.Detach().Clone(),
			a:      a.To(w.Device(), w.DType()).SetRequiresGrad(true),
			b:      torch.Zeros(torch.Shape{w.Size(0), rank}, w.Device(), w.DType()).SetRequiresGrad(true),
			factor: c.LoRA.Alpha / float64(rank),
		})
	}
	if len(adapters) == 0 {
		return nil, fmt.Errorf("no weight of the model has a name with %q: %w", c.LoRA.Weights, torch.ErrInvalid)
	}
	return adapters, nil
}

// apply writes the sum to the model's weight.
func (a *adapter) apply() {
	torch.NoGrad(func() {
		a.weight.CopyInPlace(a.base.Add(a.b.MatMul(a.a).MulScalar(a.factor)))
	})
}

// pull turns the gradient in the weight into those in the matrices, by the chain rule.
func (a *adapter) pull() {
	torch.NoGrad(func() {
		gradient := a.weight.Grad()
		if gradient == nil {
			return
		}
		a.b.SetGrad(gradient.MatMul(a.a.T()).MulScalar(a.factor))
		a.a.SetGrad(a.b.T().MatMul(gradient).MulScalar(a.factor))
		a.weight.SetGrad(nil)
	})
}
