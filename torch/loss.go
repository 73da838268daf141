package torch

import "math"

// A Reduction is how a loss combines the losses of the elements.
type Reduction int64

// The reductions of losses.
const (
	ReduceMean Reduction = iota // the mean
	ReduceSum                   // the sum
	ReduceNone                  // no reduction: one loss for each element
)

func (r Reduction) number(operation string) int64 {
	return choice[Reduction, int64](operation, "reduction", r, 1, 2, 0)
}

// CrossEntropyOptions are the options of [Tensor.CrossEntropyLoss]. The zero value is PyTorch's
// default.
type CrossEntropyOptions struct {
	Weight         *Tensor // for each class, [C]; nil means 1
	Reduction      Reduction
	IgnoreIndex    *int64  // targets with this value are ignored; nil means -100
	LabelSmoothing float64 // the share of the target distribution that is spread evenly over all classes
}

// CrossEntropyLoss returns the cross entropy between the logits t [N, C, ...] and target: int64
// classes [N, ...], or probabilities of t's shape.
func (t *Tensor) CrossEntropyLoss(target *Tensor, options CrossEntropyOptions) *Tensor {
	ignored := int64(-100)
	if options.IgnoreIndex != nil {
		ignored = *options.IgnoreIndex
	}
	return t.crossEntropyLoss(target, options.Weight, options.Reduction, ignored,
		options.LabelSmoothing)
}

// reduce applies r to the losses t, and closes t if the result is another tensor.
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
	Eps       *float64 // lower bound of the variances; nil means 1e-6
	Reduction Reduction
}

// GaussianNLLLoss returns the negative log likelihood of target under normal distributions with
// means t: (log(variance) + (t - target)² / variance) / 2. variance has t's shape, or 1 as its last
// size. It is torch.nn.functional.gaussian_nll_loss.
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

// MultilabelSoftMarginLoss returns the binary cross entropy between the logits t [N, C] and target,
// averaged over the classes. weight [C] may be nil. It is
// torch.nn.functional.multilabel_soft_margin_loss.
func (t *Tensor) MultilabelSoftMarginLoss(target, weight *Tensor, reduction Reduction) *Tensor {
	losses := t.BCEWithLogitsLoss(target, weight, nil, ReduceNone)
	defer losses.Close()
	return losses.MeanDim([]int64{-1}, false).reduce(reduction)
}

// TripletMarginOptions are the options of [Tensor.TripletMarginWithDistanceLoss]. The zero value
// is PyTorch's default.
type TripletMarginOptions struct {
	// Distance computes the distances between two tensors. nil means the Euclidean distances
	// between rows [N, D].
	Distance func(a, b *Tensor) *Tensor
	// Swap uses the distance between positive and negative if that is smaller than the one between
	// t and negative.
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

// checkClasses panics if a target is no class: libtorch reads outside of its memory then. Padding is
// not looked at.
func (t *Tensor) checkClasses(operation string, targets *Tensor, lengths []int64) {
	if t.Dim() < 2 || t.Device() != CPU || targets.Device() != CPU || targets.DType().info().kind != integerNumber {
		return // libtorch tells what is wrong, and on a GPU the check would wait for it
	}
	classes := t.Size(-1)
	numbers := targets.To(Int64)
	defer numbers.Close()
	values := ToSlice[int64](numbers)
	width, total := int64(0), int64(0) // width is that of a row, or 0 where targets are joined
	if targets.Dim() == 2 {
		width = targets.Size(1)
	}
	for i, length := range lengths {
		start := total
		if width > 0 {
			start = int64(i) * width
		}
		total += length
		if length < 0 || start > int64(len(values)) || length > int64(len(values))-start {
			return // libtorch tells what is wrong
		}
		for _, class := range values[start : start+length] {
			if class < 0 || class >= classes {
				panic(invalid(operation, "a target is %d, wanted 0 to %d", class, classes-1))
			}
		}
	}
}

// CTCLossOptions are the options of [Tensor.CTCLoss]. The zero value is PyTorch's default.
type CTCLossOptions struct {
	// Blank is the class of the blank label.
	Blank     int64
	Reduction Reduction
	// ZeroInfinity replaces infinite losses, of targets that are too long for their input, by 0.
	ZeroInfinity bool
}

// CTCLoss returns the connectionist temporal classification loss (Graves et al. 2006) of
// log-probabilities t [T, N, C] and targets [N, S]. Of sample i, the first inputLengths[i] steps
// and the first targetLengths[i] targets are used. It is torch.nn.functional.ctc_loss.
func (t *Tensor) CTCLoss(targets *Tensor, inputLengths, targetLengths []int64, options CTCLossOptions) *Tensor {
	t.checkClasses("CTCLoss", targets, targetLengths)
	return t.ctcLoss(targets, inputLengths, targetLengths, options.Blank, options.Reduction, options.ZeroInfinity)
}
