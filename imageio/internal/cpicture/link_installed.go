//go:build ctorch_installed

package cpicture

// Links the library that `make install` installed, found by pkg-config.

// #cgo pkg-config: cpicture
import "C"
