package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"sync"
)

// cudaError is why libtorch's CUDA library could not be opened although there is an NVIDIA driver.
var cudaError error

// library prepares libtorch when it is first used, and not before: a program that only prints its
// help opens nothing. The error says why libtorch cannot be used.
var library = sync.OnceValue(func() error {
	if err := checkLibrary(
		int32(C.ctorch_abi_version()), C.CTORCH_ABI_VERSION,
		uint32(C.ctorch_headers_sum()), C.CTORCH_HEADERS_SUM); err != nil {
		return err
	}
	// CUDA comes first: libtorch remembers whether it has CUDA when it is first asked, and its
	// first backward pass starts a thread for each GPU.
	cudaError = takeError("opening CUDA", C.ctorch_open_cuda())
	C.ctorch_set_profiling(0)
	return nil
})

// checkLibrary compares the interface of the loaded library with the one that this package was
// compiled for.
func checkLibrary(version, wantedVersion int32, sum, wantedSum uint32) error {
	const operation = "opening libctorch"
	switch {
	case version != wantedVersion:
		return &Error{operation, ErrOther, fmt.Sprintf("libctorch has ABI %d (libtorch %s), this program was "+
			"compiled for ABI %d: build both from the same checkout with make", version, Version(), wantedVersion)}
	case sum != wantedSum:
		return &Error{operation, ErrOther, "libctorch was built from other headers than this program: " +
			"run make in the checkout again (or make install, where it is installed; or setup of the module's version)"}
	default:
		return nil
	}
}

// mustHaveLibrary panics if libtorch cannot be used.
func mustHaveLibrary() {
	if err := library(); err != nil {
		panic(err)
	}
}
