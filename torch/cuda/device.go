package cuda

// #include "ctorch/ctorch.h"
import "C"
import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// DeviceCount is how many GPUs libtorch can use; CUDA_VISIBLE_DEVICES in the environment
// chooses among them. 0 where there is no NVIDIA driver, and where libtorch's CUDA side cannot be
// opened; [PropertiesOf] tells why.
func DeviceCount() int { return bridge.DeviceCount() }

// IsAvailable reports whether there is a GPU that libtorch can use.
func IsAvailable() bool { return DeviceCount() > 0 }

// Properties are what [PropertiesOf] tells about a GPU. Sizes are in bytes.
type Properties struct {
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

// PropertiesOf tells about a GPU, as torch.cuda.get_device_properties
// does. The error, of kind [torch.ErrDevice], says why there is none.
func PropertiesOf(device torch.Device) (Properties, error) {
	const operation = "cuda.PropertiesOf"
	if err := checkGPU(operation, device); err != nil {
		return Properties{}, err
	}
	p := C.ctorch_cuda_describe(C.int32_t(device.Index()))
	if p.error != nil {
		return Properties{}, takeError(operation, p.error)
	}
	properties := Properties{
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

// Versions are the versions of what CUDA consists of, as 13.0 and 9.19.0.
type Versions struct {
	// Driver is the newest CUDA that the driver knows, Runtime the one that libtorch was built with.
	Driver, Runtime string
	// CuDNN is empty where libtorch was built without.
	CuDNN string
}

// Version tells the versions in use.
func Version() (Versions, error) {
	const operation = "cuda.Version"
	if err := checkCUDA(operation); err != nil {
		return Versions{}, err
	}
	v := C.ctorch_cuda_version()
	if v.error != nil {
		return Versions{}, takeError(operation, v.error)
	}
	versions := Versions{Driver: cudaVersionText(int(v.driver)), Runtime: cudaVersionText(int(v.runtime))}
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
