package guided_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/vqgan/guided"
)

// BenchmarkGuidedStep is one step of a run with the embedded models and their preset.
func BenchmarkGuidedStep(b *testing.B) {
	const warmUp = 3
	model, scorer := load(b)
	config := guided.OnWhite()
	config.Prompts = []guided.Prompt{guided.NewPrompt("red heart")}
	config.Steps = warmUp + b.N
	var started time.Time
	_, err := guided.Generate(b.Context(), model, scorer, config, guided.RunOptions{OnStep: func(step guided.Step) error {
		if step.Number == warmUp {
			started = time.Now()
			b.ResetTimer()
		}
		return nil
	}})
	require.NoError(b, err)
	b.ReportMetric(float64(time.Since(started).Microseconds())/1000/float64(b.N), "ms/step")
}
