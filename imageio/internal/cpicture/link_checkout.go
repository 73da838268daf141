//go:build !ctorch_installed

package cpicture

// Links the library that make built in this checkout, as package torch does.

// #cgo CFLAGS: -I${SRCDIR}/../../../csrc/picture/include
// #cgo LDFLAGS: -L${SRCDIR}/../../../build/lib -lcpicture -Wl,-rpath,${SRCDIR}/../../../build/lib
import "C"
