package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// An Optimizer changes parameters by their gradients. It keeps the parameters alive. Several
// goroutines may use one, though one waits for the other.
//
// Each of [SGD], [Adam], [AdamW], [RMSprop] and [Adagrad] makes one, for parameters that share
// their settings or for groups of them that do not; [LBFGS] makes another kind. [StepLR] and its
// like change the learning rates as training goes on. To make something as large as possible,
// minimise the negative of it.
type Optimizer struct {
	paramGroups
	handle *handle
}

// OptimizerParameters are what an optimiser is made for: parameters that share its options, or
// groups of parameters.
type OptimizerParameters interface{ []*Tensor | []ParamGroup }

// A ParamGroup is parameters that an optimiser treats alike.
type ParamGroup struct {
	Parameters []*Tensor
	// Options are all of the group's settings, of the type that the optimiser is made with; nil:
	// those that the optimiser was made with.
	Options OptimizerOptions
}

func freeOptimizer(p unsafe.Pointer) { C.ctorch_optimizer_free((*C.ctorch_optimizer)(p)) }

func newOptimizer[P OptimizerParameters](kind *algorithm, parameters P, options OptimizerOptions) (*Optimizer, error) {
	operation := kind.name
	groups, err := groupsOf(operation, parameters)
	if err != nil {
		return nil, err
	}
	result := C.ctorch_optimizer_new(kind.number)
	if result.error != nil {
		return nil, takeError(operation, result.error)
	}
	o := &Optimizer{handle: newHandle(unsafe.Pointer(result.optimizer), handleBytes, freeOptimizer)}
	o.algorithm, o.defaults = kind, options
	closeWhenUnreachable(o, o.handle)
	for _, group := range groups {
		if err := o.add(operation, group); err != nil {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// groupsOf gives either form of an optimiser's parameters the same form.
func groupsOf[P OptimizerParameters](operation string, parameters P) ([]ParamGroup, error) {
	groups, ok := any(parameters).([]ParamGroup)
	if !ok {
		return []ParamGroup{{Parameters: any(parameters).([]*Tensor)}}, nil
	}
	if len(groups) == 0 {
		return nil, invalid(operation, "no groups of parameters were given")
	}
	return groups, nil
}

func (o *Optimizer) acquire(operation string) *C.ctorch_optimizer {
	if o == nil {
		panic(invalid(operation, "the optimizer is nil"))
	}
	return (*C.ctorch_optimizer)(o.handle.acquire(operation, "optimizer"))
}

// AddParamGroup adds parameters to those that the optimiser changes, as one does for layers that
// are unfrozen later.
func (o *Optimizer) AddParamGroup(group ParamGroup) error {
	return o.add("AddParamGroup", group)
}

func (o *Optimizer) add(operation string, given ParamGroup) error {
	return Try(func() error {
		self := o.acquire(operation)
		defer o.handle.leave()
		o.mutex.Lock()
		defer o.mutex.Unlock()
		group, err := o.newGroup(operation, given)
		if err != nil {
			return err
		}
		all := acquireAll(operation, group.parameters)
		defer all.release()
		options := group.settings.c()
		failure := C.ctorch_optimizer_add_group(self, all.pointer(), all.count(), &options)
		if failure != nil {
			group.close()
			return takeError(operation, failure)
		}
		o.groups = append(o.groups, group)
		// The collector is to know of the state that the steps make, when nobody closes the optimiser.
		bytes := group.bytes(operation, o.algorithm)
		o.handle.bytes += bytes
		o.handle.count().added(bytes)
		return nil
	})
}

// Step changes the parameters by their gradients. A parameter without a gradient stays as it is.
func (o *Optimizer) Step() {
	const operation = "Step"
	self := o.acquire(operation)
	defer o.handle.leave()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for i, group := range o.groups {
		if group.changed {
			options := group.settings.c()
			check(operation, C.ctorch_optimizer_set_options(self, C.int64_t(i), &options))
			group.changed = false
		}
	}
	check(operation, C.ctorch_optimizer_step(self))
}

// ZeroGrad removes the parameters' gradients, so that the next backward pass begins new ones.
func (o *Optimizer) ZeroGrad() { o.zeroGrad("ZeroGrad", true) }

// ZeroGradInPlace fills the parameters' gradients with zeros, and leaves them where they are in
// memory.
func (o *Optimizer) ZeroGradInPlace() { o.zeroGrad("ZeroGradInPlace", false) }

func (o *Optimizer) zeroGrad(operation string, remove bool) {
	self := o.acquire(operation)
	defer o.handle.leave()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	check(operation, C.ctorch_optimizer_zero_grad(self, cBool(remove)))
}

// Close frees the optimiser's state. Closing it again does nothing.
func (o *Optimizer) Close() {
	if o == nil {
		return
	}
	o.handle.close()
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, group := range o.groups {
		group.close()
	}
}

// outsideScopes runs f so that the tensors it makes belong to no [Scope], since an optimiser
// outlives those that it is used in. f is told the scope that it was called in.
func outsideScopes(f func(scope C.uint64_t)) {
	inScope(0, f)
}

func inScope(scope C.uint64_t, f func(before C.uint64_t)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.ctorch_set_scope(scope)
	defer C.ctorch_set_scope(before)
	f(before)
}
