//go:build ctorch_installed

package jit

// With -tags ctorch_installed: links the library that `make install` installed, found by
// pkg-config.

// #cgo pkg-config: ctorch
import "C"
