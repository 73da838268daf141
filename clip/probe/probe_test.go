package probe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip/probe"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func ExampleFit() {
	examples := probe.Examples{
		Embeddings: [][]float32{{1, 0.1}, {0.9, 0}, {0, 1}, {0.1, 0.8}},
		ClassOf:    []int{0, 0, 1, 1},
	}
	trained, err := probe.Fit(context.Background(), examples, []string{"right", "up"}, probe.Options{Regularization: 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer trained.Close()
	predictions, err := trained.Predict(context.Background(), torch.FromRows([][]float32{{0.2, 5}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.2f\n", predictions[0][0].Class, predictions[0][0].Probability)
	// Output: up 0.97
}

type reference struct {
	Embeddings [][]float32
	Classes    []int
	Fits       []struct {
		Regularization         float64
		Weights, Probabilities [][]float32
		Bias                   []float32
	}
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &r))
	return r
}

var classes = []string{"a", "b", "c", "d"}

// TestWeightsAreScikitLearns: the smallest loss is one point, but for what is added to all biases.
func TestWeightsAreScikitLearns(t *testing.T) {
	want := readReference(t)
	for _, fit := range want.Fits {
		trained, err := probe.Fit(t.Context(), probe.Examples{Embeddings: want.Embeddings, ClassOf: want.Classes}, classes, probe.Options{Regularization: fit.Regularization, Source: "a test"})
		require.NoError(t, err)
		defer trained.Close()
		path := filepath.Join(t.TempDir(), "probe.safetensors")
		require.NoError(t, trained.Save(path))
		tensors, _, err := safetensors.Load(path)
		require.NoError(t, err)
		for _, tensor := range tensors {
			switch tensor.Name {
			case "weight":
				assert.Less(t, tensor.Tensor.Sub(torch.FromRows(fit.Weights)).Abs().Max().Item(), 2e-5*torch.FromRows(fit.Weights).Abs().Max().Item())
			case "bias":
				centered := tensor.Tensor.SubScalar(tensor.Tensor.Mean().Item())
				assert.Less(t, centered.Sub(torch.FromSlice(fit.Bias, nil)).Abs().Max().Item(), 1e-4)
			}
		}
		loaded, err := probe.Load(path)
		require.NoError(t, err)
		defer loaded.Close()
		assert.Equal(t, []any{classes, "a test", fit.Regularization, 12}, []any{loaded.Classes, loaded.Source, loaded.Regularization, loaded.Dimension()})
		probabilities, err := loaded.Probabilities(t.Context(), torch.FromRows(want.Embeddings[:5]))
		require.NoError(t, err)
		assert.Less(t, probabilities.Sub(torch.FromRows(fit.Probabilities)).Abs().Max().Item(), 1e-5)
		predictions, err := loaded.Predict(t.Context(), torch.FromRows(want.Embeddings[:5]))
		require.NoError(t, err)
		for _, row := range predictions {
			for i := range row[1:] {
				assert.GreaterOrEqual(t, row[i].Probability, row[i+1].Probability)
			}
		}
	}
}

// TestChoose: the regularization is the best of the trials, which are eight to a decade around it.
func TestChoose(t *testing.T) {
	r := readReference(t)
	training := probe.Examples{Embeddings: r.Embeddings[:60], ClassOf: r.Classes[:60]}
	validation := probe.Examples{Embeddings: r.Embeddings[60:], ClassOf: r.Classes[60:]}
	chosen, trials, err := probe.Choose(t.Context(), training, validation, classes, probe.Options{})
	require.NoError(t, err)
	defer chosen.Close()
	best := probe.Trial{}
	for i, trial := range trials {
		if trial.Accuracy > best.Accuracy || trial.Accuracy == best.Accuracy && trial.Loss < best.Loss {
			best = trial
		}
		if i > 0 {
			assert.Greater(t, trial.Regularization, trials[i-1].Regularization)
		}
	}
	assert.Equal(t, best.Regularization, chosen.Regularization)
	assert.Greater(t, best.Accuracy, 0.6)
	assert.GreaterOrEqual(t, len(trials), 13)
	nearest := math.Inf(1)
	for _, trial := range trials {
		if trial.Regularization > best.Regularization {
			nearest = min(nearest, trial.Regularization/best.Regularization)
		}
	}
	assert.InDelta(t, math.Pow(10, 1.0/8), nearest, 1e-6)
	// It is trained on all of them.
	whole, err := probe.Fit(t.Context(), probe.Examples{Embeddings: r.Embeddings, ClassOf: r.Classes}, classes, probe.Options{Regularization: best.Regularization})
	require.NoError(t, err)
	defer whole.Close()
	rows := torch.FromRows(r.Embeddings[:9])
	a, err := whole.Probabilities(t.Context(), rows)
	require.NoError(t, err)
	b, err := chosen.Probabilities(t.Context(), rows)
	require.NoError(t, err)
	assert.Less(t, a.Sub(b).Abs().Max().Item(), 1e-6)
}

func TestWhatCannotBeTrained(t *testing.T) {
	ok := probe.Examples{Embeddings: [][]float32{{1, 0}, {0, 1}}, ClassOf: []int{0, 1}}
	for want, call := range map[string]func() error{
		"there are 1 classes, wanted at least 2": func() error { return fit(ok, classes[:1], probe.Options{}) },
		"there are 2 embeddings and the classes of 1": func() error {
			return fit(probe.Examples{Embeddings: ok.Embeddings, ClassOf: []int{0}}, classes, probe.Options{})
		},
		"example 1 is of class 4, of which there are 4": func() error {
			return fit(probe.Examples{Embeddings: ok.Embeddings, ClassOf: []int{0, 4}}, classes, probe.Options{})
		},
		"the examples are of 1 classes": func() error {
			return fit(probe.Examples{Embeddings: ok.Embeddings, ClassOf: []int{1, 1}}, classes, probe.Options{})
		},
		"the examples are of 0 classes": func() error { return fit(probe.Examples{}, classes, probe.Options{}) },
		"example 1 has 1 elements, and the first 2": func() error {
			return fit(probe.Examples{Embeddings: [][]float32{{1, 0}, {1}}, ClassOf: []int{0, 1}}, classes, probe.Options{})
		},
		"the regularization is -1, wanted 0 or more": func() error { return fit(ok, classes, probe.Options{Regularization: -1}) },
		"the number of iterations is -1":             func() error { return fit(ok, classes, probe.Options{Iterations: -1}) },
		"numbers that are not finite": func() error {
			return fit(probe.Examples{Embeddings: [][]float32{{float32(math.NaN()), 0}, {0, 1}}, ClassOf: []int{0, 1}}, classes, probe.Options{})
		},
		"there are no examples for validation": func() error {
			_, _, err := probe.Choose(t.Context(), ok, probe.Examples{}, classes, probe.Options{})
			return err
		},
		"the probe was not trained": func() error {
			_, err := new(probe.Probe).Predict(t.Context(), torch.Ones(torch.Shape{1, 2}))
			return err
		},
	} {
		err := call()
		assert.ErrorContains(t, err, want)
		assert.ErrorIs(t, err, torch.ErrInvalid, want)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := probe.Fit(canceled, ok, classes, probe.Options{})
	assert.ErrorIs(t, err, context.Canceled)
	trained, err := probe.Fit(t.Context(), ok, classes, probe.Options{Regularization: 1, Iterations: 3})
	require.NoError(t, err)
	_, err = trained.Probabilities(t.Context(), torch.Ones(torch.Shape{1, 3}))
	assert.ErrorContains(t, err, "embeddings of shape [1 3], wanted [N, 2]")
	other := filepath.Join(t.TempDir(), "other.safetensors")
	require.NoError(t, safetensors.Save(other, []torch.NamedTensor{{Name: "weight", Tensor: torch.Ones(torch.Shape{2, 2})}}, nil))
	_, err = probe.Load(other)
	assert.ErrorIs(t, err, torch.ErrModel)
	_, err = probe.Load(other + ".none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	(*probe.Probe)(nil).Close()
}

func fit(examples probe.Examples, classes []string, options probe.Options) error {
	_, err := probe.Fit(context.Background(), examples, classes, options)
	return err
}
