package clip

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
)

func TestCreate(t *testing.T) {
	output := filepath.Join(t.TempDir(), "fresh.pt")
	torch.ManualSeed(1)
	config, err := Create(output, "emoji-RN")
	require.NoError(t, err)
	embedded, err := ReadConfig(filepath.Join("..", "models", "clip.pt"))
	require.NoError(t, err)
	config.Source, config.SourceSHA256, config.Storage = embedded.Source, embedded.SourceSHA256, embedded.Storage
	assert.Equal(t, embedded.Architecture, config.Architecture)
	assert.JSONEq(t, string(embedded.Network), string(config.Network))
	model, err := Load(output)
	require.NoError(t, err)
	defer model.Close()
	assert.InDelta(t, 1/0.07, model.LogitScale(), 1e-3)
	texts, err := model.EncodeText(t.Context(), "a cat", "a dog")
	require.NoError(t, err)
	assert.Equal(t, torch.Shape{2, 256}, texts.Shape())
	assert.Equal(t, 1.0, texts.IsFinite().All().Item())

	_, err = Create(output, "no such")
	assert.ErrorIs(t, err, torch.ErrInvalid)
}

// Each block of a fresh ResNet is the identity, as in openai/CLIP's initialize_parameters.
func TestFreshWeightsAreOpenAIs(t *testing.T) {
	output := filepath.Join(t.TempDir(), "fresh.pt")
	torch.ManualSeed(1)
	_, err := Create(output, "emoji-RN")
	require.NoError(t, err)
	model, err := Load(output)
	require.NoError(t, err)
	defer model.Close()
	get := func(name string) *torch.Tensor {
		value, err := model.loaded.Module.Attribute(name)
		require.NoError(t, err)
		return value.(*torch.Tensor)
	}
	assert.Zero(t, get("visual.layer2.0.bn3.weight").Abs().Max().Item())
	assert.InDelta(t, 0.02, get("token_embedding.weight").Std(true).Item(), 1e-3)
	assert.InDelta(t, 0.01, get("positional_embedding").Std(true).Item(), 1e-3)
	// width^-0.5 * (2 layers)^-0.5
	assert.InDelta(t, 0.0295, get("transformer.resblocks.0.mlp.c_proj.weight").Std(true).Item(), 1e-3)
}
