//go:build !ctorch_installed

package jit

// The library that make built in the checkout that this package lies in. Where that is Go's copy of
// the module, which has none, the linker finds what is installed under /usr/local.

// #cgo CFLAGS: -I${SRCDIR}/../../csrc/include
// #cgo LDFLAGS: -L${SRCDIR}/../../build/lib -lctorch -Wl,-rpath,${SRCDIR}/../../build/lib
import "C"
