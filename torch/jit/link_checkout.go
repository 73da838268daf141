//go:build !ctorch_installed

package jit

// Links the library that make built in this checkout. In Go's module cache, which has none, the
// linker looks under /usr/local.

// #cgo CFLAGS: -I${SRCDIR}/../../csrc/include
// #cgo LDFLAGS: -L${SRCDIR}/../../build/lib -lctorch -Wl,-rpath,${SRCDIR}/../../build/lib
import "C"
