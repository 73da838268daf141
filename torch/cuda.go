package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"sync"
)

var cudaDeviceCount = sync.OnceValue(func() int {
	if library() != nil {
		return 0
	}
	return int(C.ctorch_cuda_device_count())
})

// CUDADeviceCount is how many GPUs libtorch can use; CUDA_VISIBLE_DEVICES in the environment
// chooses among them. 0 where there is no NVIDIA driver, and where libtorch's CUDA side cannot be
// opened; [CUDAProperties] tells why.
func CUDADeviceCount() int { return cudaDeviceCount() }

// CUDAAvailable reports whether there is a GPU that libtorch can use.
func CUDAAvailable() bool { return CUDADeviceCount() > 0 }

// check is why the device cannot be used, or nil. Whatever makes the first tensor, module or
// generator asks it, and so has libtorch prepared.
func (d Device) check(operation string) error {
	if err := library(); err != nil || !d.cuda {
		return err
	}
	count := CUDADeviceCount()
	if d.index < 0 || d.index >= count {
		return &Error{operation, ErrDevice, noCUDA(d.String(), count)}
	}
	noticeGPU()
	return nil
}

func noCUDA(name string, count int) string {
	switch {
	case cudaError != nil:
		return fmt.Sprintf("%s cannot be used: %v", name, cudaError)
	case count == 0:
		return fmt.Sprintf("%s is not there: this machine has no NVIDIA GPU that libtorch can use; use the CPU", name)
	default:
		return fmt.Sprintf("%s is not there: this machine has %d GPU(s), from cuda:0", name, count)
	}
}

// checkCUDA is why no GPU can be used, or nil.
func checkCUDA(operation string) error { return CUDA(0).check(operation) }

// mustBePossible panics where the machine has not what is asked for.
func (o options) mustBePossible(operation string) {
	if err := o.device.check(operation); err != nil {
		panic(err)
	}
	if o.pinned {
		if err := checkCUDA(operation); err != nil {
			panic(err)
		}
	}
}

// DeviceProperties are what [CUDAProperties] tells about a GPU. Sizes are in bytes.
type DeviceProperties struct {
	Name string
	UUID [16]byte
	// Major and Minor are the compute capability: 9 and 0 for an H100.
	Major, Minor             int
	TotalMemory              int64
	MultiProcessorCount      int
	WarpSize                 int
	ThreadsPerMultiProcessor int
	SharedMemoryPerBlock     int
	L2CacheSize              int
}

// CUDAProperties tells about a GPU, as torch.cuda.get_device_properties
// does. The error, of kind [ErrDevice], says why there is none.
func CUDAProperties(device Device) (DeviceProperties, error) {
	const operation = "CUDAProperties"
	if err := device.checkGPU(operation); err != nil {
		return DeviceProperties{}, err
	}
	p := C.ctorch_cuda_describe(C.int32_t(device.index))
	if p.error != nil {
		return DeviceProperties{}, takeError(operation, p.error)
	}
	properties := DeviceProperties{
		Name:  C.GoString(&p.name[0]),
		Major: int(p.major), Minor: int(p.minor),
		TotalMemory:              int64(p.total_memory),
		MultiProcessorCount:      int(p.multiprocessors),
		WarpSize:                 int(p.warp_size),
		ThreadsPerMultiProcessor: int(p.threads_per_multiprocessor),
		SharedMemoryPerBlock:     int(p.shared_memory_per_block),
		L2CacheSize:              int(p.l2_cache_size),
	}
	for i, b := range p.uuid {
		properties.UUID[i] = byte(b)
	}
	return properties, nil
}

// CUDAVersions are the versions of what CUDA consists of, as 13.0 and 9.19.0.
type CUDAVersions struct {
	// Driver is the newest CUDA that the driver knows, Runtime the one that libtorch was built with.
	Driver, Runtime string
	// CuDNN is empty where libtorch was built without.
	CuDNN string
}

// CUDAVersion tells the versions in use.
func CUDAVersion() (CUDAVersions, error) {
	const operation = "CUDAVersion"
	if err := checkCUDA(operation); err != nil {
		return CUDAVersions{}, err
	}
	v := C.ctorch_cuda_version()
	if v.error != nil {
		return CUDAVersions{}, takeError(operation, v.error)
	}
	versions := CUDAVersions{Driver: cudaVersionText(int(v.driver)), Runtime: cudaVersionText(int(v.runtime))}
	if n := int(v.cudnn); n > 0 {
		// 90000 and more since version 9, 8900 before.
		unit := 10000
		if n < unit {
			unit = 1000
		}
		versions.CuDNN = fmt.Sprintf("%d.%d.%d", n/unit, n%unit/100, n%100)
	}
	return versions, nil
}

func cudaVersionText(n int) string { return fmt.Sprintf("%d.%d", n/1000, n%1000/10) }

// Synchronize waits until the device has done all that was asked of it. The CPU always has.
func (d Device) Synchronize() error {
	const operation = "Synchronize"
	if !d.cuda {
		return nil
	}
	if err := d.check(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_synchronize(C.int32_t(d.index)))
}

// EmptyCUDACache gives the memory that libtorch holds unused back to the GPUs. libtorch before 2.9
// cannot: the error is of kind [ErrNotImplemented].
func EmptyCUDACache() error {
	const operation = "EmptyCUDACache"
	if err := checkCUDA(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_empty_cache())
}

// MemoryStats is what [CUDAMemoryStats] tells, in bytes but for the counts.
type MemoryStats struct {
	// Allocated is in tensors, and AllocatedPeak was at most since [ResetCUDAPeakMemory].
	Allocated, AllocatedPeak int64
	// Reserved is what libtorch holds of the GPU: tensors, and freed memory kept for the next ones.
	Reserved, ReservedPeak int64
	// Retries is how often libtorch had to give its unused memory back to go on, and OutOfMemories
	// how often even that did not help.
	Retries, OutOfMemories int64
	// Free is what no program on this GPU holds, and Total what it has.
	Free, Total int64
}

// CUDAMemoryStats tells how the memory of a GPU is used. libtorch before 2.9 cannot: the error is of
// kind [ErrNotImplemented].
func CUDAMemoryStats(device Device) (MemoryStats, error) {
	const operation = "CUDAMemoryStats"
	if err := device.checkGPU(operation); err != nil {
		return MemoryStats{}, err
	}
	m := C.ctorch_cuda_memory_stats(C.int32_t(device.index))
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

// ResetCUDAPeakMemory has the peaks of [CUDAMemoryStats] begin again at what is in use now.
func ResetCUDAPeakMemory(device Device) error {
	const operation = "ResetCUDAPeakMemory"
	if err := device.checkGPU(operation); err != nil {
		return err
	}
	return takeError(operation, C.ctorch_cuda_reset_peak_memory(C.int32_t(device.index)))
}
