// Package bridge gives the packages below package torch, and no others, access to its internals.
// Package torch sets the functions when the program starts. Tensors are *torch.Tensor, a type that
// this package cannot name since torch imports it.
package bridge

import (
	"context"
	"unsafe"
)

// A Storage is the memory of a tensor. Several tensors may share one.
type Storage struct {
	// Identity identifies the storage.
	Identity uint64
	Bytes    int64
	// Offset is where the tensor begins, in elements.
	Offset int64
	// Marked says that the tensor is the conjugate or the negative of what is in the storage.
	Marked bool
}

// A Layout is a tensor's device and dtype, by libtorch's numbers, and whether it is contiguous.
type Layout struct {
	Device     struct{ Type, Index int32 }
	DType      int32
	Contiguous bool
}

var (
	// Identity is the same for two handles of one tensor, and different for two tensors while both
	// are open.
	Identity func(operation string, tensor any) uint64
	// LayoutOf returns the layout of a tensor.
	LayoutOf func(operation string, tensor any) Layout
	// CloseAll closes a []*torch.Tensor, nil elements included, with one call into C for many.
	CloseAll func(tensors any)
	// OutsideScopes runs f so that tensors made in it belong to no scope; inside runs a function in
	// the scope that was open before.
	OutsideScopes func(f func(inside func(func())))
	// Scratch runs f in a scope for short work, at whose end the thread keeps its OpenMP team.
	Scratch func(f func())
	// StorageOf returns the storage of a tensor.
	StorageOf func(operation string, tensor any) Storage
	// WithElements calls f with the bytes of a contiguous tensor on the CPU.
	WithElements func(operation string, tensor any, f func(memory []byte) error) error
	// Unmarked returns a copy of a tensor on the CPU, without marks.
	Unmarked func(operation string, tensor any) any
	// Over returns a tensor of a dtype, by libtorch's number, over the storage of another. It is
	// not a view: changing it does not affect the other's gradients. counts says that it accounts
	// for the storage's bytes.
	Over func(operation string, tensor any, dtype int32, offset int64, shape, strides []int64, counts bool) (any, error)
)

// For the C calls of torch/jit and torch/cuda. Pointers are C's: to a ctorch_tensor, a ctorch_error
// and a ctorch_tensor_result.
var (
	// TakeError converts a C error to a Go error and frees it; NULL gives nil. It also delivers
	// waiting warnings.
	TakeError func(operation string, cError unsafe.Pointer) error
	// Enter marks a tensor as in use for a call, until Leave. It panics if the tensor is closed.
	Enter func(operation string, tensor any) unsafe.Pointer
	Leave func(tensor any)
	// Adopt wraps the tensor in a result that is not an error.
	Adopt func(result unsafe.Pointer) any
	// CheckDevice returns why a torch.Device cannot be used, or nil. It prepares libtorch on the
	// first call.
	CheckDevice func(operation string, device any) error
	// PlaceOf returns the device and dtype in a []torch.Option.
	PlaceOf func(options any) Place
	// TakeTurn runs f when enough processors are free, or returns ctx's error if ctx ends before.
	// SettleTeam is to be called after a computation outside a scope.
	TakeTurn   func(ctx context.Context, f func() error) error
	SettleTeam func()
	// DeviceCount returns the number of GPUs that libtorch can use.
	DeviceCount func() int
	// OutliveScopes removes a tensor from all scopes that are open on this thread.
	OutliveScopes func(tensor any)
)

// A Place is a device and a dtype to convert to.
type Place struct {
	// Device is a torch.Device, or nil if none was given.
	Device any
	// DType is a torch.DType's number, or -1 if none was given.
	DType int32
}
