"""Writes clip/networks.json: the settings of the architectures that package clip knows by name, from
open_clip's model configurations, and preprocessing.json: how all published weights of an architecture
want their pictures, where that is not OpenAI's way.

    python scripts/generate/clip_networks.py
"""

import json
from fnmatch import fnmatch
from pathlib import Path

from open_clip import get_model_config, list_models, list_pretrained_tags_by_model
from open_clip.pretrained import get_pretrained_cfg

FOLDER = Path(__file__).resolve().parents[2] / "clip"
PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")

# What a configuration may have. Other settings belong to families that are not there.
VISION = {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio", "ls_init_value",
          "no_ln_pre", "pool_type", "final_ln_after_pool", "norm_kwargs", "act_kwargs",
          "attentional_pool", "attn_pooler_heads"}
TEXT = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "ls_init_value",
        "no_causal_mask", "pool_type", "proj_bias", "norm_kwargs", "act_kwargs", "eos_id",
        "hf_tokenizer_name", "tokenizer_kwargs", "embed_cls", "proj_type"}
# Settings of timm's networks, and those that training alone needs.
TIMM = {"image_size", "timm_model_name", "timm_pool", "timm_proj"}
TRAINING = {"timm_model_pretrained", "timm_drop", "timm_drop_path", "output_tokens"}
# The names of clip's trunkFamilies.
TRUNKS = ["vit_*_siglip_*", *(f"convnext_{size}" for size in ("tiny", "small", "base", "large", "xlarge", "xxlarge")),
          "eva02_*_clip_*", "eva_giant_patch14_224", "fastvit_mci[0-4]",
          "vit_base_mci_224", "vit_*_patch*_clip_[0-9][0-9][0-9]"]


def is_known(config: dict) -> bool:
    vision = config["vision_cfg"]
    trunk = vision.get("timm_model_name")
    if trunk and not any(fnmatch(trunk, pattern) for pattern in TRUNKS):
        return False
    return (set(vision) <= (TIMM if trunk else VISION) and set(config["text_cfg"]) <= TEXT
            and set(config) <= {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "init_logit_bias"})


def simplify(config: dict) -> dict:
    """Without what does not change the outputs."""
    for key in ("custom_text", "multimodal_cfg"):
        config.pop(key, None)
    for part in ("vision_cfg", "text_cfg"):
        config[part] = {key: value for key, value in config[part].items()
                        if key not in TRAINING and value is not None}
    return config


def preprocessing(name: str) -> dict | None:
    """That of all published weights, if they agree."""
    ways = {json.dumps({key: get_pretrained_cfg(name, tag)[key] for key in PREPROCESSING})
            for tag in list_pretrained_tags_by_model(name)}
    return json.loads(ways.pop()) if len(ways) == 1 else None


def write(name: str, values: dict) -> None:
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()]
    (FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{FOLDER / name}: {len(values)}: {' '.join(values)}")


def main() -> None:
    known, others = {}, {}
    usual = preprocessing("ViT-B-32")
    for name in sorted(list_models()):
        config = simplify(get_model_config(name))
        if not is_known(config):
            continue
        known[name] = config
        if preprocessing(name) not in (usual, None):
            others[name] = preprocessing(name)
    write("networks.json", known)
    write("preprocessing.json", others)


if __name__ == "__main__":
    main()
