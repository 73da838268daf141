package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"unsafe"

	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// Functions that torch/jit and torch/cuda need for their own calls into C.
func init() {
	bridge.TakeError = func(operation string, cError unsafe.Pointer) error {
		return takeError(operation, (*C.ctorch_error)(cError))
	}
	bridge.Enter = func(operation string, tensor any) unsafe.Pointer {
		return unsafe.Pointer(tensor.(*Tensor).acquire(operation))
	}
	bridge.Leave = func(tensor any) { tensor.(*Tensor).release() }
	bridge.Adopt = func(result unsafe.Pointer) any { return adopt(*(*C.ctorch_tensor_result)(result)) }
	bridge.CheckDevice = func(operation string, device any) error { return device.(Device).check(operation) }
	bridge.PlaceOf = func(given any) bridge.Place {
		wanted, device := destination(given.([]Option))
		place := bridge.Place{DType: int32(wanted.dtype)}
		if device != nil {
			place.Device = wanted.device
		}
		return place
	}
	bridge.TakeTurn, bridge.SettleTeam = takeTurn, settleTeam
	bridge.DeviceCount = cudaDeviceCount
	bridge.OutliveScopes = func(tensor any) {
		var outermost *TensorScope
		for scope := openScopes.find(uint64(C.ctorch_current_scope())); scope != nil; scope = scope.parent {
			outermost = scope
		}
		if outermost != nil {
			outermost.Keep(tensor.(*Tensor))
		}
	}
}
