package cuda

// #include "ctorch/ctorch.h"
import "C"
import "github.com/clipvqgan/clipvqgan/torch"

// EmptyCache returns libtorch's cached memory to the GPUs. With libtorch before 2.9 the error is of
// kind [torch.ErrNotImplemented].
func EmptyCache() error {
	const operation = "cuda.EmptyCache"
	if err := checkCUDA(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_empty_cache())
}

// MemoryStats describe the use of a GPU's memory, in bytes except for the counts.
type MemoryStats struct {
	// Allocated is the memory of tensors, AllocatedPeak its maximum since [ResetPeakMemory].
	Allocated, AllocatedPeak int64
	// Reserved is the memory that libtorch holds: tensors, and cached memory for new ones.
	Reserved, ReservedPeak int64
	// Retries is how often libtorch had to release its cache to continue, and OutOfMemories how
	// often even that was not enough.
	Retries, OutOfMemories int64
	// Free is the memory of the GPU that no program uses, Total all of its memory.
	Free, Total int64
}

// MemoryStatsOf returns how a GPU's memory is used. With libtorch before 2.9 the error is of kind
// [torch.ErrNotImplemented].
func MemoryStatsOf(device torch.Device) (MemoryStats, error) {
	const operation = "cuda.MemoryStatsOf"
	if err := checkGPU(operation, device); err != nil {
		return MemoryStats{}, err
	}
	m := C.ctorch_cuda_memory_stats(C.int32_t(device.Index()))
	if m.error != nil {
		return MemoryStats{}, takeError(operation, m.error)
	}
	return MemoryStats{
		Allocated: int64(m.allocated), AllocatedPeak: int64(m.allocated_peak),
		Reserved: int64(m.reserved), ReservedPeak: int64(m.reserved_peak),
		Retries: int64(m.retries), OutOfMemories: int64(m.out_of_memories),
		Free: int64(m.free), Total: int64(m.total),
	}, nil
}

// ResetPeakMemory resets the peaks in [MemoryStats] to what is in use now.
func ResetPeakMemory(device torch.Device) error {
	const operation = "cuda.ResetPeakMemory"
	if err := checkGPU(operation, device); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_reset_peak_memory(C.int32_t(device.Index())))
}
