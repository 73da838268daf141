package vqgan

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/internal/testkit/checkpoints"
	"github.com/clipvqgan/clipvqgan/internal/weights"
	"github.com/clipvqgan/clipvqgan/torch"
	"github.com/clipvqgan/clipvqgan/torch/checkpoint"
)

func copyFolder(t *testing.T, name string) checkpoints.Folder {
	t.Helper()
	return checkpoints.Copy(t, checkpointFolder(name))
}

func TestBadCheckpoints(t *testing.T) {
	const ckpt, yaml, codebook = "last.ckpt", "model.yaml", "quantize.embedding.weight"
	without := func(prefix string) func(map[string]*torch.Tensor) {
		return func(all map[string]*torch.Tensor) {
			maps.DeleteFunc(all, func(name string, _ *torch.Tensor) bool { return strings.HasPrefix(name, prefix) })
		}
	}
	for name, each := range map[string]struct {
		from   string
		source string // within the folder
		change func(checkpoints.Folder)
		wanted string
	}{
		"missing tensor": {"taming", "", func(f checkpoints.Folder) { f.EditState(ckpt, without("encoder.norm_out.bias")) },
			"it has no encoder.norm_out.bias"},
		"many missing tensors": {"taming", "", func(f checkpoints.Folder) { f.EditState(ckpt, without("decoder.up.")) }, "more"},
		"no encoder":           {"taming", "", func(f checkpoints.Folder) { f.EditState(ckpt, without("encoder.")) }, "it is no VQGAN"},
		"more tensors": {"taming", "", func(f checkpoints.Folder) {
			f.EditState(ckpt, func(all map[string]*torch.Tensor) { all["encoder.extra"] = torch.Zeros(torch.Shape{1}) })
		}, "nothing in the architecture takes its encoder.extra"},
		"not finite": {"taming", "", func(f checkpoints.Folder) {
			f.EditState(ckpt, func(all map[string]*torch.Tensor) {
				all["quant_conv.bias"] = torch.Zeros(torch.Shape{6}).Log()
			})
		}, "quant_conv.bias has values that are not finite"},
		"remapped tokens": {"taming", "", func(f checkpoints.Folder) {
			f.EditState(ckpt, func(all map[string]*torch.Tensor) { all["quantize.used"] = torch.Zeros(torch.Shape{1}) })
		}, "maps its tokens to fewer"},
		"remap in the configuration": {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "n_embed: 48", "n_embed: 48\n    remap: used.npy") },
			"maps its tokens to fewer"},
		"configuration of another width": {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "ch: 32", "ch: 64") },
			"with the network of model.yaml, encoder.conv_in.weight is [32 3 3 3], wanted [64 3 3 3]"},
		"configuration of another codebook": {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "n_embed: 48", "n_embed: 49") },
			"quantizer.embedding.weight is [48 6], wanted [49 6]"},
		"configuration of other attention": {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "- 8\n", "- 16\n") },
			"it has no encoder.down.1.attn.0.norm.weight"},
		"configuration with double_z":     {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "double_z: false", "double_z: true") }, "double_z is true"},
		"configuration of other channels": {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "in_channels: 3", "in_channels: 182") }, "images of 182 channels"},
		"configuration with nonsense":     {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "ch: 32", "ch: -32") }, "its ch is -32"},
		"configuration with a text":       {"taming", "", func(f checkpoints.Folder) { f.Replace(yaml, "ch: 32", "ch: ${width}") }, "model.yaml: it cannot be read"},
		"configuration that is no YAML":   {"taming", "", func(f checkpoints.Folder) { f.Write(yaml, "{a: [") }, "model.yaml: it cannot be read"},
		"configuration without weights":   {"taming", "", func(f checkpoints.Folder) { f.Remove(ckpt) }, "has no weights"},
		"linear attention": {"latent_diffusion", "", func(f checkpoints.Folder) { f.Replace("config.yaml", "ch: 32", "ch: 32\n      attn_type: linear") },
			`attn_type "linear" is not supported`},
		"truncated": {"taming", ckpt, checkpoints.Truncate(ckpt), ckpt},
		"no norm groups": {"taming", ckpt, func(f checkpoints.Folder) {
			f.EditState(ckpt, func(all map[string]*torch.Tensor) {
				for name, tensor := range maps.Clone(all) {
					if rest, ok := strings.CutPrefix(name, "quantize."); ok {
						all["quantizer."+rest] = tensor
						delete(all, name)
					}
				}
			})
			f.Remove(yaml)
		}, "do not tell the groups of its normalization: give one of"},
		"a first stage without codebook": {"taming", "m.safetensors", checkpoints.SaveTensor("first_stage_model.quant_conv.weight"), "no codebook"},
		"a KL autoencoder":               {"taming", "m.safetensors", checkpoints.SaveTensor("quant_conv.weight"), "a KL autoencoder, which has no codebook"},

		"diffusers, no config":      {"diffusers", "", func(f checkpoints.Folder) { f.Remove("config.json") }, "need their config.json"},
		"diffusers, no weights":     {"diffusers", "", func(f checkpoints.Folder) { f.Remove("diffusion_pytorch_model.safetensors") }, "has no weights"},
		"diffusers, no JSON":        {"diffusers", "", func(f checkpoints.Folder) { f.Write("config.json", "{") }, "config.json: it cannot be read"},
		"diffusers, other class":    {"diffusers", "", setJSON("_class_name", "AutoencoderKL"), "an AutoencoderKL, which has no codebook"},
		"diffusers, a UNet":         {"diffusers", "", setJSON("_class_name", "UNet2DModel"), `it describes a "UNet2DModel"`},
		"diffusers, spatial norm":   {"diffusers", "", setJSON("norm_type", "spatial"), "its z_channels 4 and embed_dim 6 differ, which no model with spatial normalization has"},
		"diffusers, norm type":      {"diffusers", "", setJSON("norm_type", "layer"), `norm_type "layer" is not supported`},
		"diffusers, activation":     {"diffusers", "", setJSON("act_fn", "mish"), `act_fn "mish" is not supported`},
		"diffusers, block type":     {"diffusers", "", setJSON("up_block_types", []string{"UpBlock2D", "UpBlock2D", "UpBlock2D"}), `block type "UpBlock2D"`},
		"diffusers, levels":         {"diffusers", "", setJSON("block_out_channels", []int{8, 8}), "3 down_block_types, 3 up_block_types and 2 block_out_channels"},
		"diffusers, groups":         {"diffusers", "", setJSON("norm_num_groups", 5), "5 groups of the normalization"},
		"diffusers, no groups":      {"diffusers", "", setJSON("norm_num_groups", 0), "norm_num_groups 0"},
		"diffusers, other width":    {"diffusers", "", setJSON("block_out_channels", []int{8, 8, 16}), "with the network of config.json"},
		"diffusers, other codebook": {"diffusers", "", setJSON("num_vq_embeddings", 50), "quantizer.embedding.weight is [48 6], wanted [50 6]"},
		"diffusers, truncated":      {"diffusers", "", checkpoints.Truncate("diffusion_pytorch_model.safetensors"), "diffusion_pytorch_model.safetensors"},

		"half a discrete VAE":       {"dalle", "encoder.pkl", func(f checkpoints.Folder) { f.Remove("decoder.pkl") }, "is the encoder of a discrete VAE alone"},
		"the other half":            {"dalle", "decoder.pkl", func(f checkpoints.Folder) { f.Remove("encoder.pkl") }, "is the decoder of a discrete VAE alone"},
		"twice the same half":       {"dalle", "", func(f checkpoints.Folder) { f.Write("decoder.pkl", f.Read("encoder.pkl")) }, "is no decoder of a discrete VAE"},
		"a half of another name":    {"dalle", "a.pkl", func(f checkpoints.Folder) { f.Write("a.pkl", f.Read("encoder.pkl")) }, "give the folder that has"},
		"truncated half":            {"dalle", "", checkpoints.Truncate("decoder.pkl"), "decoder.pkl"},
		"a discrete VAE, no tensor": {"dalle_state_dict", "dalle.pt", func(f checkpoints.Folder) { f.EditState("dalle.pt", without("weights.vae.enc.blocks.output.")) }, "it has no encoder.blocks.output.conv.weight"},

		"a CLIP":               {"taming", "m.safetensors", checkpoints.SaveTensor("visual.conv1.weight"), "it seems to be a CLIP"},
		"a text model":         {"taming", "m.safetensors", checkpoints.SaveTensor("bert.encoder.weight"), "it seems to be a text model"},
		"a diffusion model":    {"taming", "m.safetensors", checkpoints.SaveTensor("model.diffusion_model.input_blocks.0.0.weight"), "it seems to be a diffusion model"},
		"something else":       {"taming", "m.safetensors", checkpoints.SaveTensor("layer1.0.weight"), "none of its 1 tensors is a codebook"},
		"a codebook alone":     {"taming", "m.safetensors", checkpoints.SaveTensor(codebook), "it is no VQGAN"},
		"code in a pickle":     {"taming", "m.bin", func(f checkpoints.Folder) { f.Write("m.bin", checkpoints.DangerousPickle) }, "posix.system"},
		"a picture":            {"taming", "m.bin", func(f checkpoints.Folder) { f.Write("m.bin", checkpoints.Picture) }, "is no checkpoint"},
		"a number in a pickle": {"taming", "m.bin", checkpoints.SaveValue(int64(3)), "it holds no tensors by name"},
		"nothing":              {"taming", "missing.ckpt", func(checkpoints.Folder) {}, "does not exist"},
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
			assert.NoFileExists(t, output)
			if name == "not finite" {
				return // loading does not look at values
			}
			for _, open := range []func() error{
				func() error { _, err := Load(source); return err },
				func() error { _, err := ReadConfig(source); return err },
			} {
				err := open()
				assert.ErrorContains(t, err, each.wanted)
				assert.True(t, errors.Is(err, torch.ErrModel) || errors.Is(err, os.ErrNotExist), "%v", err)
			}
		})
	}
}

func setJSON(name string, value any) func(checkpoints.Folder) {
	return func(f checkpoints.Folder) { f.EditJSON("config.json", func(c map[string]any) { c[name] = value }) }
}

func TestImportOptions(t *testing.T) {
	folder := copyFolder(t, "taming_without_yaml")
	output := filepath.Join(t.TempDir(), "out.pt")
	_, err := Import(folder.Path, output, ImportOptions{Architecture: "f99"})
	assert.ErrorContains(t, err, `there is no architecture "f99"; known are dvae-f8-8192, f16-1024`)
	assert.ErrorIs(t, err, torch.ErrInvalid)
	_, err = Import(folder.Path, output, ImportOptions{Architecture: "f16-1024"})
	assert.ErrorContains(t, err, "encoder.conv_in.weight is [32 3 3 3], wanted [128 3 3 3]")
	uint8Storage := torch.Uint8
	_, err = Import(folder.Path, output, ImportOptions{Storage: &uint8Storage})
	assert.ErrorContains(t, err, "cannot be stored as uint8")

	yaml := filepath.Join(checkpointFolder("taming"), "model.yaml")
	_, err = Import(folder.Path, output, ImportOptions{Configuration: filepath.Join(folder.Path, "missing.yaml")})
	assert.ErrorContains(t, err, "the configuration "+filepath.Join(folder.Path, "missing.yaml")+" does not exist")
	folder.Write("other.yaml", "services: {}\n")
	_, err = Import(folder.Path, output, ImportOptions{Configuration: filepath.Join(folder.Path, "other.yaml")})
	assert.ErrorContains(t, err, "other.yaml describes no autoencoder with a codebook")
	assert.NoFileExists(t, output)
	var last, most int
	config, err := Import(folder.Path, output, ImportOptions{Configuration: yaml, Progress: func(done, total int) error {
		last, most = done, total
		return nil
	}})
	require.NoError(t, err)
	assert.EqualValues(t, 32, config.ImageSize, "the configuration's")
	assert.Equal(t, most, last)
	assert.Positive(t, last)
	_, err = Import(folder.Path, output, ImportOptions{Progress: func(int, int) error { return os.ErrDeadlineExceeded }})
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	// Shapes do not tell the size of the images that it was trained on.
	config, err = ReadConfig(folder.Path)
	require.NoError(t, err)
	assert.EqualValues(t, 256, config.ImageSize)
}

func TestKnownArchitectures(t *testing.T) {
	for _, name := range Architectures() {
		assert.NoError(t, designs[name].check(), name)
		assert.Equal(t, name, known(designs[name]), name)
		settings, err := json.Marshal(designs[name])
		require.NoError(t, err)
		decoded, err := decodeDesign(settings)
		require.NoError(t, err)
		assert.Equal(t, name, known(decoded))
	}
}

func TestAttentionOfTheEncoderAlone(t *testing.T) {
	n := taming(1024, 256, []float64{1, 2}, 128)
	assert.True(t, n.Structure.attends(1, true), "the decoder's is the encoder's")
	n.Structure.DecoderAttention = []int64{}
	settings, err := json.Marshal(n)
	require.NoError(t, err)
	decoded, err := decodeDesign(settings)
	require.NoError(t, err)
	s := decoded.(*network).Structure
	assert.True(t, s.attends(1, false))
	assert.False(t, s.attends(1, true))
	assert.False(t, s.attends(0, false))
}

func TestPublishedConfigurations(t *testing.T) {
	for name, text := range map[string]string{
		"vq-f4": `
model:
  target: ldm.models.autoencoder.VQModel
  params: {embed_dim: 3, n_embed: 8192, monitor: val/rec_loss, ddconfig: {double_z: false, z_channels: 3,
    resolution: 256, in_channels: 3, out_ch: 3, ch: 128, ch_mult: [1, 2, 4], num_res_blocks: 2, attn_resolutions: [], dropout: 0.0}}`,
		"f16-16384": `
model:
  target: taming.models.vqgan.VQModel
  params: {embed_dim: 256, n_embed: 16384, ddconfig: {double_z: False, z_channels: 256, resolution: 256,
    in_channels: 3, out_ch: 3, ch: 128, ch_mult: [1, 1, 2, 2, 4], num_res_blocks: 2, attn_resolutions: [16], dropout: 0.0}}`,
	} {
		model, err := parseConfiguration([]byte(text), false)
		require.NoError(t, err)
		n, err := model.network(weights.NewSet("", nil), false)
		require.NoError(t, err)
		assert.Equal(t, name, known(n))
	}
}

// The archive that Python's TorchScript wrote, and the one that Go writes from its weights.
func TestImportedArchiveComputesTheSame(t *testing.T) {
	source := filepath.Join("..", "models", "vqgan.pt")
	output := filepath.Join(t.TempDir(), "out.pt")
	imported, err := Import(source, output, ImportOptions{})
	require.NoError(t, err)
	original, err := Load(source)
	require.NoError(t, err)
	defer original.Close()
	model, err := Load(output)
	require.NoError(t, err)
	defer model.Close()
	assert.Equal(t, imported, model.Config())
	assert.Equal(t, original.Config().SourceSHA256, imported.SourceSHA256, "the original source")

	images := torch.RandN(torch.Shape{2, 3, 32, 48}).Clamp(-1, 1)
	compute := func(m *Model) []any {
		latents, err := m.Encode(t.Context(), images)
		require.NoError(t, err)
		quantized, err := m.Quantize(t.Context(), latents)
		require.NoError(t, err)
		decoded, err := m.Decode(t.Context(), quantized.Latent)
		require.NoError(t, err)
		return []any{latents.Float32s(), torch.ToSlice[int64](quantized.Tokens), quantized.Loss.Item(), decoded.Float32s()}
	}
	assert.Equal(t, compute(original), compute(model))
}

// Kandinsky's own checkpoint of MoVQ has the names of taming-transformers.
func TestSpatialNormUnderTamingsNames(t *testing.T) {
	folder := checkpoints.Copy(t, t.TempDir())
	archive := folder.File("archive.pt")
	_, err := Import(checkpointFolder("diffusers_movq"), archive, ImportOptions{})
	require.NoError(t, err)
	file, err := weights.Open(archive)
	require.NoError(t, err)
	defer file.Close()
	state := torch.NewDict()
	list, err := checkpoint.Tensors(file.Value)
	require.NoError(t, err)
	for _, each := range list {
		tensor, err := each.Tensor.Read()
		require.NoError(t, err)
		state.Set(strings.Replace(each.Name, "quantizer.", "quantize.", 1), tensor)
	}
	require.NoError(t, checkpoint.Save(folder.File("movq.ckpt"), state))
	model, err := Load(folder.File("movq.ckpt"))
	require.NoError(t, err)
	defer model.Close()
	assert.Equal(t, "movq-f4-48", model.Config().Architecture)
	checkAgainst(t, model, readReference(t, "diffusers_movq"))
}
