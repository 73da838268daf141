package cuda

// #include "ctorch/ctorch.h"
import "C"
import "github.com/clipvqgan/clipvqgan/torch"

// EmptyCache gives the memory that libtorch holds unused back to the GPUs. libtorch before 2.9
// cannot: the error is of kind [torch.ErrNotImplemented].
func EmptyCache() error {
	const operation = "cuda.EmptyCache"
	if err := checkCUDA(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_empty_cache())
}

// MemoryStats is what [MemoryStatsOf] tells, in bytes but for the counts.
type MemoryStats struct {
	// Allocated is in tensors, and AllocatedPeak was at most since [ResetPeakMemory].
	Allocated, AllocatedPeak int64
	// Reserved is what libtorch holds of the GPU: tensors, and freed memory kept for the next ones.
	Reserved, ReservedPeak int64
	// Retries is how often libtorch had to give its unused memory back to go on, and OutOfMemories
	// how often even that did not help.
	Retries, OutOfMemories int64
	// Free is what no program on this GPU holds, and Total what it has.
	Free, Total int64
}

// MemoryStatsOf tells how the memory of a GPU is used. libtorch before 2.9 cannot: the error is of
// kind [torch.ErrNotImplemented].
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

// ResetPeakMemory has the peaks of [MemoryStatsOf] begin again at what is in use now.
func ResetPeakMemory(device torch.Device) error {
	const operation = "cuda.ResetPeakMemory"
	if err := checkGPU(operation, device); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_reset_peak_memory(C.int32_t(device.Index())))
}
