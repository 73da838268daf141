package probe

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/optim"
)

// Options say how a probe is trained. The zero value is valid.
type Options struct {
	// Regularization is lambda: what is made small is the mean cross entropy plus lambda/2 times the sum of the
	// squared weights; the bias is free. scikit-learn's C is 1/(lambda N). 0 means none. [Choose] has its own.
	Regularization float64
	// Iterations is the largest number of L-BFGS; 0 means 1,000, as in the paper.
	Iterations int
	// Source is the probe's.
	Source string
}

const (
	defaultIterations = 1000
	// iterationsAtOnce is the number between two looks at the context.
	iterationsAtOnce = 20
	// smallGradient ends the training, when no element of the gradient is larger.
	smallGradient = 1e-7
)

// Fit trains a probe for the classes by L-BFGS, in float64. The error is [torch.ErrInvalid] for examples that do not
// fit together, or of fewer than two classes, or ctx's.
func Fit(ctx context.Context, examples Examples, classes []string, options Options) (*Probe, error) {
	probe, err := fit(ctx, examples, classes, options)
	return probe, failed("Fit", err)
}

func fit(ctx context.Context, examples Examples, classes []string, options Options) (*Probe, error) {
	if err := check(examples, classes, options); err != nil {
		return nil, err
	}
	d, err := newData(ctx, examples)
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.fit(ctx, classes, options)
}

func check(examples Examples, classes []string, options Options) error {
	if len(examples.Embeddings) != len(examples.ClassOf) {
		return fmt.Errorf("there are %d embeddings and the classes of %d: %w", len(examples.Embeddings), len(examples.ClassOf), torch.ErrInvalid)
	}
	if len(classes) < 2 {
		return fmt.Errorf("there are %d classes, wanted at least 2: %w", len(classes), torch.ErrInvalid)
	}
	seen := map[int]bool{}
	for i, class := range examples.ClassOf {
		if class < 0 || class >= len(classes) {
			return fmt.Errorf("example %d is of class %d, of which there are %d: %w", i, class, len(classes), torch.ErrInvalid)
		}
		seen[class] = true
		if got, want := len(examples.Embeddings[i]), len(examples.Embeddings[0]); got != want || got == 0 {
			return fmt.Errorf("example %d has %d elements, and the first %d: %w", i, got, want, torch.ErrInvalid)
		}
	}
	if len(seen) < 2 {
		return fmt.Errorf("the examples are of %d classes, wanted at least 2: %w", len(seen), torch.ErrInvalid)
	}
	if !(options.Regularization >= 0) || math.IsInf(options.Regularization, 1) {
		return fmt.Errorf("the regularization is %v, wanted 0 or more: %w", options.Regularization, torch.ErrInvalid)
	}
	if options.Iterations < 0 {
		return fmt.Errorf("the number of iterations is %d, wanted 0 or more: %w", options.Iterations, torch.ErrInvalid)
	}
	return nil
}

// data are examples as tensors: units [N, D] in float64, of unit length, and classes [N].
type data struct{ units, classes *torch.Tensor }

func newData(ctx context.Context, examples Examples) (d data, err error) {
	err = torch.Compute(ctx, func(scope *torch.TensorScope) error {
		count := int64(len(examples.Embeddings))
		rows := torch.FromSlice(slices.Concat(examples.Embeddings...), torch.Shape{count, int64(len(examples.Embeddings[0]))})
		d.units = scope.Keep(rows.To(torch.Float64).Normalize(-1))
		if d.units.IsFinite().All().Item() == 0 {
			return fmt.Errorf("the embeddings have numbers that are not finite: %w", torch.ErrInvalid)
		}
		numbers := make([]int64, count)
		for i, class := range examples.ClassOf {
			numbers[i] = int64(class)
		}
		d.classes = scope.Keep(torch.FromSlice(numbers, torch.Shape{count}))
		return nil
	})
	return d, err
}

func (d data) close() {
	d.units.Close()
	d.classes.Close()
}

// fit finds the smallest loss, from zeros.
func (d data) fit(ctx context.Context, classes []string, options Options) (*Probe, error) {
	iterations := options.Iterations
	if iterations == 0 {
		iterations = defaultIterations
	}
	count, dimension := int64(len(classes)), d.units.Size(1)
	weights := torch.Zeros(torch.Shape{count, dimension}, torch.Float64).SetRequiresGrad(true)
	bias := torch.Zeros(torch.Shape{count}, torch.Float64).SetRequiresGrad(true)
	defer weights.Close()
	defer bias.Close()
	settings := optim.DefaultLBFGS()
	settings.LearningRate, settings.StrongWolfe, settings.ToleranceGrad, settings.ToleranceChange = 1, true, smallGradient, 1e-12
	settings.HistorySize = 10
	optimizer, err := optim.LBFGS([]*torch.Tensor{weights, bias}, settings)
	if err != nil {
		return nil, err
	}
	defer optimizer.Close()
	loss := func() *torch.Tensor {
		optimizer.ZeroGrad()
		loss := d.units.Linear(weights, bias).CrossEntropyLoss(d.classes, torch.CrossEntropyOptions{}).
			Add(weights.Square().Sum().MulScalar(options.Regularization / 2))
		loss.Backward()
		return loss
	}
	for done := 0; done < iterations; done += iterationsAtOnce {
		settings.MaxIterations = int64(min(iterationsAtOnce, iterations-done))
		settings.MaxEvaluations = 2 * settings.MaxIterations
		if err := optimizer.SetOptions(0, settings); err != nil {
			return nil, err
		}
		largest := 0.0
		err := torch.Compute(ctx, func(*torch.TensorScope) error {
			optimizer.Step(loss)
			last := loss().Item() // the gradient where the step ended
			if math.IsNaN(last) || math.IsInf(last, 0) {
				return fmt.Errorf("the loss is %v after %d iterations: %w", last, done, torch.ErrInvalid)
			}
			largest = max(weights.Grad().Abs().Max().Item(), bias.Grad().Abs().Max().Item())
			return nil
		})
		if err != nil {
			return nil, err
		}
		if largest <= smallGradient {
			break
		}
	}
	p := &Probe{Classes: slices.Clone(classes), Source: options.Source, Regularization: options.Regularization}
	err = torch.Try(func() error {
		p.weights, p.bias = weights.Detach().To(torch.Float32), bias.Detach().To(torch.Float32)
		return nil
	})
	return p, err
}

// A Trial is one regularization of [Choose], the share of the validation examples that it got right, and their mean
// cross entropy.
type Trial struct{ Regularization, Accuracy, Loss float64 }

// Choose trains probes with different regularizations, and returns one trained on all examples with that which does best
// on the validation examples. It begins with 1e-6, 1e-4, 1e-2, 1, 1e2, 1e4 and 1e6, and then halves the interval
// around the best until there are eight to a decade (section A.3 of the paper). Of those that get as many right
// that with the smallest cross entropy is taken. It also returns the trials, in the order of their regularizations.
func Choose(ctx context.Context, training, validation Examples, classes []string, options Options) (*Probe, []Trial, error) {
	probe, trials, err := choose(ctx, training, validation, classes, options)
	return probe, trials, failed("Choose", err)
}

func choose(ctx context.Context, training, validation Examples, classes []string, options Options) (*Probe, []Trial, error) {
	if err := check(training, classes, options); err != nil {
		return nil, nil, err
	}
	all := Examples{slices.Concat(training.Embeddings, validation.Embeddings), slices.Concat(training.ClassOf, validation.ClassOf)}
	if len(validation.Embeddings) == 0 {
		return nil, nil, fmt.Errorf("there are no examples for validation: %w", torch.ErrInvalid)
	}
	if err := check(all, classes, options); err != nil {
		return nil, nil, fmt.Errorf("with those for validation: %w", err)
	}
	d, err := newData(ctx, training)
	if err != nil {
		return nil, nil, err
	}
	defer d.close()
	held, err := newData(ctx, validation)
	if err != nil {
		return nil, nil, err
	}
	defer held.close()
	var trials []Trial
	try := func(exponent float64) error {
		options.Regularization = math.Pow(10, exponent)
		if slices.ContainsFunc(trials, func(t Trial) bool { return t.Regularization == options.Regularization }) {
			return nil
		}
		p, err := d.fit(ctx, classes, options)
		if err != nil {
			return err
		}
		defer p.Close()
		trial, err := held.try(ctx, p)
		trials = append(trials, trial)
		return err
	}
	for exponent := -6.0; exponent <= 6; exponent += 2 {
		if err := try(exponent); err != nil {
			return nil, nil, err
		}
	}
	for distance := 1.0; distance >= 1.0/8; distance /= 2 {
		middle := math.Log10(best(trials).Regularization)
		for _, exponent := range []float64{middle - distance, middle + distance} {
			if err := try(math.Round(8*exponent) / 8); err != nil {
				return nil, nil, err
			}
		}
	}
	options.Regularization = best(trials).Regularization
	slices.SortFunc(trials, func(a, b Trial) int { return cmp.Compare(a.Regularization, b.Regularization) })
	probe, err := fit(ctx, all, classes, options)
	return probe, trials, err
}

// best returns the trial with the best accuracy, of equal ones that with the smallest loss.
func best(trials []Trial) Trial {
	return slices.MaxFunc(trials, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(a.Accuracy, b.Accuracy), cmp.Compare(b.Loss, a.Loss))
	})
}

// try measures a probe.
func (d data) try(ctx context.Context, p *Probe) (trial Trial, err error) {
	trial.Regularization = p.Regularization
	err = torch.Compute(ctx, func(*torch.TensorScope) error {
		logits := d.units.To(torch.Float32).Linear(p.weights, p.bias)
		trial.Accuracy = logits.ArgMax(1, false).Eq(d.classes).To(torch.Float64).Mean().Item()
		trial.Loss = logits.CrossEntropyLoss(d.classes, torch.CrossEntropyOptions{}).Item()
		return nil
	})
	return trial, err
}
