package torch

// #include "ctorch/ctorch.h"
import "C"

import "unsafe"

// An Optimizer changes parameters by their gradients. It keeps the parameters alive.
type Optimizer struct {
	handle *handle
}

func freeOptimizer(p unsafe.Pointer) { C.ctorch_optimizer_free((*C.ctorch_optimizer)(p)) }

func newOptimizer(operation string, parameters []*Tensor,
	make func(**C.ctorch_tensor, C.int64_t) C.ctorch_optimizer_result) (*Optimizer, error) {
	all := acquireAll(operation, parameters)
	defer all.release()
	result := make(all.pointer(), all.count())
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	nativeBytes.added(handleBytes)
	o := &Optimizer{newHandle(unsafe.Pointer(result.optimizer), handleBytes, freeOptimizer)}
	closeWhenUnreachable(o, o.handle)
	return o, nil
}

// SGDOptions are stochastic gradient descent's settings; the zero value is PyTorch's defaults but
// for the learning rate, which must be given.
type SGDOptions struct {
	LearningRate float64
	Momentum     float64
	Dampening    float64
	WeightDecay  float64
	Nesterov     bool
}

// SGD is stochastic gradient descent (torch.optim.SGD).
func SGD(parameters []*Tensor, options SGDOptions) (*Optimizer, error) {
	return newOptimizer("SGD", parameters, func(p **C.ctorch_tensor, n C.int64_t) C.ctorch_optimizer_result {
		return C.ctorch_sgd_new(p, n, C.double(options.LearningRate), C.double(options.Momentum),
			C.double(options.Dampening), C.double(options.WeightDecay), cBool(options.Nesterov))
	})
}

// AdamOptions are the settings of Adam and AdamW. A zero field means PyTorch's default: learning
// rate 0.001, betas 0.9 and 0.999, epsilon 1e-8. WeightDecay is as given, 0 included.
type AdamOptions struct {
	LearningRate float64
	Beta1, Beta2 float64
	Epsilon      float64
	WeightDecay  float64
	AMSGrad      bool
}

func (o AdamOptions) withDefaults() AdamOptions {
	setDefault := func(value *float64, standard float64) {
		if *value == 0 {
			*value = standard
		}
	}
	setDefault(&o.LearningRate, 1e-3)
	setDefault(&o.Beta1, 0.9)
	setDefault(&o.Beta2, 0.999)
	setDefault(&o.Epsilon, 1e-8)
	return o
}

// Adam is Kingma and Ba's optimiser (torch.optim.Adam); weight decay is added to the gradient.
func Adam(parameters []*Tensor, options AdamOptions) (*Optimizer, error) {
	o := options.withDefaults()
	return newOptimizer("Adam", parameters, func(p **C.ctorch_tensor, n C.int64_t) C.ctorch_optimizer_result {
		return C.ctorch_adam_new(p, n, C.double(o.LearningRate), C.double(o.Beta1),
			C.double(o.Beta2), C.double(o.Epsilon), C.double(o.WeightDecay), cBool(o.AMSGrad))
	})
}

// AdamW is Adam with decoupled weight decay (torch.optim.AdamW, whose default decay of 0.01 is
// not assumed here: what is given holds).
func AdamW(parameters []*Tensor, options AdamOptions) (*Optimizer, error) {
	o := options.withDefaults()
	return newOptimizer("AdamW", parameters, func(p **C.ctorch_tensor, n C.int64_t) C.ctorch_optimizer_result {
		return C.ctorch_adamw_new(p, n, C.double(o.LearningRate), C.double(o.Beta1),
			C.double(o.Beta2), C.double(o.Epsilon), C.double(o.WeightDecay), cBool(o.AMSGrad))
	})
}

func (o *Optimizer) acquire(operation string) *C.ctorch_optimizer {
	if o == nil {
		panic(invalid(operation, "the optimizer is nil"))
	}
	return (*C.ctorch_optimizer)(o.handle.acquire(operation, "optimizer"))
}

// Step changes the parameters by their gradients.
func (o *Optimizer) Step() {
	const operation = "Step"
	self := o.acquire(operation)
	defer o.handle.leave()
	check(operation, C.ctorch_optimizer_step(self))
}

// ZeroGrad removes the parameters' gradients.
func (o *Optimizer) ZeroGrad() {
	const operation = "ZeroGrad"
	self := o.acquire(operation)
	defer o.handle.leave()
	check(operation, C.ctorch_optimizer_zero_grad(self))
}

// SetLearningRate changes the learning rate from the next step on.
func (o *Optimizer) SetLearningRate(rate float64) {
	const operation = "SetLearningRate"
	self := o.acquire(operation)
	defer o.handle.leave()
	check(operation, C.ctorch_optimizer_set_learning_rate(self, C.double(rate)))
}

// Close frees the optimiser's state. Closing it again does nothing.
func (o *Optimizer) Close() {
	if o != nil {
		o.handle.close()
	}
}
