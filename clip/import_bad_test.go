package clip

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
	"github.com/clipvqgan/clipvqgan/torch/safetensors"
)

// A brokenFolder is a copy of a checkpoint's folder that a test changes.
type brokenFolder struct {
	t    *testing.T
	path string
}

func copyFolder(t *testing.T, name string) brokenFolder {
	t.Helper()
	folder := brokenFolder{t, t.TempDir()}
	require.NoError(t, os.CopyFS(folder.path, os.DirFS(checkpointFolder(name))))
	return folder
}

func (f brokenFolder) remove(name string) {
	require.NoError(f.t, os.Remove(filepath.Join(f.path, name)))
}

func (f brokenFolder) write(name, contents string) {
	require.NoError(f.t, os.WriteFile(filepath.Join(f.path, name), []byte(contents), 0o600))
}

// editJSON changes a JSON file.
func (f brokenFolder) editJSON(name string, change func(map[string]any)) {
	data, err := os.ReadFile(filepath.Join(f.path, name))
	require.NoError(f.t, err)
	var contents map[string]any
	require.NoError(f.t, json.Unmarshal(data, &contents))
	change(contents)
	data, err = json.Marshal(contents)
	require.NoError(f.t, err)
	f.write(name, string(data))
}

// editTensors changes the tensors of a safetensors file.
func (f brokenFolder) editTensors(name string, change func(map[string]*torch.Tensor)) {
	path := filepath.Join(f.path, name)
	list, metadata, err := safetensors.Load(path)
	require.NoError(f.t, err)
	tensors := map[string]*torch.Tensor{}
	for _, each := range list {
		tensors[each.Name] = each.Tensor
	}
	change(tensors)
	list = nil
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		list = append(list, torch.NamedTensor{Name: name, Tensor: tensors[name]})
	}
	require.NoError(f.t, safetensors.Save(path, list, metadata))
}

func TestBadCheckpoints(t *testing.T) {
	const weightsFile = "open_clip_model.safetensors"
	for name, each := range map[string]struct {
		from   string
		source string // within the folder
		change func(brokenFolder)
		wanted string
	}{
		"missing tensor": {"open_clip", "", func(f brokenFolder) {
			f.editTensors(weightsFile, func(all map[string]*torch.Tensor) { delete(all, "visual.ln_post.weight") })
		}, "it has no visual.ln_post.weight"},
		"many missing tensors": {"open_clip", "", func(f brokenFolder) {
			f.editTensors(weightsFile, func(all map[string]*torch.Tensor) {
				maps.DeleteFunc(all, func(name string, _ *torch.Tensor) bool { return strings.HasPrefix(name, "transformer.") })
			})
		}, "and 9 more"},
		"other shape": {"open_clip", "", func(f brokenFolder) {
			f.editTensors(weightsFile, func(all map[string]*torch.Tensor) { all["text_projection"] = torch.Zeros(torch.Shape{16, 12}) })
		}, "text_projection is [16 12], wanted [16 16]"},
		"more tensors": {"open_clip", "", func(f brokenFolder) {
			f.editTensors(weightsFile, func(all map[string]*torch.Tensor) { all["visual.extra"] = torch.Zeros(torch.Shape{1}) })
		}, "nothing in the architecture takes its visual.extra"},
		"config of another size": {"open_clip", "", func(f brokenFolder) {
			f.editJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["vision_cfg"].(map[string]any)["width"] = 32
			})
		}, "visual.conv1.weight is [24 3 8 8], wanted [32 3 8 8]"},
		"config of another family": {"open_clip", "", func(f brokenFolder) {
			f.editJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["vision_cfg"].(map[string]any)["timm_model_name"] = "swin"
			})
		}, "its image encoder swin, a network of timm, is not supported"},
		"weights of timm's network without config": {"open_clip_eva02", "", func(f brokenFolder) { f.remove("open_clip_config.json") }, "give the architecture by name"},
		"config with nonsense": {"open_clip", "", func(f brokenFolder) {
			f.editJSON("open_clip_config.json", func(c map[string]any) {
				c["model_cfg"].(map[string]any)["text_cfg"].(map[string]any)["heads"] = -3
			})
		}, "text_cfg.heads is -3"},
		"config that is no JSON":    {"open_clip", "", func(f brokenFolder) { f.write("open_clip_config.json", "{") }, "open_clip_config.json: it cannot be read"},
		"config without model":      {"open_clip", "", func(f brokenFolder) { f.write("open_clip_config.json", "{}") }, "it has no model_cfg"},
		"config without weights":    {"open_clip", "", func(f brokenFolder) { f.remove(weightsFile) }, "has no weights"},
		"weights without config":    {"open_clip", "", func(f brokenFolder) { f.remove("open_clip_config.json") }, "put its open_clip_config.json beside it"},
		"another vocabulary":        {"open_clip", "", func(f brokenFolder) { f.write("bpe_merges.txt", "a b\n") }, "makes a vocabulary of 515, the model has 530"},
		"no vocabulary":             {"open_clip", "", func(f brokenFolder) { f.remove("bpe_merges.txt") }, "no files of a tokenizer are beside it"},
		"truncated safetensors":     {"open_clip", "", truncate(weightsFile), weightsFile},
		"truncated archive":         {"openai_vit", "model.pt", truncate("model.pt"), "model.pt"},
		"truncated state dict":      {"openai_state_dict", "model.pt", truncate("model.pt"), "model.pt"},
		"Hugging Face, no config":   {"huggingface", "", func(f brokenFolder) { f.remove("config.json") }, "need their config.json"},
		"Hugging Face, other model": {"huggingface", "", func(f brokenFolder) { f.write("config.json", `{"model_type": "bert"}`) }, `a model of type "bert"`},
		"unknown tokenizer": {"huggingface", "", func(f brokenFolder) {
			f.editJSON("tokenizer_config.json", func(c map[string]any) { c["tokenizer_class"] = "LlamaTokenizer" })
		}, `names the tokenizer_class "LlamaTokenizer", which is not supported`},
		"damaged tokenizer": {"huggingface", "", func(f brokenFolder) { f.write("tokenizer.json", "{") }, "tokenizer.json cannot be used"},
		"no tokenizer":      {"huggingface_siglip", "", func(f brokenFolder) { f.remove("spiece.model") }, "no files of a tokenizer are beside it"},
		"Hugging Face, other size": {"huggingface", "", func(f brokenFolder) {
			f.editJSON("config.json", func(c map[string]any) { c["projection_dim"] = 17 })
		}, "visual.proj is [24 16], wanted [24 17]"},
		"Hugging Face, other activation": {"huggingface", "", func(f brokenFolder) {
			f.editJSON("config.json", func(c map[string]any) { c["text_config"].(map[string]any)["hidden_act"] = "mish" })
		}, `activation "mish"`},
		"Hugging Face, other filter": {"huggingface", "", func(f brokenFolder) {
			f.editJSON("preprocessor_config.json", func(c map[string]any) { c["resample"] = 5 })
		}, "resampling filter 5"},
		"a part is missing": {"huggingface_sharded", "", func(f brokenFolder) { f.remove("model-00002-of-00004.safetensors") }, "model-00002-of-00004.safetensors"},
		"a part elsewhere": {"huggingface_sharded", "", func(f brokenFolder) {
			f.editJSON("model.safetensors.index.json", func(c map[string]any) {
				c["weight_map"].(map[string]any)["logit_scale"] = "../secret.safetensors"
			})
		}, "not beside it"},
		"a text model":         {"open_clip", "m.safetensors", saved("bert.encoder.weight"), "it seems to be a text model"},
		"a diffusion model":    {"open_clip", "m.safetensors", saved("model.diffusion_model.input_blocks.0.0.weight"), "it seems to be a diffusion model"},
		"a VQGAN":              {"open_clip", "m.safetensors", saved("quantize.embedding.weight"), "it seems to be a VQGAN"},
		"something else":       {"open_clip", "m.safetensors", saved("layer1.0.weight"), "none of its 1 tensors is an image encoder's"},
		"code in a pickle":     {"open_clip", "m.bin", func(f brokenFolder) { f.write("m.bin", dangerousPickle) }, "posix.system"},
		"a picture":            {"open_clip", "m.bin", func(f brokenFolder) { f.write("m.bin", "\x89PNG\r\n\x1a\n0000000000000000") }, "is no checkpoint"},
		"a number in a pickle": {"open_clip", "m.bin", savedValue(int64(3)), "it holds no tensors by name"},
		"an image encoder of another kind": {"open_clip", "", func(f brokenFolder) {
			f.remove("open_clip_config.json")
			f.editTensors(weightsFile, func(all map[string]*torch.Tensor) { delete(all, "visual.proj") })
		}, "its image encoder is of no known family"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := copyFolder(t, each.from)
			each.change(folder)
			source := filepath.Join(folder.path, each.source)
			output := filepath.Join(t.TempDir(), "out.pt")
			_, err := Import(source, output, ImportOptions{})
			require.Error(t, err)
			assert.ErrorContains(t, err, each.wanted)
			assert.ErrorContains(t, err, folder.path, "it names the file")
			assert.NotContains(t, err.Error(), "\n")
			_, statErr := os.Stat(output)
			assert.ErrorIs(t, statErr, os.ErrNotExist)
			_, loadErr := Load(source)
			assert.ErrorContains(t, loadErr, each.wanted)
			assert.True(t, errorIsOneOf(loadErr, torch.ErrModel, os.ErrNotExist), "%v", loadErr)
		})
	}
}

func errorIsOneOf(err error, kinds ...error) bool {
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

func truncate(name string) func(brokenFolder) {
	return func(f brokenFolder) {
		path := filepath.Join(f.path, name)
		info, err := os.Stat(path)
		require.NoError(f.t, err)
		require.NoError(f.t, os.Truncate(path, info.Size()/2))
	}
}

func saved(name string) func(brokenFolder) {
	return func(f brokenFolder) {
		require.NoError(f.t, safetensors.Save(filepath.Join(f.path, "m.safetensors"),
			[]torch.NamedTensor{{Name: name, Tensor: torch.Zeros(torch.Shape{2})}}, nil))
	}
}

func savedValue(value any) func(brokenFolder) {
	return func(f brokenFolder) { require.NoError(f.t, checkpoint.Save(filepath.Join(f.path, "m.bin"), value)) }
}

// dangerousPickle is a file of torch.save's old format whose value would be os.system("true").
var dangerousPickle = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03." +
	"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.\x80\x02]."

func TestArchitecturesByName(t *testing.T) {
	folder := copyFolder(t, "open_clip")
	_, err := Import(folder.path, filepath.Join(t.TempDir(), "out.pt"), ImportOptions{Architecture: "ViT-Z-99"})
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
		assert.NoError(t, n.Text.check(), name)
		family := trunkFamilies[familyOf(n.Vision.TimmName)]
		require.NotNil(t, family, name)
		assert.Contains(t, family.pools, n.Vision.TimmPool, name)
	}
	uint8Storage := torch.Uint8
	_, err = Import(folder.path, filepath.Join(t.TempDir(), "out.pt"), ImportOptions{Storage: &uint8Storage})
	assert.ErrorContains(t, err, "cannot be stored as uint8")
}
