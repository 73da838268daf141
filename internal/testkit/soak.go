package testkit

import (
	"os"
	"strings"
	"testing"
)

// SoakVariable is the environment variable that has soak tests run, whatever its value.
const SoakVariable = "CLIPVQGAN_SOAK"

// Soak begins a test that takes more than a minute: it is skipped unless [SoakVariable] is set. Such a
// test is called TestSoak..., by which `make soak` finds it; any other name fails.
func Soak(t testing.TB) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestSoak") {
		t.Fatalf("%s is a soak test: its name must begin with TestSoak", t.Name())
	}
	if os.Getenv(SoakVariable) == "" {
		t.Skip("a soak test: make soak runs it")
	}
}
