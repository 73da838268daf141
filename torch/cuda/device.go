package cuda

// #include "ctorch/ctorch.h"
import "C"
import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/internal/bridge"
)

// DeviceCount returns the number of GPUs that libtorch can use. CUDA_VISIBLE_DEVICES in the
// environment selects them. It is 0 if there is no NVIDIA driver or if libtorch's CUDA library
// cannot be opened; [PropertiesOf] returns the reason.
func DeviceCount() int { return bridge.DeviceCount() }

// IsAvailable reports whether libtorch can use a GPU.
func IsAvailable() bool { return DeviceCount() > 0 }

// Properties describe a GPU. Sizes are in bytes.
type Properties struct {
	Name string
	UUID [16]byte
	// Major and Minor are the compute capability, 9 and 0 for an H100.
	Major, Minor             int
	TotalMemory              int64
	MultiProcessorCount      int
	WarpSize                 int
	ThreadsPerMultiProcessor int
	SharedMemoryPerBlock     int
	L2CacheSize              int
}

// PropertiesOf returns the properties of a GPU, as torch.cuda.get_device_properties does. The error
// is of kind [torch.ErrDevice] and says why the GPU cannot be used.
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

// Versions are the versions of the parts of CUDA, such as "13.0" and "9.19.0".
type Versions struct {
	// Driver is the newest CUDA version that the driver supports, Runtime the version that libtorch
	// was built with.
	Driver, Runtime string
	// CuDNN is empty if libtorch was built without cuDNN.
	CuDNN string
}

// Version returns the versions in use.
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
