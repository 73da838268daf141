package optim

import (
	"math"
	"sync"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// GradScalerOptions are the options of [NewGradScaler]. Start from [DefaultGradScaler]:
// the zero value is an error.
type GradScalerOptions struct {
	// InitScale is the initial scale.
	InitScale float64
	// GrowthFactor multiplies the scale after GrowthInterval consecutive steps without an overflow.
	GrowthFactor   float64
	GrowthInterval int
	// BackoffFactor multiplies the scale after a step with an overflow.
	BackoffFactor float64
}

// DefaultGradScaler returns PyTorch's defaults: a scale of 65536, doubled after 2000 steps and halved
// after an overflow.
func DefaultGradScaler() GradScalerOptions {
	return GradScalerOptions{InitScale: 65536, GrowthFactor: 2, GrowthInterval: 2000, BackoffFactor: 0.5}
}

// A GradScaler multiplies the loss by a scale, so that small gradients do not become 0 in float16,
// and divides the gradients by it before the optimizer's step. Steps with overflowed gradients are
// skipped, and the scale is adapted. It is torch.amp.GradScaler, for [torch.Autocast] in float16;
// bfloat16 does not need it. Its methods may be called from several goroutines.
//
//	optimizer.ZeroGrad()
//	torch.Autocast(torch.AutocastOptions{Device: device}, func() { loss = model(x) })
//	scaler.Scale(loss).Backward()
//	stepped, err := scaler.Step(optimizer)
//	scaler.Update()
type GradScaler struct {
	mutex   sync.Mutex
	options GradScalerOptions
	// scale (float32) and tracker (int32) are on the device of the first loss, and nil before it.
	scale, tracker *torch.Tensor
	// first is the growth tracker from a state dict that was loaded before the first loss.
	first  int64
	stages map[*Optimizer]*scaling
	closed bool
}

// A scaling is the state of an optimizer's gradients since the last Update.
type scaling struct {
	// found is 1 if a gradient overflowed, for each device.
	found   map[torch.Device]*torch.Tensor
	stepped bool
}

// NewGradScaler returns a scaler. The error is of kind [torch.ErrInvalid] if the scale or a factor
// is not positive, the growth factor is not above 1, or the backoff factor is not below 1.
func NewGradScaler(options GradScalerOptions) (*GradScaler, error) {
	const operation = "NewGradScaler"
	switch {
	case options == GradScalerOptions{}:
		return nil, zeroOptions(operation, "DefaultGradScaler")
	case !(options.InitScale > 0) || math.IsInf(options.InitScale, 1):
		return nil, invalid(operation, "the first scale is %v: it must be above 0 and finite", options.InitScale)
	case !(options.GrowthFactor > 1):
		return nil, invalid(operation, "the growth factor is %v: it must be above 1", options.GrowthFactor)
	case !(options.BackoffFactor > 0 && options.BackoffFactor < 1):
		return nil, invalid(operation, "the backoff factor is %v: it must be between 0 and 1", options.BackoffFactor)
	case options.GrowthInterval < 1:
		return nil, invalid(operation, "the growth interval is %d: it must be 1 or more", options.GrowthInterval)
	}
	return &GradScaler{options: options, stages: map[*Optimizer]*scaling{}}, nil
}

// Scale returns the loss times the scale. Gradients flow through it.
func (s *GradScaler) Scale(loss *torch.Tensor) *torch.Tensor {
	must(s.enter("Scale"))
	defer s.mutex.Unlock()
	s.begin(loss.Device())
	scale := s.scale
	if loss.Device() != scale.Device() {
		scale = scale.To(loss.Device())
	}
	return loss.Mul(scale)
}

// begin makes the scale on the device of the first loss.
func (s *GradScaler) begin(device torch.Device) {
	if s.scale != nil {
		return
	}
	bridge.OutsideScopes(func(func(func())) {
		s.scale = torch.Full(torch.Shape{}, s.options.InitScale, torch.Float32, device)
		s.tracker = torch.Full(torch.Shape{}, s.first, torch.Int32, device)
	})
}

// Unscale divides the optimizer's gradients by the scale. [GradScaler.Step] does so itself; call
// Unscale before it to inspect or clip the gradients. It does not wait for the device. The error is
// of kind [torch.ErrInvalid] if the gradients were already unscaled since the last Update, if no
// loss was scaled before, or if a gradient is float16: keep the parameters in float32.
func (s *GradScaler) Unscale(optimizer *Optimizer) error {
	const operation = "Unscale"
	if err := s.enter(operation); err != nil {
		return err
	}
	defer s.mutex.Unlock()
	return s.unscale(operation, optimizer)
}

func (s *GradScaler) unscale(operation string, optimizer *Optimizer) error {
	switch stage := s.stages[optimizer]; {
	case optimizer == nil:
		return invalid(operation, "the optimizer is nil")
	case s.scale == nil:
		return invalid(operation, "no loss was scaled yet: call Scale before the backward pass")
	case stage != nil && stage.stepped:
		return invalid(operation, "the optimizer made its step since the last Update")
	case stage != nil:
		return invalid(operation, "the optimizer's gradients were unscaled since the last Update")
	}
	stage := &scaling{found: map[torch.Device]*torch.Tensor{}}
	err := torch.Try(func() (err error) {
		torch.NoGrad(func() { bridge.Scratch(func() { err = s.unscaleInto(operation, optimizer, stage) }) })
		return err
	})
	if err != nil {
		return err
	}
	s.stages[optimizer] = stage
	return nil
}

func (s *GradScaler) unscaleInto(operation string, optimizer *Optimizer, stage *scaling) error {
	type kind struct {
		device torch.Device
		dtype  torch.DType
	}
	var order []kind
	byKind := map[kind][]*torch.Tensor{}
	for _, group := range optimizer.Groups() {
		for _, gradient := range torch.Grads(group.Parameters) {
			if gradient == nil {
				continue
			}
			if gradient.DType() == torch.Float16 {
				return invalid(operation, "a gradient is float16, which unscaling would make 0 again: keep the parameters in float32")
			}
			k := kind{gradient.Device(), gradient.DType()}
			if byKind[k] == nil {
				order = append(order, k)
			}
			byKind[k] = append(byKind[k], gradient.Detach())
		}
	}
	// In float64, since float32's division may be inexact on a GPU.
	inverse := s.scale.To(torch.Float64).Reciprocal().To(torch.Float32)
	for _, k := range order {
		if stage.found[k.device] == nil {
			bridge.OutsideScopes(func(func(func())) {
				stage.found[k.device] = torch.Zeros(torch.Shape{}, torch.Float32, k.device)
			})
		}
		torch.AmpForeachNonFiniteCheckAndUnscaleInPlace(byKind[k], stage.found[k.device], inverse.To(k.device))
	}
	return nil
}

// Step unscales the optimizer's gradients, unless [GradScaler.Unscale] did, and performs the
// optimizer's step if none of them overflowed. It reports whether it did, and waits for the device
// to know.
func (s *GradScaler) Step(optimizer *Optimizer) (stepped bool, err error) {
	const operation = "Step"
	if err := s.enter(operation); err != nil {
		return false, err
	}
	defer s.mutex.Unlock()
	if s.stages[optimizer] == nil {
		if err := s.unscale(operation, optimizer); err != nil {
			return false, err
		}
	}
	stage := s.stages[optimizer]
	if stage.stepped {
		return false, invalid(operation, "the optimizer made its step since the last Update")
	}
	if len(stage.found) == 0 {
		return false, invalid(operation, "the optimizer's parameters have no gradients")
	}
	stage.stepped = true
	for _, found := range stage.found {
		if found.Item() != 0 {
			return false, nil
		}
	}
	return true, torch.Try(func() error { optimizer.Step(); return nil })
}

// Update adapts the scale to the overflows in the steps since the last Update. The error is of kind
// [torch.ErrInvalid] if there was no step.
func (s *GradScaler) Update() error {
	const operation = "Update"
	if err := s.enter(operation); err != nil {
		return err
	}
	defer s.mutex.Unlock()
	if len(s.stages) == 0 {
		return invalid(operation, "no optimizer's gradients were unscaled since the last Update")
	}
	defer s.forget()
	return torch.Try(func() error {
		torch.NoGrad(func() {
			bridge.Scratch(func() {
				found := torch.Zeros(torch.Shape{}, torch.Float32, s.scale.Device())
				for _, stage := range s.stages {
					for _, each := range stage.found {
						found.AddInPlace(each.To(found.Device()))
					}
				}
				s.scale.AmpUpdateScaleInPlace(s.tracker, found, s.options.GrowthFactor,
					s.options.BackoffFactor, int64(s.options.GrowthInterval))
			})
		})
		return nil
	})
}

func (s *GradScaler) forget() {
	for _, stage := range s.stages {
		for _, found := range stage.found {
			found.Close()
		}
	}
	s.stages = map[*Optimizer]*scaling{}
}

// CurrentScale returns the scale. It waits for the device.
func (s *GradScaler) CurrentScale() float64 {
	must(s.enter("CurrentScale"))
	defer s.mutex.Unlock()
	if s.scale == nil {
		return s.options.InitScale
	}
	return s.scale.Item()
}

// SetScale sets the scale for the next loss.
func (s *GradScaler) SetScale(scale float64) error {
	const operation = "SetScale"
	if !(scale > 0) || math.IsInf(scale, 1) {
		return invalid(operation, "the scale is %v: it must be above 0 and finite", scale)
	}
	if err := s.enter(operation); err != nil {
		return err
	}
	defer s.mutex.Unlock()
	s.options.InitScale = scale
	if s.scale == nil {
		return nil
	}
	return torch.Try(func() error { s.scale.FillInPlace(scale); return nil })
}

// StateDict returns the scaler's state in the layout of Python's scaler.state_dict().
func (s *GradScaler) StateDict() *torch.Dict {
	must(s.enter("StateDict"))
	defer s.mutex.Unlock()
	scale, tracker := s.options.InitScale, s.first
	if s.scale != nil {
		scale, tracker = s.scale.Item(), s.tracker.ItemInt64()
	}
	return torch.NewDict("scale", scale, "growth_factor", s.options.GrowthFactor, "backoff_factor", s.options.BackoffFactor,
		"growth_interval", int64(s.options.GrowthInterval), "_growth_tracker", tracker)
}

// LoadStateDict restores a state from [GradScaler.StateDict] or Python's scaler.state_dict(). The
// error is of kind [torch.ErrInvalid] if the state does not fit; the scaler is then unchanged.
func (s *GradScaler) LoadStateDict(state *torch.Dict) error {
	const operation = "LoadStateDict"
	if err := s.enter(operation); err != nil {
		return err
	}
	defer s.mutex.Unlock()
	options := s.options
	var interval, tracker int64
	for _, field := range []struct {
		name string
		to   any
	}{
		{"scale", &options.InitScale}, {"growth_factor", &options.GrowthFactor}, {"backoff_factor", &options.BackoffFactor},
		{"growth_interval", &interval}, {"_growth_tracker", &tracker},
	} {
		if err := readValue(state.Get(field.name), field.to); err != nil {
			return invalid(operation, "the state of a gradient scaler: %s %v", field.name, err)
		}
	}
	options.GrowthInterval = int(interval)
	if _, err := NewGradScaler(options); err != nil {
		return invalid(operation, "%s", err.(*torch.Error).Message)
	}
	s.options, s.first = options, tracker
	if s.scale == nil {
		return nil
	}
	return torch.Try(func() error {
		s.scale.FillInPlace(options.InitScale)
		s.tracker.FillInPlace(tracker)
		return nil
	})
}

// Close frees the scaler's tensors. Closing it again does nothing.
func (s *GradScaler) Close() {
	if s == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.forget()
	s.scale.Close()
	s.tracker.Close()
	s.scale, s.tracker, s.closed = nil, nil, true
}

// enter locks the scaler; mutex.Unlock releases it. It returns an error for a scaler that is nil or
// closed, or that [NewGradScaler] did not make.
func (s *GradScaler) enter(operation string) error {
	if s == nil {
		return invalid(operation, "the gradient scaler is nil")
	}
	s.mutex.Lock()
	switch {
	case s.closed:
		s.mutex.Unlock()
		return &torch.Error{Operation: "optim." + operation, Kind: torch.ErrClosed, Message: "the gradient scaler is closed"}
	case s.stages == nil:
		s.mutex.Unlock()
		return invalid(operation, "the gradient scaler was not made by NewGradScaler")
	}
	return nil
}
