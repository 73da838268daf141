// Package bridge is what package torch lends to the packages below it and to nobody else: its handles'
// insides. Package torch sets the functions when the program starts. A tensor is a *torch.Tensor, which
// this package cannot name, for torch imports it.
package bridge

import (
	"context"
	"unsafe"
)

// A Storage is the memory that a tensor lies in. Several tensors may share one.
type Storage struct {
	// Identity tells storages apart.
	Identity uint64
	Bytes    int64
	// Offset is where the tensor begins, in elements.
	Offset int64
	// Marked says that the tensor is the conjugate or the negative of what is in the storage.
	Marked bool
}

// A Layout is a tensor's device and dtype by libtorch's numbers, and whether its elements lie in row-major
// order without gaps.
type Layout struct {
	Device     struct{ Type, Index int32 }
	DType      int32
	Contiguous bool
}

var (
	// Identity is the same for two handles of one tensor, and for no other while both are open.
	Identity func(operation string, tensor any) uint64
	// LayoutOf is where and of what a tensor is.
	LayoutOf func(operation string, tensor any) Layout
	// CloseAll closes a []*torch.Tensor, nil ones among them, with one call into C for many.
	CloseAll func(tensors any)
	// OutsideScopes runs f so that the tensors that it makes belong to no scope; f may run something
	// in the scope that was open before.
	OutsideScopes func(f func(inside func(func())))
	// Scratch runs f in a scope that is too short to give the thread's OpenMP team back after.
	Scratch func(f func())
	// StorageOf is the storage of a tensor.
	StorageOf func(operation string, tensor any) Storage
	// WithElements lends f the bytes of a tensor that is in the CPU's memory and has no gaps.
	WithElements func(operation string, tensor any, f func(memory []byte) error) error
	// Unmarked is a copy of a tensor, on the CPU and without marks.
	Unmarked func(operation string, tensor any) any
	// Over is a tensor of a dtype, by libtorch's number, over the storage of another, no view of it: what is done to it leaves the
	// other's gradients alone. counts says that it stands for the storage's bytes.
	Over func(operation string, tensor any, dtype int32, offset int64, shape, strides []int64, counts bool) (any, error)
)

// What torch/jit and torch/cuda need for their own calls into C. Pointers are C's: to a ctorch_tensor, a
// ctorch_error and a ctorch_tensor_result.
var (
	// TakeError turns a C error into a Go error, and frees it; nil for NULL. Warnings that wait are
	// handed over.
	TakeError func(operation string, cError unsafe.Pointer) error
	// Enter lends a tensor to a call, which Leave ends. It panics where the tensor is closed.
	Enter func(operation string, tensor any) unsafe.Pointer
	Leave func(tensor any)
	// Adopt owns the tensor in a result that is no error.
	Adopt func(result unsafe.Pointer) any
	// CheckDevice is why a torch.Device cannot be used, or nil. Before the first call of a program it has
	// libtorch prepared.
	CheckDevice func(operation string, device any) error
	// PlaceOf is what a []torch.Option says of where a tensor is to be.
	PlaceOf func(options any) Place
	// TakeTurn runs f when its turn on the processors comes, or hands back ctx's error where ctx ends
	// before. SettleTeam follows a computation outside a scope.
	TakeTurn   func(ctx context.Context, f func() error) error
	SettleTeam func()
	// DeviceCount is how many GPUs libtorch can use.
	DeviceCount func() int
	// OutliveScopes takes a tensor out of all scopes that are open on this thread.
	OutliveScopes func(tensor any)
)

// A Place is a device and a dtype to bring something to.
type Place struct {
	// Device is a torch.Device; nil: none was named.
	Device any
	// DType is a torch.DType's number; -1: none was named.
	DType int32
}
