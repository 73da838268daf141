package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"strconv"
	"strings"
)

// A Device is where a tensor is stored. It is also an [Option] of functions that make tensors. The
// zero value is the CPU.
type Device struct {
	cuda  bool
	index int
}

// CPU is the main processor.
var CPU = Device{}

// CUDA returns the GPU with the given index, from 0.
func CUDA(index int) Device { return Device{cuda: true, index: index} }

// IsCUDA reports whether the device is a GPU.
func (d Device) IsCUDA() bool { return d.cuda }

// Index returns the index of a GPU, and 0 for the CPU.
func (d Device) Index() int { return d.index }

// String returns "cpu", or for a GPU "cuda:0" and so on.
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

// ParseDevice parses "cpu", "cuda", "cuda:1" and so on, or "auto", which is the first GPU if there
// is one and else the CPU. It returns an error if the machine does not have the device.
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

// MKLFastPath reports whether MKL was told that it runs on an Intel processor, which enables its
// fast kernels on AMD processors. CTORCH_MKL_INTEL=0 in the environment turns this off.
func MKLFastPath() bool { return C.ctorch_mkl_fast_path() != 0 }
