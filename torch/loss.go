package torch

// A Reduction is what a loss makes of its elements.
type Reduction int64

// The reductions of losses.
const (
	ReduceMean Reduction = iota // their mean
	ReduceSum                   // their sum
	ReduceNone                  // nothing: one loss for each element
)

// number is PyTorch's, in which none comes first.
func (r Reduction) number() int64 { return (int64(r) + 1) % 3 }

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
