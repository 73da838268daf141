package testkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/internal/testkit"
)

// recorded is a test that only tells what happens to it.
type recorded struct {
	testing.TB
	name            string
	failed, skipped bool
}

func (r *recorded) Helper()               {}
func (r *recorded) Name() string          { return r.name }
func (r *recorded) Fatalf(string, ...any) { r.failed = true }
func (r *recorded) Skip(...any)           { r.skipped = true }

func TestLongTestsRunWhereTheyAreAskedFor(t *testing.T) {
	t.Setenv(testkit.SoakVariable, "")
	quick := recorded{TB: t, name: "TestSoakSteps"}
	testkit.Soak(&quick)
	assert.Equal(t, []bool{false, true}, []bool{quick.failed, quick.skipped})

	t.Setenv(testkit.SoakVariable, "1")
	soaking := recorded{TB: t, name: "TestSoakSteps"}
	testkit.Soak(&soaking)
	assert.Equal(t, []bool{false, false}, []bool{soaking.failed, soaking.skipped})

	misnamed := recorded{TB: t, name: "TestSteps"}
	testkit.Soak(&misnamed)
	assert.True(t, misnamed.failed)
}
