package torch_test

import (
	"testing"

	"github.com/clipvqgan/clipvqgan/torch"
)

// What a call from Go costs: the operators do next to nothing on one element.
func BenchmarkOperatorOnOneElement(b *testing.B) {
	x, y := torch.Zeros(torch.Shape{1}), torch.Zeros(torch.Shape{1})
	for name, f := range map[string]func(){
		"Add":        func() { x.Add(y).Close() },
		"AddInPlace": func() { x.AddInPlace(y) },
		"View":       func() { x.View(torch.Shape{1, 1}).Close() },
		"Alias":      func() { x.Alias().Close() },
		"MaxDim": func() {
			values, indices := x.MaxDim(0, false)
			values.Close()
			indices.Close()
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
