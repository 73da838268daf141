package torch

import (
	"fmt"
	"regexp"
	"strings"
)

// noKernel is what libtorch says of a dtype that an operator does not have.
var noKernel = regexp.MustCompile(`^"[^"]+" not implemented for '(\w+)'$`)

// libtorchNames are libtorch's names of dtypes that differ from PyTorch's in more than capitals.
var libtorchNames = map[string]DType{
	"Byte": Uint8, "Char": Int8, "Short": Int16, "Int": Int32, "Long": Int64, "Half": Float16, "Float": Float32,
	"Double": Float64, "ComplexHalf": Complex32, "BComplex32": BComplex32, "ComplexFloat": Complex64, "ComplexDouble": Complex128,
}

// inOurWords puts what libtorch says of a dtype without arithmetic in front in PyTorch's names, with a
// way out.
func inOurWords(message string) string {
	found := noKernel.FindStringSubmatch(message)
	if found == nil {
		return message
	}
	dtype, known := libtorchNames[found[1]]
	if !known {
		var err error
		if dtype, err = ParseDType(strings.ToLower(found[1])); err != nil {
			return message
		}
	}
	return fmt.Sprintf("libtorch does not have it for %s: %s (%s)", dtype, dtype.wayOut(), message)
}

// wayOut says what to do with a tensor of a type that an operator does not have, so that no elements
// change.
func (d DType) wayOut() string {
	switch {
	case d.isOnlyHeld():
		return "ViewDType(torch.Uint8) shows the bytes"
	case d == Complex32 || d == BComplex32:
		return "convert the tensor first, as with To(torch.Complex64)"
	case d.IsComplex():
		return "take its Real, Imag or Abs first"
	case d == Uint16:
		return "convert the tensor first, as with To(torch.Int32)"
	case d == Uint32:
		return "convert the tensor first, as with To(torch.Int64)"
	case d == Uint64:
		return "convert the tensor first, as with To(torch.Int64), which holds numbers below 2^63"
	}
	return "convert the tensor first, as with To(torch.Float32)"
}
