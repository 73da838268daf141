package torch_test

import (
	"testing"

	"github.com/clipvqgan/clipvqgan/torch"
)

// What a number costs on its way to libtorch.
func BenchmarkNumbers(b *testing.B) {
	x := torch.Zeros(torch.Shape{1})
	value := 0.5
	for name, f := range map[string]func(){
		"Constant": func() { x.AddScalarInPlace(2) },
		"Variable": func() { value += 0.5; x.AddScalarInPlace(value) },
		"Clamp":    func() { x.ClampInPlace(value, 3) },
		"New":      func() { x.MulScalar(value).Close() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
