package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"math"
	"reflect"

	"github.com/clipvqgan/clipvqgan/torch/internal/words"
)

// A Number is an integer, real or complex number or a bool, of any Go type. It is PyTorch's Scalar.
// 64-bit integers stay exact.
//
//	x.AddScalar(2)               // an int
//	x.AddScalar(2.5)             // a float64
//	x.AddScalar(2 + 1i)          // a complex128
//	x.BitwiseAndScalar(1<<60 + 1)
//
// As in Python, the kind of the number takes part in type promotion: an integer tensor and an
// integer give integers; an integer tensor and a real number (2.0, or any float64) give the default
// floating-point dtype; any tensor and a complex number give complex numbers. Within one kind the
// tensor's dtype stays.
//
// Functions that take a Number panic with an [*Error] of kind [ErrInvalid] for any other type. An
// unsigned integer beyond an int64 is for tensors of [Uint64] and of real numbers.
type Number any

// cNumber converts a number to C's form. It panics if value is not a number.
func cNumber(operation string, value Number) C.ctorch_number {
	number, ok := asNumberOfC(value)
	if !ok {
		panic(invalid(operation, "the value is %s, wanted a number of at most 64 bits or a bool", words.Type(value)))
	}
	return number
}

// asNumberOfC converts a number to C's form and reports whether value is one. value does not
// escape, so that no call allocates.
func asNumberOfC(value Number) (C.ctorch_number, bool) {
	switch v := value.(type) { // common types, without reflection
	case int:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_INTEGER, integer: C.int64_t(v)}, true
	case float64:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_REAL, real: C.double(v)}, true
	}
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return C.ctorch_number{kind: C.CTORCH_NUMBER_INTEGER, integer: C.int64_t(v.Int())}, true
	case v.CanUint():
		kind := C.int32_t(C.CTORCH_NUMBER_INTEGER)
		if v.Uint() > math.MaxInt64 {
			kind = C.CTORCH_NUMBER_UNSIGNED
		}
		return C.ctorch_number{kind: kind, integer: C.int64_t(v.Uint())}, true
	case v.CanFloat():
		return C.ctorch_number{kind: C.CTORCH_NUMBER_REAL, real: C.double(v.Float())}, true
	case v.CanComplex():
		return C.ctorch_number{kind: C.CTORCH_NUMBER_COMPLEX, real: C.double(real(v.Complex())),
			imaginary: C.double(imag(v.Complex()))}, true
	case v.Kind() == reflect.Bool:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_BOOL, integer: C.int64_t(cBool(v.Bool()))}, true
	}
	return C.ctorch_number{}, false
}
