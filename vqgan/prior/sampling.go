package prior

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/clipvqgan/clipvqgan/torch"
)

// uniforms returns the random numbers of a picture, one for each of its tokens, in [0, 1). They depend on
// the seed alone, and so do not change with the batch or the device.
func uniforms(seed uint64, count int) []float32 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	source := rand.NewChaCha8(key)
	numbers := make([]float32, count)
	for i := range numbers {
		numbers[i] = float32(source.Uint64()>>40) / (1 << 24)
	}
	return numbers
}

// largestUniform is so far below 1 that its product with a total, rounded, is below the total.
const largestUniform = 1 - 1.0/(1<<22)

// guide returns the logits [N, K] of N pictures from those of their two passes, [2 N, K]: with the
// condition, then without it.
func guide(logits *torch.Tensor, guidance float64) *torch.Tensor {
	passes := logits.Chunk(2, 0)
	return passes[1].Lerp(passes[0], guidance)
}

// choose chooses a token for each row of float32 logits [N, K], by random numbers [N, 1] in [0, 1), and returns
// their indices [N]. A number is looked up in the sums of the probabilities: in the order of the
// vocabulary, or, with TopK or TopP, from the likeliest.
func choose(logits, uniform *torch.Tensor, o Options) *torch.Tensor {
	if o.Temperature == 0 {
		return logits.ArgMax(1, false)
	}
	logits = logits.DivScalar(o.Temperature)
	var order *torch.Tensor
	vocabulary := int(logits.Size(1))
	switch {
	case o.TopK > 0 && o.TopK < vocabulary:
		logits, order = logits.TopK(int64(o.TopK), 1, true)
	case o.TopP < 1:
		logits, order = logits.Sort(1, true)
	}
	probabilities := logits.Softmax(1)
	sums := probabilities.CumSum(1)
	if o.TopP < 1 {
		// A token is kept if those before it do not reach TopP, so that the likeliest always is.
		kept := sums.Sub(probabilities).LtScalar(o.TopP)
		probabilities = probabilities.Mul(kept.To(torch.Float32))
		sums = probabilities.CumSum(1)
	}
	total := sums.Narrow(1, sums.Size(1)-1, 1)
	below := sums.Le(uniform.ClampMax(largestUniform).Mul(total))
	place := below.To(torch.Int64).SumDim([]int64{1}, true)
	if order != nil {
		place = order.Gather(1, place)
	}
	return place.SqueezeDim(1)
}
