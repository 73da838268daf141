package torch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALibraryOfAnotherBuildIsRefused(t *testing.T) {
	require.NoError(t, checkLibrary(3, 3, 0xabc, 0xabc))

	err := checkLibrary(2, 3, 0xabc, 0xabc)
	require.ErrorIs(t, err, ErrOther)
	require.ErrorContains(t, err, "libctorch has ABI 2")
	require.ErrorContains(t, err, "compiled for ABI 3")

	err = checkLibrary(3, 3, 0xabc, 0xdef)
	require.ErrorIs(t, err, ErrOther)
	require.ErrorContains(t, err, "run make in the checkout again")
}
