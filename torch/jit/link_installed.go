//go:build ctorch_installed

package jit

// The library that `make install` put where pkg-config looks, with its headers:
// go build -tags ctorch_installed.

// #cgo pkg-config: ctorch
import "C"
