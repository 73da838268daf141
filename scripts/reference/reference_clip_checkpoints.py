"""Writes small CLIPs in the layouts in which models are published, and what the packages that define
them compute, into clip/testdata/checkpoints.

    python scripts/reference/reference_clip_checkpoints.py            # all
    python scripts/reference/reference_clip_checkpoints.py mobileclip # those of one writer

Each folder has the files as published, tokens and pictures, the embeddings, and the gradient of the
sum of the picture's embedding weighted by cos(i) in the picture.
"""

import functools
import gzip
import io
import json
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file

warnings.simplefilter("ignore")
import clip.model as openai  # noqa: E402
import open_clip  # noqa: E402
import open_clip.convert  # noqa: E402
import open_clip.timm_model  # noqa: E402
import sentencepiece  # noqa: E402
import timm  # noqa: E402
import transformers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "clip" / "testdata" / "checkpoints"
sys.path.insert(0, str(ROOT / "scripts/reference"))
from clip_tokens import make_tokenizer, read_merges, tokenize  # noqa: E402

MERGES = 16
VOCABULARY = 514 + MERGES
CONTEXT = 8


def scramble(model: torch.nn.Module) -> None:
    """Weights that make every part matter: fresh ones are zeros and ones in places."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if name.endswith("logit_scale") or name.endswith("logit_bias"):
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        fan = parameter[0].numel() if parameter.dim() > 1 else 16
        parameter.data = noise / fan ** 0.5 + (1.0 if parameter.dim() == 1 and "weight" in name else 0.0)
        if "reparam_conv.weight" in name:
            parameter.data *= 2  # nothing normalizes after it
        if ".bn" in name and name.endswith("bias"):
            parameter.data += 1  # few channels, and none of them dead
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))


def share_weights(model: torch.nn.Module) -> None:
    """Makes the parameters, in float16, parts of a few storages, which a file holds once: its widths
    cannot be small where a head is 64 wide."""
    generator = torch.Generator().manual_seed(2)
    groups = {}
    for name, parameter in model.named_parameters():
        if parameter.dim() > 0:
            groups.setdefault(min(parameter[0].numel(), 64) if parameter.dim() > 1 else 16, []).append((name, parameter))
    for fan, parameters in groups.items():
        largest = max(parameter.numel() for _, parameter in parameters)
        pool = (torch.randn(largest + 512, generator=generator) / fan ** 0.5).half()
        for name, parameter in parameters:
            start = int(torch.randint(0, len(pool) - parameter.numel() + 1, (1,), generator=generator))
            parameter.data = pool[start:start + parameter.numel()].reshape(parameter.shape)
            if parameter.dim() == 1 and name.endswith("weight"):
                parameter.data = 1 + parameter.data
            if ".bn" in name and name.endswith("bias"):
                parameter.data = 1 + parameter.data
    statistics = {"running_mean": (0.1 * torch.randn(256, generator=generator)).half(),
                  "running_var": (0.5 + torch.rand(256, generator=generator)).half()}
    counter = torch.zeros((), dtype=torch.int64)
    for name, buffer in model.named_buffers():
        module, _, last = name.rpartition(".")
        if last in statistics:
            start = int(torch.randint(0, 256 - buffer.numel() + 1, (1,), generator=generator))
            setattr(model.get_submodule(module), last, statistics[last][start:start + buffer.numel()])
        elif last == "num_batches_tracked":
            setattr(model.get_submodule(module), last, counter)


def inputs(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    picture = torch.linspace(-1, 1, 2 * 3 * size * size).reshape(2, 3, size, size).sin()
    tokens = torch.zeros(2, CONTEXT, dtype=torch.int64)
    for row, text in enumerate([[300, 47, 520], [12, 525, 301, 99, 512, 77]]):
        tokens[row, :len(text) + 2] = torch.tensor([VOCABULARY - 2, *text, VOCABULARY - 1])
    return picture, tokens


TEXTS = ["a Cat", "it, is!"]


def write_merges(folder: Path) -> None:
    (folder / "bpe_merges.txt").write_text("\n".join(read_merges(MERGES)) + "\n", encoding="utf-8")


def openai_tokens(texts: list[str]) -> torch.Tensor:
    return tokenize(make_tokenizer(read_merges(MERGES)), texts, CONTEXT)


def open_clip_tokens(texts: list[str]) -> torch.Tensor:
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(gzip.compress("\n".join(["#version: 0.2", *read_merges(MERGES)]).encode()))
        file.flush()
        return open_clip.tokenizer.SimpleTokenizer(file.name, context_length=CONTEXT)(texts)


def record(folder: Path, size: int, encode_image, encode_text, scale: float, tokenizer) -> None:
    picture, tokens = inputs(size)
    values = {"size": size, "logit_scale": scale}
    if encode_image:
        picture.requires_grad_(True)
        image = encode_image(picture)
        weights = torch.arange(image.numel(), dtype=torch.float32).reshape(image.shape).cos()
        (image * weights).sum().backward()
        values["image"] = [round(x, 7) for x in image.flatten().tolist()]
        values["gradient"] = [round(x, 8) for x in picture.grad[0, :, ::3, ::3].flatten().tolist()]
    if encode_text:
        values |= {"tokens": tokens.flatten().tolist(), "texts": TEXTS,
                   "text": [round(x, 7) for x in encode_text(tokens).flatten().tolist()],
                   "text_tokens": tokenizer(TEXTS).flatten().tolist()}
    with gzip.GzipFile(folder / "reference.json.gz", "w", mtime=0) as file:
        file.write(json.dumps(values).encode())
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder.relative_to(ROOT)}: {size} bytes")


def fresh(name: str) -> Path:
    folder = OUTPUT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def openai_model(resnet: bool) -> torch.nn.Module:
    model = openai.CLIP(
        embed_dim=16, image_resolution=32, vision_layers=(1, 1, 2, 1) if resnet else 1,
        vision_width=2 if resnet else 64, vision_patch_size=None if resnet else 8,
        context_length=CONTEXT, vocab_size=VOCABULARY, transformer_width=64, transformer_heads=1,
        transformer_layers=1)
    scramble(model)
    return model.eval()


def write_openai() -> None:
    """OpenAI's: in float16, traced, with three numbers as buffers."""
    for name, resnet in (("openai_vit", False), ("openai_resnet", True)):
        folder, model = fresh(name), openai_model(resnet)
        openai.convert_weights(model)
        model.half()
        share_weights(model)
        for key, value in (("input_resolution", 32), ("context_length", CONTEXT),
                           ("vocab_size", VOCABULARY)):
            setattr(model, key, value)
        state = model.state_dict()
        # build_model's, which casts to float16 again.
        model.float()
        picture, tokens = inputs(32)
        write_merges(folder)
        record(folder, 32, model.encode_image, model.encode_text, model.logit_scale.exp().item(), openai_tokens)
        model.half()
        for key, parameter in model.named_parameters():
            parameter.data = state[key]
        for key, _ in list(model.named_buffers()):
            module, _, last = key.rpartition(".")
            if key in state:
                setattr(model.get_submodule(module), last, state[key])

        class Archive(torch.nn.Module):
            """As in OpenAI's archives: the numbers are tensors, forward takes both."""

            def __init__(self):
                super().__init__()
                for key, child in model.named_children():
                    setattr(self, key, child)
                for key in ("positional_embedding", "text_projection", "logit_scale"):
                    setattr(self, key, getattr(model, key))
                for key, value in (("input_resolution", 32), ("context_length", CONTEXT),
                                   ("vocab_size", VOCABULARY)):
                    self.register_buffer(key, torch.tensor(value))

            def forward(self, image, text):
                return image, text

        archive = torch.jit.trace(Archive(), (picture.half(), tokens))
        torch.jit.save(archive, str(folder / "model.pt"))
        numbers = {key: torch.tensor(value) for key, value in
                   (("input_resolution", 32), ("context_length", CONTEXT), ("vocab_size", VOCABULARY))}
        if resnet:
            state_folder = fresh("openai_state_dict")
            torch.save({**state, **numbers}, state_folder / "model.pt")
            for path in folder.iterdir():
                if path.name != "model.pt":
                    shutil.copy(path, state_folder)


def open_clip_config(**changes) -> dict:
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 24, "head_width": 8, "patch_size": 8,
                       "mlp_ratio": 2.5},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 16, "heads": 2,
                     "layers": 1},
    }
    for part, settings in changes.items():
        if isinstance(settings, dict):
            config[part].update(settings)
        else:
            config[part] = settings
    return config


def write_open_clip(name: str, config: dict, custom: bool = False, save=None, settings=None, tokenizer=None,
                    prepare=None) -> None:
    """prepare gets the model, and save its state. tokenizer writes the files of one other than
    OpenAI's, and returns it."""
    folder = fresh(name)
    made = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    if "multimodal_cfg" in config:
        made = open_clip.CoCa
    model = made(**{key: value for key, value in config.items() if key != "custom_text"})
    scramble(model)
    model.eval()
    (folder / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": config | ({"vision_cfg": settings} if settings else {}),
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
                           "interpolation": "bicubic", "resize_mode": "shortest"}}))
    if prepare:
        prepare(model)
    (save or (lambda state: save_file(state, folder / "open_clip_model.safetensors")))(
        {key: value.contiguous() for key, value in model.state_dict().items()})
    if tokenizer:
        tokenizer = tokenizer(folder, config["text_cfg"])
    else:
        write_merges(folder)
    keywords = {"normalize": False} if made is open_clip.CoCa else {}
    record(folder, config["vision_cfg"]["image_size"], lambda picture: model.encode_image(picture, **keywords),
           lambda tokens: model.encode_text(tokens, **keywords), model.logit_scale.exp().item(), tokenizer or open_clip_tokens)


SIGLIP_TEXT = dict(no_causal_mask=True, proj_bias=True, pool_type="last", norm_kwargs={"eps": 1e-6},
                   act_kwargs={"approximate": "tanh"})


def write_open_clip_timm(name: str, config: dict, save=None, prepare=None, create=None, **sizes) -> None:
    """An image encoder of timm's, of other sizes than its name says, or what create makes of the name."""
    vision = config["vision_cfg"]
    settings = {key: value for key, value in vision.items() if key != "trunk"}
    created = timm.create_model

    def small(model_name, **kwargs):
        return created(model_name, **{**kwargs, **sizes})

    open_clip.timm_model.timm.create_model = create or small
    try:
        write_open_clip(name, dict(config, vision_cfg=settings), custom=True, settings=vision, save=save, prepare=prepare)
    finally:
        open_clip.timm_model.timm.create_model = created


def write_siglip() -> None:
    write_open_clip_timm("open_clip_siglip", open_clip_config(
        embed_dim=24, custom_text=True, init_logit_bias=-10, text_cfg=SIGLIP_TEXT) | {
        "vision_cfg": {"image_size": 32, "timm_model_name": "vit_base_patch16_siglip_224",
                       "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none",
                       "trunk": {"heads": 3}}},
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2.6)
    settings = dict(hidden_size=24, intermediate_size=56, num_attention_heads=3)
    model = transformers.SiglipModel(transformers.SiglipConfig(
        text_config=dict(settings, vocab_size=VOCABULARY, num_hidden_layers=1,
                         max_position_embeddings=CONTEXT, pad_token_id=0, bos_token_id=1, eos_token_id=1),
        vision_config=dict(settings, num_hidden_layers=2, image_size=32, patch_size=8))).eval()
    scramble(model)
    folder = fresh("huggingface_siglip")
    model.save_pretrained(folder)
    transformers.SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    record(folder, 32, lambda picture: model.vision_model(pixel_values=picture).pooler_output,
           lambda tokens: model.text_model(input_ids=tokens).pooler_output,
           model.logit_scale.exp().item(), siglip_tokenizer(folder))


def write_coca() -> None:
    # coca_base has no attentional pooling.
    write_open_clip("open_clip_coca_base", open_clip_config(
        custom_text=True, vision_cfg=dict(output_tokens=True), text_cfg=dict(embed_cls=True, output_tokens=True)) | {
        "multimodal_cfg": {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 16, "heads": 2,
                           "layers": 1, "attn_pooler_heads": 2}})
    for name, width in (("open_clip_coca", 24), ("open_clip_coca_equal_widths", 16)):
        write_open_clip(name, open_clip_config(
            custom_text=True,
            vision_cfg=dict(width=width, attentional_pool=True, attn_pooler_heads=4, attn_pooler_queries=6,
                            output_tokens=True),
            text_cfg=dict(embed_cls=True, output_tokens=True)) | {
            "multimodal_cfg": {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 16, "heads": 2,
                               "layers": 1, "attn_pooler_heads": 2}})


def bert_tokenizer(folder: Path, text: dict):
    """A tokenizer of a few words in the layout of bert-base-uncased."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "it", "is", ",", "!", "##s", "i", "##t"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}))
    return open_clip.tokenizer.HFTokenizer(str(folder), context_length=text["context_length"], **text["tokenizer_kwargs"])


def write_clipa() -> None:
    write_open_clip("open_clip_clipa", open_clip_config(
        vision_cfg=dict(no_ln_pre=True, pool_type="avg", final_ln_after_pool=True),
        text_cfg=dict(hf_tokenizer_name="bert-base-uncased", tokenizer_kwargs={"strip_sep_token": True},
                      pool_type="last", no_causal_mask=True)), tokenizer=bert_tokenizer)


def write_without_projection() -> None:
    """As ViT-SO400M-16-SigLIP-i18n-256: the text encoder's features are the embeddings."""
    write_open_clip("open_clip_no_projection", open_clip_config(
        custom_text=True, text_cfg=SIGLIP_TEXT | dict(proj_type="none", proj_bias=False)), custom=True)


EVAS = {
    "open_clip_eva02": ("eva02_base_patch16_clip_224", dict(mlp_ratio=4 * 2 / 3)),
    "open_clip_eva02_enormous": ("eva02_enormous_patch14_clip_224", dict(mlp_ratio=3)),
    "open_clip_eva01": ("eva_giant_patch14_224", dict(mlp_ratio=3)),
}


def write_eva() -> None:
    for name, (network, sizes) in EVAS.items():
        write_open_clip_timm(name, open_clip_config(custom_text=True) | {
            "vision_cfg": {"image_size": 32, "timm_model_name": network, "timm_model_pretrained": False,
                           "timm_pool": "token", "timm_proj": None, "trunk": {"heads": 3}}},
            img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=3, **sizes)


def write_mobileclip() -> None:
    def write(name, network, pool, size, settings, apple=False, **sizes):
        folder = OUTPUT / name
        last = {}
        write_open_clip_timm(name, open_clip_config(custom_text=True, text_cfg=dict(no_causal_mask=True)) | {
            "vision_cfg": {"image_size": size, "timm_model_name": network, "timm_model_pretrained": False,
                           "timm_pool": pool, "timm_proj": None, "timm_drop": 0.0} | settings}, **sizes, **({
                               "prepare": lambda model: last.update(state=apple_state(model.half().float())),
                               "save": lambda _: torch.save({key: value.half() if value.is_floating_point() else value
                                                             for key, value in last["state"].items()},
                                                            folder / "mobileclip.pt")} if apple else {}))

    small = dict(layers=(1, 2, 1, 1), embed_dims=(4, 8, 16, 32), mlp_ratios=(2, 1, 1, 1))
    write("open_clip_fastvit", "fastvit_mci1", "avg", 64, {}, **small)
    write("apple_mobileclip", "fastvit_mci1", "avg", 64, {}, apple=True, **small)
    write("open_clip_fastvit_merged", "fastvit_mci1", "avg", 64, {}, **small, inference_mode=True)
    write("open_clip_fastvit_five_stages", "fastvit_mci3", "avg", 64, {}, layers=(1, 1, 1, 1, 1),
          embed_dims=(4, 4, 8, 16, 32), mlp_ratios=(1,) * 5, token_mixers=("repmixer",) * 4 + ("attention",))
    for name, network in (("open_clip_timm_conv_stem", "vit_base_mci_224"),
                          ("apple_mobileclip_b", "vit_base_mci_224"), ("open_clip_timm_vit", "vit_large_patch14_clip_224")):
        sizes = dict(patch_size=8) if "patch" in network else {}
        if not sizes:
            stem = timm.models.vision_transformer_hybrid.ConvStem
            timm.models.vision_transformer_hybrid.ConvStem = lambda **kwargs: stem(
                **kwargs | {"channels": (6, 6, 24)})
        write(name, network, "token", 32, {"trunk": {"heads": 3}}, apple=name.startswith("apple"), img_size=32,
              embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, **sizes)
        if not sizes:
            timm.models.vision_transformer_hybrid.ConvStem = stem


def apple_text_name(name: str) -> str:
    for old, new in (("text_projection", "projection_layer"), ("token_embedding.", "embedding_layer."),
                     ("positional_embedding", "positional_embedding.pos_embed.pos_embed"),
                     ("ln_final.", "final_layer_norm."), ("transformer.resblocks.", "transformer."),
                     (".ln_1.", ".pre_norm_mha.0."), (".attn.in_proj_", ".pre_norm_mha.1.qkv_proj."),
                     (".attn.", ".pre_norm_mha.1."), (".ln_2.", ".pre_norm_ffn.0."),
                     (".mlp.c_fc.", ".pre_norm_ffn.1."), (".mlp.c_proj.", ".pre_norm_ffn.4.")):
        name = name.replace(old, new)
    return "text_encoder." + name


def apple_fastvit_name(name: str) -> str:
    stage = re.match(r"stages\.(\d)\.(downsample\.proj|pos_emb\.pos_enc|blocks)(.*)", name)
    if stage:
        # The list has the first stage's blocks, and for each other stage what halves the resolution,
        # positions in the last one, and its blocks.
        number, part, rest = int(stage[1]), stage[2], stage[3]
        index = 2 * number - {"downsample.proj": 1}.get(part, 0) + (part == "blocks" and number == 3)
        name = f"network.{index}" + {"downsample.proj": ".proj", "pos_emb.pos_enc": ".pe", "blocks": ""}[part] + rest
    for old, new in (("stem.", "patch_embed."), ("conv_kxk.", "rbr_conv."), ("conv_scale.", "rbr_scale."),
                     ("identity.", "rbr_skip."), ("final_conv.", "conv_exp."), ("large_conv.", "lkb_origin."),
                     (".mlp.", ".convffn."), ("se.fc1.", "se.reduce."), ("se.fc2.", "se.expand."), (".gamma", ""),
                     ("head.fc.weight", "head.proj")):
        name = name.replace(old, new)
    return name


def apple_vit_name(name: str) -> str:
    name = re.sub(r"^norm\.", "post_transformer_norm.", name)
    for old, new in (("patch_embed.backbone.", "patch_emb."), (".conv.", ".block.conv."), (".bn.", ".block.norm."),
                     ("blocks.", "transformer."), (".norm1.", ".pre_norm_mha.0."), (".attn.qkv.", ".pre_norm_mha.1.qkv_proj."),
                     (".attn.proj.", ".pre_norm_mha.1.out_proj."), (".norm2.", ".pre_norm_ffn.0."),
                     (".mlp.fc1.", ".pre_norm_ffn.1."), (".mlp.fc2.", ".pre_norm_ffn.4."),
                     ("pos_embed", "pos_embed.pos_embed.pos_embed"), ("head.weight", "classifier.proj")):
        name = name.replace(old, new)
    return name


def apple_state(model: torch.nn.Module) -> dict:
    """A state dict under the names of Apple's ml-mobileclip, from which open_clip makes the model's."""
    fastvit = hasattr(model.visual.trunk, "stem")
    bias = (model.visual.trunk.head.fc if fastvit else model.visual.trunk.head).bias
    bias.data.zero_()  # there is none
    state = {}
    for name, value in model.state_dict().items():
        value = value.contiguous()
        if name.startswith("visual.trunk."):
            rest = name.removeprefix("visual.trunk.")
            if rest in ("head.fc.bias", "head.bias"):
                continue
            name = "image_encoder.model." + (apple_fastvit_name if fastvit else apple_vit_name)(rest)
            if name.endswith((".head.proj", ".classifier.proj")):
                value = value.T.contiguous()
            if rest == "pos_embed":
                value = value[None]
        elif name.startswith("text."):
            if name == "text.positional_embedding":
                value = value[None, None]
            name = apple_text_name(name.removeprefix("text."))
        state[name] = value
    back = open_clip.convert.convert_mobile_clip_state_dict(model, state, fastvit)
    wanted = model.state_dict()
    assert back.keys() == wanted.keys(), back.keys() ^ wanted.keys()
    assert all(torch.equal(back[name], wanted[name]) for name in wanted)
    return state


def write_convnext() -> None:
    for projection in ("linear", "mlp"):
        write_open_clip_timm(f"open_clip_convnext_{projection}", open_clip_config(custom_text=True) | {
            "vision_cfg": {"image_size": 64, "timm_model_name": "convnext_base",
                           "timm_model_pretrained": False, "timm_pool": "", "timm_proj": projection,
                           "timm_drop": 0.0, "timm_drop_path": 0.1}},
            depths=(1, 2, 1, 1), dims=(8, 12, 16, 24))


def write_efficientnet() -> None:
    """Narrow EfficientNet-Lites, with TensorFlow's padding (and a picture whose side it matters for) and without."""
    from timm.models import efficientnet
    stages = [["ds_r1_k3_s1_e1_c8"], ["ir_r2_k3_s2_e6_c8"], ["ir_r1_k5_s2_e6_c8"], ["ir_r1_k3_s2_e6_c16"],
              ["ir_r1_k5_s1_e6_c16"], ["ir_r2_k5_s2_e6_c16"], ["ir_r1_k3_s1_e6_c24"]]

    def small(name, num_classes=1000, **_):
        same = name.startswith("tf_")
        model = efficientnet.EfficientNet(
            efficientnet.decode_arch_def(stages), num_classes, num_features=32, stem_size=8, fix_stem=True,
            pad_type="same" if same else "", act_layer=torch.nn.ReLU6,
            norm_layer=functools.partial(torch.nn.BatchNorm2d, eps=1e-3 if same else 1e-5))
        model.default_cfg = {}
        return model

    for name, network, projection, size in (("open_clip_efficientnet", "tf_efficientnet_lite0", "linear", 50),
                                            ("open_clip_efficientnet_symmetric", "efficientnet_lite0", None, 64)):
        write_open_clip_timm(name, open_clip_config() | {
            "vision_cfg": {"image_size": size, "timm_model_name": network, "timm_model_pretrained": False,
                           "timm_pool": "avg", "timm_proj": projection, "timm_drop": 0.0}}, create=small)


def siglip_tokenizer(folder: Path):
    """A SentencePiece model of a few words, in SigLIP's layout; returns what tokenizes with it."""
    model = io.BytesIO()
    words = "a cat is it dog the of photo red blue and slice pizza".split()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(words[i:] + words[:i]) for i in range(len(words))] * 20),
        model_writer=model, vocab_size=32, model_type="unigram", normalization_rule_name="identity", pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        minloglevel=2)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "spiece.model"
        path.write_bytes(model.getvalue())
        tokenizer = transformers.SiglipTokenizer(str(path))
        tokenizer.model_max_length = CONTEXT
        tokenizer.save_pretrained(folder)
        (folder / "spiece.model").write_bytes(model.getvalue())
        rows = tokenizer(TEXTS, padding="max_length", max_length=CONTEXT, return_tensors="pt").input_ids
    return lambda texts: rows


def clip_tokenizer(folder: Path):
    """transformers' CLIPTokenizer with our few merges."""
    words = make_tokenizer(read_merges(MERGES)).encoder
    with tempfile.TemporaryDirectory() as temporary:
        vocabulary, merges = Path(temporary) / "vocab.json", Path(temporary) / "merges.txt"
        vocabulary.write_text(json.dumps(words, ensure_ascii=False))
        merges.write_text("\n".join(["#version: 0.2", *read_merges(MERGES)]) + "\n")
        tokenizer = transformers.CLIPTokenizer.from_pretrained(temporary)
        tokenizer.model_max_length = CONTEXT
        tokenizer.save_pretrained(folder)
        for path in (vocabulary, merges):
            shutil.copy(path, folder)
    return lambda texts: tokenizer(texts, padding="max_length", max_length=CONTEXT, return_tensors="pt").input_ids


def write_hugging_face() -> None:
    config = transformers.CLIPConfig(
        projection_dim=16,
        text_config=dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=40, num_hidden_layers=1,
                         num_attention_heads=2, max_position_embeddings=CONTEXT,
                         eos_token_id=VOCABULARY - 1, bos_token_id=VOCABULARY - 2, pad_token_id=1),
        vision_config=dict(hidden_size=24, intermediate_size=72, num_hidden_layers=2,
                           num_attention_heads=3, image_size=32, patch_size=8, hidden_act="gelu"))
    model = transformers.CLIPModel(config).eval()
    scramble(model)

    def encode_image(picture):
        return model.visual_projection(model.vision_model(pixel_values=picture).pooler_output)

    def encode_text(tokens):
        return model.text_projection(model.text_model(input_ids=tokens).pooler_output)

    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32)
    for name, size in (("huggingface", "10GB"), ("huggingface_sharded", "30KB")):
        folder = fresh(name)
        model.save_pretrained(folder, max_shard_size=size)
        processor.save_pretrained(folder)
        record(folder, 32, encode_image, encode_text, model.logit_scale.exp().item(), clip_tokenizer(folder))
    folder = fresh("huggingface_bin")
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    write_merges(folder)
    record(folder, 32, encode_image, encode_text, model.logit_scale.exp().item(), openai_tokens)


    # Each encoder alone.
    image = transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(**config.vision_config.to_diff_dict() | {"projection_dim": 16})).eval()
    scramble(image)
    folder = fresh("huggingface_image")
    image.save_pretrained(folder)
    processor.save_pretrained(folder)
    record(folder, 32, lambda picture: image(pixel_values=picture).image_embeds, None, 1, None)
    text = transformers.CLIPTextModelWithProjection(
        transformers.CLIPTextConfig(**config.text_config.to_diff_dict() | {"projection_dim": 16})).eval()
    scramble(text)
    folder = fresh("huggingface_text")
    text.save_pretrained(folder)
    record(folder, 32, None, lambda tokens: text(input_ids=tokens).text_embeds, 1, clip_tokenizer(folder))


def write_plain() -> None:
    write_open_clip("open_clip", open_clip_config())
    folder = OUTPUT / "open_clip_wrapped"
    write_open_clip("open_clip_wrapped", open_clip_config(quick_gelu=True), save=lambda state: torch.save(
        {"epoch": 3, "name": "a run", "state_dict": {"module." + key: value for key, value in state.items()},
         "optimizer": {"state": {}, "param_groups": []}}, folder / "open_clip_pytorch_model.bin"))
    write_open_clip("open_clip_custom_text", open_clip_config(
        custom_text=True, init_logit_bias=-10,
        vision_cfg=dict(no_ln_pre=True, pool_type="avg", final_ln_after_pool=True, ls_init_value=0.1),
        text_cfg=dict(no_causal_mask=True, proj_bias=True, pool_type="last", norm_kwargs={"eps": 1e-6},
                      act_kwargs={"approximate": "tanh"})), custom=True)


WRITERS = {"openai": write_openai, "open_clip": write_plain, "huggingface": write_hugging_face, "siglip": write_siglip,
           "convnext": write_convnext, "efficientnet": write_efficientnet, "coca": write_coca, "eva": write_eva,
           "mobileclip": write_mobileclip, "clipa": write_clipa, "projection": write_without_projection}


def main() -> None:
    for name in sys.argv[1:] or WRITERS:
        torch.manual_seed(0)
        WRITERS[name]()


if __name__ == "__main__":
    main()
