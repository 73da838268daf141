package torch_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestContainersPrintReadably(t *testing.T) {
	x := torch.Ones(torch.Shape{2, 3})
	closed := torch.Ones(torch.Shape{2})
	closed.Close()
	long := make([]any, 1000)
	for i := range long {
		long[i] = int64(i)
	}
	for _, c := range []struct {
		value any
		want  string
	}{
		{torch.Tuple{}, "()"},
		{torch.Tuple{int64(1)}, "(1,)"},
		{torch.Tuple{"it's", `a "b"`, nil, true, 0.5}, `("it's", 'a "b"', None, True, 0.5)`},
		{torch.Set{}, "set()"},
		{torch.Set{int64(7), "x"}, "{7, 'x'}"},
		{torch.NamedTuple{{Name: "x", Value: x}, {Name: "y", Value: int64(2)}}, "(x=tensor(shape=[2 3], dtype=float32, device=cpu), y=2)"},
		{torch.Tuple{torch.Scalar(2.5), []*torch.Tensor{x, nil}}, "(tensor(2.5000), [tensor(shape=[2 3], dtype=float32, device=cpu), tensor(nil)])"},
		{torch.Tuple{closed, torch.BFloat16, torch.CUDA(1), []byte{1, 2}, big.NewInt(5)}, "(tensor(closed), torch.bfloat16, device('cuda:1'), bytes(2), 5)"},
		{(*torch.Dict)(nil), "{}"},
		{torch.NewDict("w", x, 3, torch.NewDict("lr", 0.1)), "{\n  'w': tensor(shape=[2 3], dtype=float32, device=cpu),\n  3: {\n    'lr': 0.1,\n  },\n}"},
		{torch.NamedTensor{Name: "w", Tensor: x}, "w: tensor(shape=[2 3], dtype=float32, device=cpu)"},
		{(*torch.Object)(nil), "None"},
	} {
		assert.Equal(t, c.want, fmt.Sprintf("%v", c.value))
	}
	text := fmt.Sprint(torch.Tuple{long})
	assert.Contains(t, text, "98, 99, ... (1000 in all)]")
	text = fmt.Sprint(torch.Tuple{strings.Repeat("a", 1000)})
	assert.Less(t, len(text), 300)
	assert.Contains(t, text, "(1000 bytes)")
	deep := torch.Tuple{}
	for range 1000 {
		deep = torch.Tuple{deep}
	}
	assert.Contains(t, deep.String(), "...")
}
