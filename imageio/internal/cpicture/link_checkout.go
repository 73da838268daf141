//go:build !ctorch_installed

package cpicture

// The library that make built in the checkout that this package lies in, as package torch has it.

// #cgo CFLAGS: -I${SRCDIR}/../../../csrc/picture/include
// #cgo LDFLAGS: -L${SRCDIR}/../../../build/lib -lcpicture -Wl,-rpath,${SRCDIR}/../../../build/lib
import "C"
