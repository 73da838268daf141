//go:build !race && !asan

package testkit

// Instrumented says that the program watches its own memory, which takes some itself.
const Instrumented = false
