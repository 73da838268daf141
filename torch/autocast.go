package torch

// #include "ctorch/ctorch.h"
import "C"

import "runtime"

// AutocastOptions are the options of [Autocast]. The zero value is PyTorch's default on the CPU.
type AutocastOptions struct {
	// Device is the type of device on which operators are cast; the index of a GPU is ignored.
	Device Device
	// DType is [BFloat16] or [Float16]. The zero value means PyTorch's default: BFloat16 on the CPU
	// and Float16 on GPUs.
	DType DType
	// NoCache casts a weight each time it is used. By default the cast weight is kept until the
	// outermost Autocast returns. Captured CUDA graphs need NoCache.
	NoCache bool
}

// Autocast runs f with mixed precision: matrix products and convolutions compute in a 16-bit dtype,
// operators that need the range of float32 compute in float32, and operands of different dtypes are
// promoted. It is Python's torch.autocast. The setting holds for f's goroutine alone, which stays
// on its OS thread while f runs. A backward pass runs in the dtypes of the forward pass, so call it
// outside.
//
// Autocast panics with an [*Error] if the device does not exist, or for any other dtype.
//
//	torch.Autocast(torch.AutocastOptions{Device: device}, func() { loss = model(x) })
//	scaler.Scale(loss).Backward()
func Autocast(options AutocastOptions, f func()) {
	const operation = "Autocast"
	mustBeGiven(operation, f == nil)
	if err := options.Device.check(operation); err != nil {
		panic(err)
	}
	dtype := options.DType
	if dtype == 0 || dtype == NoDType {
		dtype = BFloat16
		if options.Device.cuda {
			dtype = Float16
		}
	}
	if dtype != BFloat16 && dtype != Float16 {
		panic(invalid(operation, "the dtype is %s, wanted bfloat16 or float16", dtype))
	}
	withAutocast(C.ctorch_autocast{
		device_type: options.Device.c()._type, enabled: 1, dtype: C.int32_t(dtype), cache: cBool(!options.NoCache),
	}, f)
}

// NoAutocast runs f without mixed precision on the device's type, inside [Autocast], for a part of
// a model that needs float32. Convert f's inputs, which may be of the 16-bit dtype.
func NoAutocast(device Device, f func()) {
	const operation = "NoAutocast"
	mustBeGiven(operation, f == nil)
	if err := device.check(operation); err != nil {
		panic(err)
	}
	state := C.ctorch_autocast_state(device.c()._type)
	state.enabled = 0
	withAutocast(state, f)
}

func withAutocast(wanted C.ctorch_autocast, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := C.ctorch_autocast_enter(wanted)
	defer C.ctorch_autocast_leave(before)
	f()
}

// AutocastEnabled reports whether this goroutine runs inside [Autocast] for the device's type, and in
// which dtype.
func AutocastEnabled(device Device) (dtype DType, enabled bool) {
	state := C.ctorch_autocast_state(device.c()._type)
	return DType(state.dtype), state.enabled != 0
}
