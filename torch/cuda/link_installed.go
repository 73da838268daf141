//go:build ctorch_installed

package cuda

// With -tags ctorch_installed: links the library that `make install` installed, found by
// pkg-config.

// #cgo pkg-config: ctorch
import "C"
