//go:build !race && !asan

package testkit

// Instrumented says that the program is built with a sanitizer or race detector, which needs memory
// of its own.
const Instrumented = false
