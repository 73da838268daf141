package clip

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit/checkpoints"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

func copyFolder(t *testing.T, name string) checkpoints.Folder {
	t.Helper()
	return checkpoints.Copy(t, checkpointFolder(name))
}

func TestBadCheckpoints(t *testing.T) {
	const weightsFile = "open_clip_model.safetensors"
	for name, each := range map[string]struct {
		from   string
		source string // within the folder
		change func(checkpoints.Folder)
		wanted string
	}{
		"missing tensor": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) { delete(all, "visual.ln_post.weight") })
		}, "it has no visual.ln_post.weight"},
		"many missing tensors": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) {
				maps.DeleteFunc(all, func(name string, _ *torch.Tensor) bool { return strings.HasPrefix(name, "transformer.") })
			})
		}, "and 9 more"},
		"other shape": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) { all["text_projection"] = torch.Zeros(torch.Shape{16, 12}) })
		}, "text_projection is [16 12], wanted [16 16]"},
		"more tensors": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) { all["visual.extra"] = torch.Zeros(torch.Shape{1}) })
		}, "nothing in the architecture takes its visual.extra"},
		"config of another size": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["vision_cfg"].(map[string]any)["width"] = 32
			})
		}, "visual.conv1.weight is [24 3 8 8], wanted [32 3 8 8]"},
		"config of another family": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["vision_cfg"].(map[string]any)["timm_model_name"] = "swin"
			})
		}, "its image encoder swin, a network of timm, is not supported"},
		"weights of timm's network without config": {"open_clip_eva02", "", func(f checkpoints.Folder) { f.Remove("open_clip_config.json") }, "import it with the architecture by name"},
		"config with nonsense": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["text_cfg"].(map[string]any)["heads"] = -3
			})
		}, "text_cfg.heads is -3"},
		"config that is no JSON":    {"open_clip", "", func(f checkpoints.Folder) { f.Write("open_clip_config.json", "{") }, "open_clip_config.json: it cannot be read"},
		"config without model":      {"open_clip", "", func(f checkpoints.Folder) { f.Write("open_clip_config.json", "{}") }, "it has no model_cfg"},
		"config without weights":    {"open_clip", "", func(f checkpoints.Folder) { f.Remove(weightsFile) }, "has no weights"},
		"weights without config":    {"open_clip", "", func(f checkpoints.Folder) { f.Remove("open_clip_config.json") }, "put its open_clip_config.json beside it"},
		"another vocabulary":        {"open_clip", "", func(f checkpoints.Folder) { f.Write("bpe_merges.txt", "a b\n") }, "makes a vocabulary of 515, the model has 530"},
		"no vocabulary":             {"open_clip", "", func(f checkpoints.Folder) { f.Remove("bpe_merges.txt") }, "no files of a tokenizer are beside it"},
		"truncated safetensors":     {"open_clip", "", checkpoints.Truncate(weightsFile), weightsFile},
		"truncated archive":         {"openai_vit", "model.pt", checkpoints.Truncate("model.pt"), "model.pt"},
		"truncated state dict":      {"openai_state_dict", "model.pt", checkpoints.Truncate("model.pt"), "model.pt"},
		"Hugging Face, no config":   {"huggingface", "", func(f checkpoints.Folder) { f.Remove("config.json") }, "need their config.json"},
		"Hugging Face, other model": {"huggingface", "", func(f checkpoints.Folder) { f.Write("config.json", `{"model_type": "bert"}`) }, `a model of type "bert"`},
		"unknown tokenizer": {"huggingface", "", func(f checkpoints.Folder) {
			f.EditJSON("tokenizer_config.json", func(c map[string]any) { c["tokenizer_class"] = "LlamaTokenizer" })
		}, `names the tokenizer_class "LlamaTokenizer", which is not supported`},
		"damaged tokenizer": {"huggingface", "", func(f checkpoints.Folder) { f.Write("tokenizer.json", "{") }, "tokenizer.json cannot be used"},
		"no tokenizer":      {"huggingface_siglip", "", func(f checkpoints.Folder) { f.Remove("spiece.model") }, "no files of a tokenizer are beside it"},
		"Hugging Face, other size": {"huggingface", "", func(f checkpoints.Folder) {
			f.EditJSON("config.json", func(c map[string]any) { c["projection_dim"] = 17 })
		}, "visual.proj is [24 16], wanted [24 17]"},
		"Hugging Face, other activation": {"huggingface", "", func(f checkpoints.Folder) {
			f.EditJSON("config.json", func(c map[string]any) { c["text_config"].(map[string]any)["hidden_act"] = "mish" })
		}, `activation "mish"`},
		"Hugging Face, other filter": {"huggingface", "", func(f checkpoints.Folder) {
			f.EditJSON("preprocessor_config.json", func(c map[string]any) { c["resample"] = 5 })
		}, "resampling filter 5"},
		"a part is missing": {"huggingface_sharded", "", func(f checkpoints.Folder) { f.Remove("model-00002-of-00004.safetensors") }, "model-00002-of-00004.safetensors"},
		"a part elsewhere": {"huggingface_sharded", "", func(f checkpoints.Folder) {
			f.EditJSON("model.safetensors.index.json", func(c map[string]any) {
				c["weight_map"].(map[string]any)["logit_scale"] = "../secret.safetensors"
			})
		}, "not beside it"},
		"a text model":      {"open_clip", "m.safetensors", checkpoints.SaveTensor("bert.encoder.weight"), "it seems to be a text model"},
		"a diffusion model": {"open_clip", "m.safetensors", checkpoints.SaveTensor("model.diffusion_model.input_blocks.0.0.weight"), "it seems to be a diffusion model"},
		"a VQGAN":           {"open_clip", "m.safetensors", checkpoints.SaveTensor("quantize.embedding.weight"), "it seems to be a VQGAN"},
		"something else":    {"open_clip", "m.safetensors", checkpoints.SaveTensor("layer1.0.weight"), "none of its 1 tensors is an image encoder's"},
		"other numbers": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) { all["visual.proj"] = all["visual.proj"].To(torch.Int32) })
		}, "visual.proj is int32, wanted float16"},
		"two files of weights": {"open_clip", "", func(f checkpoints.Folder) {
			f.Write("b.ckpt", f.Read(weightsFile))
			f.Rename(weightsFile, "a.safetensors")
		}, "has 2 files of weights, a.safetensors, b.ckpt: give one of them"},
		"a link to nothing": {"open_clip", "", func(f checkpoints.Folder) {
			f.Remove(weightsFile)
			f.Link("/nowhere/model", weightsFile)
		}, "the file /nowhere/model, to which"},
		"a pipe": {"open_clip", "", func(f checkpoints.Folder) {
			f.Remove(weightsFile)
			require.NoError(t, syscall.Mkfifo(f.File(weightsFile), 0o600))
		}, "is no regular file"},
		"a pointer of Git LFS": {"open_clip", "", func(f checkpoints.Folder) {
			f.Write(weightsFile, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
		}, "git lfs pull brings"},
		"a part that is a pointer": {"huggingface_sharded", "", func(f checkpoints.Folder) {
			f.Write("model-00002-of-00004.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
		}, "git lfs pull brings"},
		"a web page":    {"open_clip", "", func(f checkpoints.Folder) { f.Write(weightsFile, "<!DOCTYPE html><html></html>") }, "it seems to be a web page"},
		"two snapshots": {"open_clip", "hub", func(f checkpoints.Folder) { f.Write("hub/snapshots/a/x", ""); f.Write("hub/snapshots/b/x", "") }, "has 2 snapshots"},
		"a text encoder with convolutions": {"open_clip", "m.safetensors", func(f checkpoints.Folder) {
			zeros := torch.Zeros(torch.Shape{2})
			require.NoError(t, safetensors.Save(f.File("m.safetensors"), []torch.NamedTensor{
				{Name: "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight", Tensor: zeros},
				{Name: "text_encoder.transformer.0.token_mixer.norm.weight", Tensor: zeros}}, nil))
		}, "as that of MobileCLIP-S0, which is not supported"},
		"a network for pictures of any shape": {"huggingface_siglip", "", func(f checkpoints.Folder) {
			f.EditJSON("config.json", func(c map[string]any) { c["vision_config"].(map[string]any)["num_patches"] = 256 })
		}, "pictures of any shape"},
		"a text encoder of Hugging Face": {"open_clip", "", func(f checkpoints.Folder) {
			f.EditJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["text_cfg"].(map[string]any)["hf_model_name"] = "roberta-base"
			})
		}, `text_cfg.hf_model_name "roberta-base", which is not supported`},
		"code in a dict":       {"open_clip", "m.bin", func(f checkpoints.Folder) { f.Write("m.bin", checkpoints.DangerousDict) }, "would run posix.system if Python opened it"},
		"code in a pickle":     {"open_clip", "m.bin", func(f checkpoints.Folder) { f.Write("m.bin", checkpoints.DangerousPickle) }, "posix.system"},
		"a picture":            {"open_clip", "m.bin", func(f checkpoints.Folder) { f.Write("m.bin", checkpoints.Picture) }, "is no checkpoint"},
		"a number in a pickle": {"open_clip", "m.bin", checkpoints.SaveValue(int64(3)), "it holds no tensors by name"},
		"an image encoder of another kind": {"open_clip", "", func(f checkpoints.Folder) {
			f.Remove("open_clip_config.json")
			f.EditSafetensors(weightsFile, func(all map[string]*torch.Tensor) { delete(all, "visual.proj") })
		}, "its image encoder is of no known family"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := copyFolder(t, each.from)
			each.change(folder)
			source := filepath.Join(folder.Path, each.source)
			output := filepath.Join(t.TempDir(), "out.pt")
			_, err := Import(source, output, ImportOptions{})
			require.Error(t, err)
			assert.ErrorContains(t, err, each.wanted)
			assert.ErrorContains(t, err, folder.Path, "it names the file")
			assert.NotContains(t, err.Error(), "\n")
			_, statErr := os.Stat(output)
			assert.ErrorIs(t, statErr, os.ErrNotExist)
			_, describeErr := ReadConfig(source)
			assert.ErrorContains(t, describeErr, each.wanted)
			_, loadErr := Load(source)
			assert.ErrorContains(t, loadErr, each.wanted)
			assert.True(t, errorIsOneOf(loadErr, torch.ErrModel, os.ErrNotExist), "%v", loadErr)
		})
	}
}

func errorIsOneOf(err error, kinds ...error) bool {
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

func TestArchitecturesByName(t *testing.T) {
	folder := copyFolder(t, "open_clip")
	_, err := Import(folder.Path, filepath.Join(t.TempDir(), "out.pt"), ImportOptions{Architecture: "ViT-Z-99"})
	assert.ErrorContains(t, err, `there is no architecture "ViT-Z-99"`)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	assert.Equal(t, "ViT-B-32-quickgelu", canonicalName("ViT-B/32"))
	assert.Equal(t, "RN50", canonicalName("RN50"))
	for _, name := range Architectures() {
		n := networks[name]
		if n.Vision.TimmName == "" {
			assert.NoError(t, n.check(), name)
			continue
		}
		// Its other sizes come with the weights.
		assert.NoError(t, n.Text.check(n.EmbeddingDimension), name)
		family := trunkFamilies[familyOf(n.Vision.TimmName)]
		require.NotNil(t, family, name)
		assert.Contains(t, family.pools, n.Vision.TimmPool, name)
	}
	uint8Storage := torch.Uint8
	_, err = Import(folder.Path, filepath.Join(t.TempDir(), "out.pt"), ImportOptions{Storage: &uint8Storage})
	assert.ErrorContains(t, err, "cannot be stored as uint8")
}
