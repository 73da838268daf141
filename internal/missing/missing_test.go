package missing

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestError(t *testing.T) {
	err := Error("the file a.pt")
	assert.EqualError(t, err, "the file a.pt does not exist")
	assert.ErrorIs(t, err, fs.ErrNotExist)
}
