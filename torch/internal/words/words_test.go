package words

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCount(t *testing.T) {
	assert.Equal(t, "0 elements", Count(0, "element"))
	assert.Equal(t, "1 element", Count(int64(1), "element"))
	assert.Equal(t, "2 elements", Count(2, "element"))
}

func TestType(t *testing.T) {
	for want, value := range map[string]any{
		"nil": nil, "an int": 1, "a uint8": uint8(1), "an int64": int64(1), "a string": "", "a []int": []int{},
		"a *testing.T": t, "an assert.Assertions": assert.Assertions{}, "a float64": 1.0,
	} {
		assert.Equal(t, want, Type(value))
	}
	assert.Equal(t, "a ", WithArticle(""))
}
