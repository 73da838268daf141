package torch

// #include "ctorch/ctorch.h"
import "C"

import (
	"math"
	"reflect"
)

// A Number is a whole, real or complex number or a bool: a value of any of Go's types for these. It is
// what PyTorch calls a Scalar. Whole numbers of 64 bits stay exact.
//
//	x.AddScalar(2)               // an int
//	x.AddScalar(2.5)             // a float64
//	x.AddScalar(2 + 1i)          // a complex128
//	x.BitwiseAndScalar(1<<60 + 1)
//
// A number takes part in what dtype comes out, as in Python: beside whole numbers, a whole number
// leaves whole numbers, a real number (2.0, or any float64) makes the default real dtype of them; a
// complex number makes complex ones of any. Among dtypes of one kind the tensor's stays.
//
// What is no number, or a whole one that an int64 does not hold, panics with an [*Error] of kind
// [ErrInvalid]: the compiler cannot tell, as a method has no type parameters.
type Number any

// cNumber is a number in C's form, and panics where value is none.
func cNumber(operation string, value Number) C.ctorch_number {
	number, ok := asNumberOfC(value)
	if !ok {
		panic(invalid(operation, "the value is a %v, wanted a number of at most 64 bits or a bool",
			reflect.TypeOf(value)))
	}
	return number
}

// asNumberOfC is a number in C's form, and reports whether value is one. It does not keep value, so that
// no call allocates for it.
func asNumberOfC(value Number) (C.ctorch_number, bool) {
	switch v := value.(type) { // the usual ones, without reflection
	case int:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_INTEGER, integer: C.int64_t(v)}, true
	case float64:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_REAL, real: C.double(v)}, true
	}
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		return C.ctorch_number{kind: C.CTORCH_NUMBER_INTEGER, integer: C.int64_t(v.Int())}, true
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return C.ctorch_number{kind: C.CTORCH_NUMBER_INTEGER, integer: C.int64_t(v.Uint())}, true
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
