package testkit

import (
	"os"
	"strings"
	"testing"
)

// SoakVariable is the environment variable that enables soak tests if it is set.
const SoakVariable = "CLIPVQGAN_SOAK"

// Soak begins a test that takes more than a minute, and skips it unless [SoakVariable] is set. Its
// name must be TestSoak..., by which `make soak` finds it.
func Soak(t testing.TB) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestSoak") {
		t.Fatalf("%s is a soak test: its name must begin with TestSoak", t.Name())
	}
	if os.Getenv(SoakVariable) == "" {
		t.Skip("a soak test: make soak runs it")
	}
}
