package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"strconv"
	"strings"
)

// A Device is where a tensor lives. As an option of a function that makes a tensor it says where
// the tensor is made. The zero value is the CPU.
type Device struct {
	cuda  bool
	index int
}

// CPU is the processor.
var CPU = Device{}

// CUDA is the GPU of the given number, from 0.
func CUDA(index int) Device { return Device{cuda: true, index: index} }

// IsCUDA reports whether the device is a GPU.
func (d Device) IsCUDA() bool { return d.cuda }

// Index is a GPU's number; 0 for the CPU.
func (d Device) Index() int { return d.index }

// String is "cpu" or, as "cuda:0", a GPU.
func (d Device) String() string {
	if d.cuda {
		return "cuda:" + strconv.Itoa(d.index)
	}
	return "cpu"
}

func (d Device) apply(o *options) { o.device = d }

func (d Device) c() C.ctorch_device {
	if d.cuda {
		return C.ctorch_device{_type: C.CTORCH_CUDA, index: C.int32_t(d.index)}
	}
	return C.ctorch_device{_type: C.CTORCH_CPU, index: -1}
}

func deviceFrom(d C.ctorch_device) Device {
	if d._type == C.CTORCH_CUDA {
		return CUDA(int(d.index))
	}
	return CPU
}

// ParseDevice turns "cpu", "cuda", "cuda:1" or "auto" (a GPU where there is one) into a device,
// and checks that it is there.
func ParseDevice(name string) (Device, error) {
	const operation = "ParseDevice"
	switch name {
	case "cpu":
		return CPU, nil
	case "auto", "":
		if cudaDeviceCount() > 0 {
			return CUDA(0), nil
		}
		return CPU, nil
	}
	kind, number, numbered := strings.Cut(name, ":")
	index := 0
	if numbered {
		var err error
		if index, err = strconv.Atoi(number); err != nil || index < 0 {
			kind = ""
		}
	}
	if kind != "cuda" {
		return CPU, invalid(operation, "%q is no device; use auto, cpu, cuda or cuda:N", name)
	}
	device := CUDA(index)
	if err := device.check(operation); err != nil {
		return CPU, err
	}
	return device, nil
}

// MKLFastPath reports whether MKL was told that it runs on an Intel processor, which gives it its
// fast kernels on AMD processors. CTORCH_MKL_INTEL=0 in the environment turns it off.
func MKLFastPath() bool { return C.ctorch_mkl_fast_path() != 0 }
