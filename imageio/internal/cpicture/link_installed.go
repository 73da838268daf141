//go:build ctorch_installed

package cpicture

// The library that `make install` put where pkg-config looks.

// #cgo pkg-config: cpicture
import "C"
