package clip

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

// TestScoresAreOpenCLIPs: weights of several templates, logits and both heads;
// scripts/reference/reference_clip_training.py.
func TestScoresAreOpenCLIPs(t *testing.T) {
	data, err := os.ReadFile("testdata/scoring.json")
	require.NoError(t, err)
	var reference map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &reference))
	var labels, templates []string
	require.NoError(t, json.Unmarshal(reference["labels"], &labels))
	require.NoError(t, json.Unmarshal(reference["templates"], &templates))
	for name, head := range map[string]Head{"open_clip": Softmax, "open_clip_custom_text": Sigmoid} {
		t.Run(name, func(t *testing.T) {
			var want map[string][][]float32
			require.NoError(t, json.Unmarshal(reference[name], &want))
			model, err := Load(checkpointFolder(name) + "/open_clip_model.safetensors")
			require.NoError(t, err)
			defer model.Close()
			assert.Equal(t, head, model.Head())
			classifier, err := model.NewClassifier(t.Context(), labels, templates...)
			require.NoError(t, err)
			defer classifier.Close()
			embeddings, err := model.encode(t.Context(), "encode_image", func() *torch.Tensor {
				return torch.Linspace(-1, 1, 2*3*32*32).Reshape(torch.Shape{2, 3, 32, 32}).Sin()
			})
			require.NoError(t, err)
			logits, err := classifier.Logits(t.Context(), embeddings)
			require.NoError(t, err)
			requireClose(t, slices.Concat(want["logits"]...), logits, "logits")
			for _, head := range []Head{Softmax, Sigmoid} {
				scored, err := classifier.Score(t.Context(), embeddings, Scoring{Head: head})
				if head == Sigmoid && !model.sigmoid {
					require.ErrorIs(t, err, torch.ErrInvalid)
					continue
				}
				require.NoError(t, err)
				for i, predictions := range scored {
					for _, p := range predictions {
						assert.InDelta(t, want[head.String()][i][slices.Index(labels, p.Label)], p.Probability, 1e-5)
					}
				}
			}
		})
	}
}
