package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"fmt"
	"slices"
	"strings"
)

// A DType is the type of a tensor's elements. It is also an [Option] of functions that make
// tensors.
type DType int32

// The element types that operators compute with, with PyTorch's names.
const (
	Uint8      DType = C.CTORCH_UINT8
	Int8       DType = C.CTORCH_INT8
	Int16      DType = C.CTORCH_INT16
	Int32      DType = C.CTORCH_INT32
	Int64      DType = C.CTORCH_INT64
	Float16    DType = C.CTORCH_FLOAT16
	Float32    DType = C.CTORCH_FLOAT32
	Float64    DType = C.CTORCH_FLOAT64
	Complex32  DType = C.CTORCH_COMPLEX32
	Complex64  DType = C.CTORCH_COMPLEX64
	Complex128 DType = C.CTORCH_COMPLEX128
	Bool       DType = C.CTORCH_BOOL
	BFloat16   DType = C.CTORCH_BFLOAT16

	// NoDType means the dtype of the source, or a function's default.
	NoDType DType = -1
)

// Element types without arithmetic. Tensors of them can be stored, moved, compared, saved, loaded
// and printed, and [Tensor.To] converts from and to them. Operators that compute panic with
// [ErrNotImplemented].
const (
	Uint16         DType = C.CTORCH_UINT16
	Uint32         DType = C.CTORCH_UINT32
	Uint64         DType = C.CTORCH_UINT64
	Float8E5M2     DType = C.CTORCH_FLOAT8_E5M2
	Float8E4M3FN   DType = C.CTORCH_FLOAT8_E4M3FN
	Float8E5M2FNUZ DType = C.CTORCH_FLOAT8_E5M2FNUZ
	Float8E4M3FNUZ DType = C.CTORCH_FLOAT8_E4M3FNUZ
	Float8E8M0FNU  DType = C.CTORCH_FLOAT8_E8M0FNU // powers of two, the scales of microscaling formats
	BComplex32     DType = C.CTORCH_BCOMPLEX32     // complex numbers of two bfloat16, which libtorch has since 2.14
)

// Element types that can only be stored, moved, saved and loaded; [Tensor.ViewDType] to [Uint8]
// gives their bytes. Integers of 1 to 7 bits take a byte each. They are only stored and viewed: no
// file format has them, and libtorch neither fills nor clones them.
const (
	Float4E2M1FNX2 DType = C.CTORCH_FLOAT4_E2M1FN_X2 // two 4-bit numbers in each element
	Bits1x8        DType = C.CTORCH_BITS1X8
	Bits2x4        DType = C.CTORCH_BITS2X4
	Bits4x2        DType = C.CTORCH_BITS4X2
	Bits8          DType = C.CTORCH_BITS8
	Bits16         DType = C.CTORCH_BITS16
	Uint1          DType = C.CTORCH_UINT1
	Uint2          DType = C.CTORCH_UINT2
	Uint3          DType = C.CTORCH_UINT3
	Uint4          DType = C.CTORCH_UINT4
	Uint5          DType = C.CTORCH_UINT5
	Uint6          DType = C.CTORCH_UINT6
	Uint7          DType = C.CTORCH_UINT7
	Int1           DType = C.CTORCH_INT1
	Int2           DType = C.CTORCH_INT2
	Int3           DType = C.CTORCH_INT3
	Int4           DType = C.CTORCH_INT4
	Int5           DType = C.CTORCH_INT5
	Int6           DType = C.CTORCH_INT6
	Int7           DType = C.CTORCH_INT7
)

// Element types of quantized tensors, which have a scale and a zero point besides their elements.
// The types have names, but tensors of them cannot be made.
const (
	QInt8    DType = C.CTORCH_QINT8
	QUint8   DType = C.CTORCH_QUINT8
	QInt32   DType = C.CTORCH_QINT32
	QUint4x2 DType = C.CTORCH_QUINT4X2
	QUint2x4 DType = C.CTORCH_QUINT2X4
)

// A numberKind says what kind of number a type's elements are.
type numberKind int

const (
	integerNumber numberKind = iota
	truth
	floatingPoint
	complexNumber
	plainBits
	quantizedNumber
)

type dtypeInfo struct {
	name string
	size int64 // of an element in bytes
	kind numberKind
}

// dtypes are indexed by the numbers of at::ScalarType.
var dtypes = [...]dtypeInfo{
	Uint8: {"uint8", 1, integerNumber}, Int8: {"int8", 1, integerNumber}, Int16: {"int16", 2, integerNumber},
	Int32: {"int32", 4, integerNumber}, Int64: {"int64", 8, integerNumber}, Float16: {"float16", 2, floatingPoint},
	Float32: {"float32", 4, floatingPoint}, Float64: {"float64", 8, floatingPoint},
	Complex32: {"complex32", 4, complexNumber}, Complex64: {"complex64", 8, complexNumber},
	Complex128: {"complex128", 16, complexNumber}, BComplex32: {"bcomplex32", 4, complexNumber}, Bool: {"bool", 1, truth}, BFloat16: {"bfloat16", 2, floatingPoint},
	Uint16: {"uint16", 2, integerNumber}, Uint32: {"uint32", 4, integerNumber}, Uint64: {"uint64", 8, integerNumber},
	Float8E5M2: {"float8_e5m2", 1, floatingPoint}, Float8E4M3FN: {"float8_e4m3fn", 1, floatingPoint},
	Float8E5M2FNUZ: {"float8_e5m2fnuz", 1, floatingPoint}, Float8E4M3FNUZ: {"float8_e4m3fnuz", 1, floatingPoint},
	Float8E8M0FNU: {"float8_e8m0fnu", 1, floatingPoint}, Float4E2M1FNX2: {"float4_e2m1fn_x2", 1, floatingPoint},
	Bits1x8: {"bits1x8", 1, plainBits}, Bits2x4: {"bits2x4", 1, plainBits}, Bits4x2: {"bits4x2", 1, plainBits},
	Bits8: {"bits8", 1, plainBits}, Bits16: {"bits16", 2, plainBits},
	Uint1: {"uint1", 1, integerNumber}, Uint2: {"uint2", 1, integerNumber}, Uint3: {"uint3", 1, integerNumber},
	Uint4: {"uint4", 1, integerNumber}, Uint5: {"uint5", 1, integerNumber}, Uint6: {"uint6", 1, integerNumber},
	Uint7: {"uint7", 1, integerNumber}, Int1: {"int1", 1, integerNumber}, Int2: {"int2", 1, integerNumber},
	Int3: {"int3", 1, integerNumber}, Int4: {"int4", 1, integerNumber}, Int5: {"int5", 1, integerNumber},
	Int6: {"int6", 1, integerNumber}, Int7: {"int7", 1, integerNumber},
	QInt8: {"qint8", 1, quantizedNumber}, QUint8: {"quint8", 1, quantizedNumber}, QInt32: {"qint32", 4, quantizedNumber},
	QUint4x2: {"quint4x2", 1, quantizedNumber}, QUint2x4: {"quint2x4", 1, quantizedNumber},
}

// info returns what is known of the type; its size is 0 for an unknown type.
func (d DType) info() dtypeInfo {
	if d < 0 || int(d) >= len(dtypes) {
		return dtypeInfo{}
	}
	return dtypes[d]
}

// String returns the type's name in PyTorch, such as "float32".
func (d DType) String() string {
	if name := d.info().name; name != "" {
		return name
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// ParseDType parses a name that [DType.String] returns.
func ParseDType(name string) (DType, error) {
	var known []string
	for i, each := range dtypes {
		if each.name == name {
			return DType(i), nil
		}
		known = append(known, each.name)
	}
	slices.Sort(known)
	return NoDType, invalid("ParseDType", "%q is no dtype; known are %s", name, strings.Join(known, ", "))
}

// IsAvailable reports whether the libtorch in use has the type, and tensors of it can be made. Versions
// before 2.8 have no [Float4E2M1FNX2].
func (d DType) IsAvailable() bool {
	return d >= 0 && d.info().size > 0 && d.info().kind != quantizedNumber && int32(d) < int32(C.ctorch_dtype_count())
}

// IsFloatingPoint reports whether elements are real floating-point numbers.
func (d DType) IsFloatingPoint() bool { return d.info().kind == floatingPoint }

// IsComplex reports whether elements are complex numbers.
func (d DType) IsComplex() bool { return d.info().kind == complexNumber }

// ItemSize returns the size of an element in bytes, or 0 for an unknown type.
func (d DType) ItemSize() int64 { return d.info().size }

// partSize returns the size in bytes of the numbers that an element consists of.
func (d DType) partSize() int {
	if d.IsComplex() {
		return int(d.ItemSize() / 2)
	}
	return int(d.ItemSize())
}

// isOnlyHeld reports whether libtorch cannot convert the type's elements to numbers.
func (d DType) isOnlyHeld() bool {
	return d.info().kind == plainBits || d == Float4E2M1FNX2 || d >= Uint1 && d <= Int7
}

// mustBeMade panics if no tensor of the type can be made.
func (d DType) mustBeMade(operation string) {
	if d.info().kind == quantizedNumber {
		panic(&Error{operation, ErrNotImplemented, fmt.Sprintf("there are no tensors of %s here: quantized "+
			"tensors need a scale and a zero point", d)})
	}
}

func (d DType) apply(o *options) {
	if d != NoDType {
		o.dtype = d
	}
}

// Float16Bits holds the bits of an IEEE 754 binary16 number, an element of a [Float16] tensor.
type Float16Bits uint16

// BFloat16Bits holds the bits of a bfloat16 number, an element of a [BFloat16] tensor.
type BFloat16Bits uint16

// Element is the Go types that tensors are made from and copied to. Other element types have no
// counterpart in Go: [ReadElements] and [Tensor.WriteElements] read and write their bytes, and
// [Tensor.To] converts them.
type Element interface {
	float32 | float64 | int64 | int32 | int16 | int8 | uint8 | uint16 | uint32 | uint64 | bool |
		Float16Bits | BFloat16Bits | complex64 | complex128
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int64:
		return Int64
	case int32:
		return Int32
	case int16:
		return Int16
	case int8:
		return Int8
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	case Float16Bits:
		return Float16
	case BFloat16Bits:
		return BFloat16
	case complex64:
		return Complex64
	default:
		return Complex128
	}
}
