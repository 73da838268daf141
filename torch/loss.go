package torch

import "math"

// A Reduction is what a loss makes of its elements.
type Reduction int64

// The reductions of losses.
const (
	ReduceMean Reduction = iota // their mean
	ReduceSum                   // their sum
	ReduceNone                  // nothing: one loss for each element
)

func (r Reduction) number(operation string) int64 {
	return choice[Reduction, int64](operation, "reduction", r, 1, 2, 0)
}

// CrossEntropyOptions are the options of [Tensor.CrossEntropyLoss]. The zero value is PyTorch's
// default.
type CrossEntropyOptions struct {
	Weight         *Tensor // of each class, [C]; nil: 1
	Reduction      Reduction
	IgnoreIndex    *int64  // the target that does not count; nil: -100
	LabelSmoothing float64 // the share of the target that all classes get evenly
}

// CrossEntropyLoss returns the cross entropy of the logits t [N, C, ...] against target, which are
// classes [N, ...] of int64, or probabilities of t's shape.
func (t *Tensor) CrossEntropyLoss(target *Tensor, options CrossEntropyOptions) *Tensor {
	ignored := int64(-100)
	if options.IgnoreIndex != nil {
		ignored = *options.IgnoreIndex
	}
	return t.crossEntropyLoss(target, options.Weight, options.Reduction, ignored,
		options.LabelSmoothing)
}

// reduce makes of a loss's elements what r says, and closes t where that is something else.
func (t *Tensor) reduce(r Reduction) *Tensor {
	if r == ReduceNone {
		return t
	}
	defer t.Close()
	if r == ReduceSum {
		return t.Sum()
	}
	return t.Mean()
}

// GaussianNLLOptions are the options of [Tensor.GaussianNLLLoss]. The zero value is PyTorch's
// default.
type GaussianNLLOptions struct {
	Full      bool     // add the constant log(2 pi) / 2
	Eps       *float64 // what variances are held above; nil: 1e-6
	Reduction Reduction
}

// GaussianNLLLoss returns the negative log likelihood of target under normal distributions of mean
// t and the given variances, which are of t's shape or have a last size of 1:
// (log(variance) + (t - target)² / variance) / 2. It is torch.nn.functional.gaussian_nll_loss.
func (t *Tensor) GaussianNLLLoss(target, variance *Tensor, options GaussianNLLOptions) *Tensor {
	negative := variance.LtScalar(0)
	defer negative.Close()
	some := negative.Any()
	defer some.Close()
	if some.Item() != 0 {
		panic(invalid("GaussianNLLLoss", "some variances are negative"))
	}
	held := variance.Clone()
	defer held.Close()
	NoGrad(func() { held.ClampMinInPlace(orDefault(options.Eps, 1e-6)) }) // the gradient passes, as in PyTorch
	difference := t.Sub(target)
	defer difference.Close()
	squared := difference.Square()
	defer squared.Close()
	scaled := squared.Div(held)
	defer scaled.Close()
	logarithm := held.Log()
	defer logarithm.Close()
	twice := logarithm.Add(scaled)
	defer twice.Close()
	loss := twice.MulScalar(0.5)
	if options.Full {
		without := loss
		defer without.Close()
		loss = without.AddScalar(0.5 * math.Log(2*math.Pi))
	}
	return loss.reduce(options.Reduction)
}

// MultilabelSoftMarginLoss returns the binary cross entropy of the logits t [N, C] against target,
// averaged over the classes; weight [C] may be nil. It is
// torch.nn.functional.multilabel_soft_margin_loss.
func (t *Tensor) MultilabelSoftMarginLoss(target, weight *Tensor, reduction Reduction) *Tensor {
	losses := t.BCEWithLogitsLoss(target, weight, nil, ReduceNone)
	defer losses.Close()
	return losses.MeanDim([]int64{-1}, false).reduce(reduction)
}

// TripletMarginOptions are the options of [Tensor.TripletMarginWithDistanceLoss]. The zero value
// is PyTorch's default.
type TripletMarginOptions struct {
	// Distance finds how far two tensors are apart; nil: the Euclidean distances of rows [N, D].
	Distance func(a, b *Tensor) *Tensor
	// Swap takes the distance of positive and negative where it is the smaller one.
	Swap      bool
	Reduction Reduction
}

// TripletMarginWithDistanceLoss returns max(0, distance(t, positive) - distance(t, negative) +
// margin). It is torch.nn.functional.triplet_margin_with_distance_loss.
func (t *Tensor) TripletMarginWithDistanceLoss(positive, negative *Tensor, margin float64,
	options TripletMarginOptions) *Tensor {
	distance := options.Distance
	if distance == nil {
		distance = func(a, b *Tensor) *Tensor { return a.PairwiseDistance(b, 2, 1e-6, false) }
	}
	near, far := distance(t, positive), distance(t, negative)
	defer near.Close()
	defer far.Close()
	if options.Swap {
		between := distance(positive, negative)
		defer between.Close()
		far = far.Minimum(between)
		defer far.Close()
	}
	difference := near.Sub(far)
	defer difference.Close()
	above := difference.AddScalar(margin)
	defer above.Close()
	return above.ClampMin(0).reduce(options.Reduction)
}

// CTCLossOptions are the options of [Tensor.CTCLoss]. The zero value is PyTorch's default.
type CTCLossOptions struct {
	// Blank is the class that stands for no label.
	Blank     int64
	Reduction Reduction
	// ZeroInfinity makes infinite losses, of targets that are too long for their input, 0.
	ZeroInfinity bool
}

// CTCLoss returns the connectionist temporal classification loss of log-probabilities t [T, N, C] against
// targets [N, S], of which the first inputLengths and targetLengths count (Graves et al. 2006). It is
// torch.nn.functional.ctc_loss.
func (t *Tensor) CTCLoss(targets *Tensor, inputLengths, targetLengths []int64, options CTCLossOptions) *Tensor {
	return t.ctcLoss(targets, inputLengths, targetLengths, options.Blank, options.Reduction, options.ZeroInfinity)
}
