package clip_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/clip"
	"github.com/clipvqgan/clipvqgan/models"
	"github.com/clipvqgan/clipvqgan/torch"
)

func ExampleLoadTrainable() {
	model, err := clip.LoadTrainable("testdata/checkpoints/open_clip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	tokens, err := model.Tokenizer().Tokenize("a cat")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, parameter := range model.Parameters() {
		parameter.Tensor.SetRequiresGrad(true)
	}
	embedding, err := model.EncodeText(context.Background(), torch.FromRows(tokens))
	if err != nil {
		fmt.Println(err)
		return
	}
	embedding.Sum().Backward()
	fmt.Println(embedding.Shape(), model.Parameters()[0].Name)
	// Output: [1 16] positional_embedding
}

// TestTrainablesComputeAsModels: the same embeddings, before and after they are saved.
func TestTrainablesComputeAsModels(t *testing.T) {
	folder := "testdata/checkpoints/openai_resnet/model.pt"
	model, err := clip.Load(folder)
	require.NoError(t, err)
	defer model.Close()
	trainable, err := clip.LoadTrainable(folder)
	require.NoError(t, err)
	defer trainable.Close()
	assert.Equal(t, model.Config().Architecture, trainable.Config().Architecture)
	assert.Equal(t, clip.Softmax, trainable.Head())
	assert.NotEmpty(t, trainable.Buffers())
	pictures := torch.Linspace(-1, 1, 2*3*32*32).Reshape(torch.Shape{2, 3, 32, 32}).Sin()
	first, err := trainable.EncodeImage(t.Context(), pictures)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "saved.pt")
	trainable.Parameters()[0].Tensor.SetRequiresGrad(true)
	require.NoError(t, trainable.SetTraining(true))
	require.NoError(t, trainable.Save(path, "a test"))
	assert.True(t, trainable.Parameters()[0].Tensor.RequiresGrad(), "as before")
	saved, err := clip.LoadTrainable(path)
	require.NoError(t, err)
	defer saved.Close()
	assert.Equal(t, "a test", saved.Config().Source)
	second, err := saved.EncodeImage(t.Context(), pictures)
	require.NoError(t, err)
	assert.Zero(t, first.Sub(second).Abs().Max().Item())
	third, err := trainable.EncodeImage(t.Context(), pictures)
	require.NoError(t, err)
	assert.Greater(t, first.Sub(third).Abs().Max().Item(), 1e-4, "normalizations use the batch in training")

	small, err := models.TrainableCLIP()
	require.NoError(t, err)
	small.Close()
}

func TestTrainablesThatCannotBe(t *testing.T) {
	_, err := clip.LoadTrainable("testdata/checkpoints/huggingface_image")
	assert.ErrorContains(t, err, "has no image or no text encoder")
	_, err = clip.LoadTrainable("testdata/checkpoints/open_clip", torch.BFloat16)
	assert.ErrorContains(t, err, "a model is trained in float32, not bfloat16")
	_, err = clip.LoadTrainable("none.pt")
	assert.ErrorIs(t, err, os.ErrNotExist)
	trainable, err := clip.LoadTrainable("testdata/checkpoints/open_clip")
	require.NoError(t, err)
	defer trainable.Close()
	_, err = trainable.EncodeImage(t.Context(), torch.Zeros(torch.Shape{1, 3, 8, 8}))
	assert.ErrorContains(t, err, "clip: EncodeImage: the pictures are [1 3 8 8], wanted [N, 3, 32, 32]")
	_, err = trainable.EncodeText(t.Context(), torch.Zeros(torch.Shape{1, 9}, torch.Int64))
	assert.ErrorContains(t, err, "clip: EncodeText: the tokens are [1 9], wanted [N, 8]")
	torch.NoGrad(func() { trainable.Parameters()[0].Tensor.FillInPlace(math.Inf(1)) })
	path := filepath.Join(t.TempDir(), "infinite.pt")
	assert.ErrorIs(t, trainable.Save(path, ""), torch.ErrModel)
	assert.NoFileExists(t, path)
	for _, none := range []*clip.Trainable{nil, new(clip.Trainable)} {
		assert.ErrorContains(t, none.Save(path, ""), "clip.LoadTrainable returns one")
		assert.ErrorIs(t, none.SetTraining(true), torch.ErrInvalid)
		_, err := none.EncodeText(t.Context(), nil)
		assert.ErrorIs(t, err, torch.ErrInvalid)
		assert.Empty(t, none.Parameters())
		assert.Empty(t, none.Buffers())
		assert.Zero(t, none.Config())
		assert.Nil(t, none.Tokenizer())
		assert.Equal(t, clip.Softmax, none.Head())
		none.Close()
	}
}
