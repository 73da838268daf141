"""Full-size CLIPs with random weights, saved by the package that defines them in its published
layout, opened by package clip: the same tokens, embeddings and gradients.

    python scripts/parity/test_clip.py                # all, some minutes
    python scripts/parity/test_clip.py Published.test_openai_vit_b_32
    PARITY_WRITE=1 python scripts/parity/test_clip.py # and write docs/parity.md
"""

import gc
import io
import json
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

from parity import COSINE, DIFFERENCE, ROOT, compare, run_go, write_row

warnings.simplefilter("ignore")
import clip.clip  # noqa: E402
import clip.model  # noqa: E402
import open_clip  # noqa: E402
import sentencepiece  # noqa: E402
import transformers  # noqa: E402

sys.path.insert(0, str(ROOT / "scripts/reference"))
from reference_clip_checkpoints import apple_state, bert_tokenizer  # noqa: E402

PROMPTS = ["a photo of a cat.", "don't panic: 42 café", "a slice of pizza"]
SECTION = "CLIP"


def scramble(model: torch.nn.Module) -> None:
    """Norms and biases that are not ones and zeros, so that each of them matters."""
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if (parameter.dim() == 1 or name.endswith("gamma")) and "logit" not in name:
            noise = 0.1 * torch.randn(parameter.shape, generator=generator)
            parameter.data.copy_(1 + noise if name.endswith("weight") else noise)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.copy_(0.75 + 0.5 * torch.rand(buffer.shape, generator=generator))


class Published(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(gc.collect)
        self.folder = Path(folder.name)

    def check(self, name: str, package: str, checkpoint: Path, size: int, encode_image, encode_text,
              tokens: torch.Tensor, mean, std, dtype=torch.float32):
        pixels = torch.rand(2, 3, size, size, dtype=dtype)
        picture = pixels.clone().requires_grad_(True)
        shape = (1, 3, 1, 1)
        image = encode_image((picture - torch.tensor(mean, dtype=dtype).view(shape))
                             / torch.tensor(std, dtype=dtype).view(shape))
        weights = torch.arange(image.numel(), dtype=dtype).reshape(image.shape).cos()
        (image * weights).sum().backward()
        with torch.no_grad():
            text = encode_text(tokens)
        got = run_go("clip_outputs", checkpoint, self.folder, {"pixels": pixels, "weights": weights},
                     {"text": "\n".join(PROMPTS), "dtype": str(dtype).removeprefix("torch.")})
        self.assertTrue(torch.equal(got["tokens"], tokens.long()), "tokens")
        columns = [package, str(dtype).removeprefix("torch.")]
        for what, wanted in (("image", image), ("text", text), ("gradient", picture.grad)):
            self.assertGreater(wanted.abs().max(), 1e-6, what)
            cosine, difference = compare(wanted, got[what])
            columns.append(f"{difference:.1e}")
            self.assertGreater(cosine, COSINE, what)
            self.assertLess(difference, DIFFERENCE, what)
        write_row(SECTION, name, columns)

    def openai(self, name: str, dtype=torch.float32, **arguments):
        model = clip.model.CLIP(context_length=77, vocab_size=49408, **arguments)
        scramble(model)
        model.eval().half().to(dtype)  # published in float16
        if dtype == torch.float64:
            # openai-clip's own casts to float32.
            self.addCleanup(setattr, clip.model.LayerNorm, "forward", clip.model.LayerNorm.forward)
            clip.model.LayerNorm.forward = torch.nn.LayerNorm.forward
        size = arguments["image_resolution"]
        state = {key: value.half() for key, value in model.state_dict().items()
                 if not key.endswith("num_batches_tracked")}
        for key, value in (("input_resolution", size), ("context_length", 77), ("vocab_size", 49408)):
            state[key] = torch.tensor(value)
        path = self.folder / "model.pt"
        torch.save(state, path)
        processing = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        self.check(name, "openai-clip", path, size, model.encode_image, model.encode_text,
                   clip.clip.tokenize(PROMPTS), *processing, dtype)

    def test_openai_rn50(self):
        # In float32 the rounding turns ReLUs of activations near zero on or off, in either package.
        self.openai("RN50", torch.float64, embed_dim=1024, image_resolution=224, vision_layers=(3, 4, 6, 3),
                    vision_width=64, vision_patch_size=None, transformer_width=512,
                    transformer_heads=8, transformer_layers=12)

    def test_openai_vit_b_32(self):
        self.openai("ViT-B/32", embed_dim=512, image_resolution=224, vision_layers=12,
                    vision_width=768, vision_patch_size=32, transformer_width=512,
                    transformer_heads=8, transformer_layers=12)

    def test_openai_vit_l_14_336(self):
        self.openai("ViT-L/14@336px", embed_dim=768, image_resolution=336, vision_layers=24,
                    vision_width=1024, vision_patch_size=14, transformer_width=768,
                    transformer_heads=12, transformer_layers=12)

    def open_clip(self, name: str):
        model, _, _ = open_clip.create_model_and_transforms(name, pretrained=None)
        scramble(model)
        model.eval()
        config = open_clip.get_model_config(name)
        processing = open_clip.get_model_preprocess_cfg(model)
        (self.folder / "open_clip_config.json").write_text(json.dumps({
            "model_cfg": config,
            "preprocess_cfg": {key: processing[key] for key in ("mean", "std", "interpolation", "resize_mode")}}))
        save_file({key: value.contiguous() for key, value in model.state_dict().items()},
                  self.folder / "open_clip_model.safetensors")
        # CoCa's embeddings have unit length unless it is told otherwise.
        keywords = {"normalize": False} if isinstance(model, open_clip.CoCa) else {}
        self.check(name, "open_clip_torch", self.folder, processing["size"][0] if isinstance(
            processing["size"], (tuple, list)) else processing["size"],
            lambda picture: model.encode_image(picture, **keywords),
            lambda tokens: model.encode_text(tokens, **keywords), open_clip.get_tokenizer(name)(PROMPTS), processing["mean"],
            processing["std"])

    def test_open_clip_vit_h_14(self):
        self.open_clip("ViT-H-14")

    def test_open_clip_vit_b_32(self):
        self.open_clip("ViT-B-32")

    def test_open_clip_convnext_base_w(self):
        self.open_clip("convnext_base_w")

    def test_open_clip_eva02_b_16(self):
        self.open_clip("EVA02-B-16")

    def test_open_clip_coca_vit_b_32(self):
        self.open_clip("coca_ViT-B-32")

    def test_open_clip_mobileclip_s1(self):
        self.open_clip("MobileCLIP-S1")

    def test_open_clip_coca_base(self):
        self.open_clip("coca_base")

    def test_open_clip_clipa(self):
        """Its tokenizer is BERT's, of which a small vocabulary lies beside it."""
        config = open_clip.get_model_config("ViT-L-14-CLIPA")
        model = open_clip.CLIP(**config)
        scramble(model)
        model.eval()
        processing = open_clip.get_pretrained_cfg("ViT-L-14-CLIPA", "datacomp1b")
        mean, std = processing["mean"], processing["std"]
        (self.folder / "open_clip_config.json").write_text(json.dumps({
            "model_cfg": config, "preprocess_cfg": {key: processing[key] for key in (
                "mean", "std", "interpolation", "resize_mode")}}))
        save_file({key: value.contiguous() for key, value in model.state_dict().items()},
                  self.folder / "open_clip_model.safetensors")
        tokenizer = bert_tokenizer(self.folder, config["text_cfg"])
        self.check("ViT-L-14-CLIPA", "open_clip_torch", self.folder, 224, model.encode_image, model.encode_text,
                   tokenizer(PROMPTS), mean, std)

    def test_apple_mobileclip(self):
        """One file under Apple's names, whose architecture its shapes tell."""
        for name in ("MobileCLIP-S1", "MobileCLIP-B"):
            with self.subTest(name):
                model, _, _ = open_clip.create_model_and_transforms(name, pretrained=None)
                scramble(model)
                model.eval()
                path = self.folder / "mobileclip.pt"
                torch.save(apple_state(model), path)
                self.check(f"{name}, Apple's file", "open_clip_torch", path, open_clip.get_model_config(name)["vision_cfg"]["image_size"],
                           model.encode_image, model.encode_text, open_clip.get_tokenizer(name)(PROMPTS), (0, 0, 0), (1, 1, 1))

    def test_open_clip_efficientnet_lite0(self):
        path = self.folder / "efficientnet_lite0.json"
        path.write_text(json.dumps({
            "embed_dim": 512,
            "vision_cfg": {"timm_model_name": "tf_efficientnet_lite0", "timm_model_pretrained": False, "timm_pool": "avg",
                           "timm_proj": "linear", "image_size": 224},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12}}))
        open_clip.add_model_config(path)
        self.open_clip(path.stem)

    def test_hugging_face_clip(self):
        model = transformers.CLIPModel(transformers.CLIPConfig()).eval()
        scramble(model)
        model.save_pretrained(self.folder)
        transformers.CLIPImageProcessor().save_pretrained(self.folder)
        tokens = clip.clip.tokenize(PROMPTS)
        self.check("CLIPModel, clip-vit-base-patch32", "transformers", self.folder, 224,
                   lambda picture: model.visual_projection(
                       model.vision_model(pixel_values=picture).pooler_output),
                   lambda tokens: model.text_projection(
                       model.text_model(input_ids=tokens).pooler_output),
                   tokens, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)

    def siglip_tokenizer(self):
        """SigLIP's own vocabulary comes with its weights alone: a small one in its layout."""
        model, words = io.BytesIO(), " ".join(PROMPTS).lower().split()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(words[i:] + words[:i]) for i in range(len(words))] * 20),
            model_writer=model, vocab_size=30, model_type="unigram", pad_id=0, eos_id=1, unk_id=2,
            bos_id=-1, minloglevel=2)
        path = self.folder / "spiece.model"
        path.write_bytes(model.getvalue())
        tokenizer = transformers.SiglipTokenizer(str(path))
        tokenizer.model_max_length = 64
        tokenizer.save_pretrained(self.folder)
        path.write_bytes(model.getvalue())
        return tokenizer(PROMPTS, padding="max_length", max_length=64, return_tensors="pt").input_ids

    def test_hugging_face_siglip(self):
        model = transformers.SiglipModel(transformers.SiglipConfig()).eval()
        scramble(model)
        model.save_pretrained(self.folder)
        transformers.SiglipImageProcessor().save_pretrained(self.folder)
        half = (0.5, 0.5, 0.5)
        self.check("SiglipModel, siglip-base-patch16-224", "transformers", self.folder, 224,
                   lambda picture: model.vision_model(pixel_values=picture).pooler_output,
                   lambda tokens: model.text_model(input_ids=tokens).pooler_output,
                   self.siglip_tokenizer(), half, half)

    def test_open_clip_siglip(self):
        for name in ("ViT-B-16-SigLIP", "ViT-B-16-SigLIP2"):
            with self.subTest(name):
                config = open_clip.get_model_config(name)
                # Its vocabulary of 256,000 tokens would be 800 MB, of which nothing new is learned.
                config["text_cfg"]["vocab_size"] = 32000
                model = open_clip.CustomTextCLIP(**{k: v for k, v in config.items() if k != "custom_text"})
                scramble(model)
                model.eval()
                half = [0.5, 0.5, 0.5]
                (self.folder / "open_clip_config.json").write_text(json.dumps({
                    "model_cfg": config, "preprocess_cfg": {"mean": half, "std": half,
                                                            "interpolation": "bicubic", "resize_mode": "squash"}}))
                save_file({key: value.contiguous() for key, value in model.state_dict().items()},
                          self.folder / "open_clip_model.safetensors")
                self.check(name, "open_clip_torch", self.folder, 224, model.encode_image,
                           model.encode_text, self.siglip_tokenizer(), half, half)


if __name__ == "__main__":
    unittest.main()
