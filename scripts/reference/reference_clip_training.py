"""Writes what open_clip computes for the tests of scoring, losses and training.

    python scripts/reference/reference_clip_training.py

clip/testdata/scoring.json: the logits and probabilities of zero-shot classifiers with two templates, by
the models in clip/testdata/checkpoints. clip/train/testdata: for one batch of six pairs the loss, the
gradient of every parameter, and the losses and some parameters of eight steps of AdamW with open_clip's
groups and schedule.
"""

import json
import math
import sys
from pathlib import Path

import open_clip
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from open_clip.zero_shot_classifier import build_zero_shot_classifier
from open_clip_train.scheduler import cosine_lr
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = ROOT / "clip" / "testdata" / "checkpoints"
sys.path.insert(0, str(ROOT / "scripts/reference"))
from reference_clip_checkpoints import CONTEXT, VOCABULARY, inputs, open_clip_tokens  # noqa: E402

LABELS = ["a cat", "it", "is", "the of"]
TEMPLATES = ["{}", "a {}!"]
PAIRS = 6
STEPS, WARMUP, LEARNING_RATE, WEIGHT_DECAY = 8, 3, 1e-3, 0.2
KEPT = ["logit_scale", "logit_bias", "visual.proj", "visual.ln_post.weight", "ln_final.weight",
        "visual.transformer.resblocks.1.attn.in_proj_weight"]


def model_of(name: str) -> torch.nn.Module:
    config = json.loads((CHECKPOINTS / name / "open_clip_config.json").read_text())["model_cfg"]
    made = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    model = made(**config)
    model.load_state_dict(load_file(CHECKPOINTS / name / "open_clip_model.safetensors"))
    return model


def own_name(name: str) -> str:
    """The name in a model without a class for its text encoder."""
    return name.removeprefix("text.")


def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    pictures = torch.linspace(-40, 40, PAIRS * 3 * 32 * 32).reshape(PAIRS, 3, 32, 32).sin()
    tokens = torch.zeros(PAIRS, CONTEXT, dtype=torch.int64)
    for row in range(PAIRS):
        text = [(37 * row + 11 * i) % 512 for i in range(row % 4 + 2)]
        tokens[row, :len(text) + 2] = torch.tensor([VOCABULARY - 2, *text, VOCABULARY - 1])
    return pictures, tokens


def scoring(name: str) -> dict:
    model = model_of(name).eval()
    weights = build_zero_shot_classifier(model, open_clip_tokens, LABELS, TEMPLATES)
    with torch.no_grad():
        features = model.encode_image(inputs(32)[0], normalize=True)
        logits = model.logit_scale.exp() * features @ weights
        if getattr(model, "logit_bias", None) is not None:
            logits = logits + model.logit_bias
    return {"logits": logits.tolist(), "softmax": logits.softmax(1).tolist(), "sigmoid": logits.sigmoid().tolist()}


def loss_of(model: torch.nn.Module, loss, pictures, tokens) -> torch.Tensor:
    scale = model.logit_scale.exp()
    images, texts = model.encode_image(pictures, normalize=True), model.encode_text(tokens, normalize=True)
    if getattr(model, "logit_bias", None) is not None:
        return loss(images, texts, scale, model.logit_bias)
    return loss(images, texts, scale)


def train(name: str, loss) -> None:
    pictures, tokens = pairs()
    model = model_of(name).train()
    first = loss_of(model, loss, pictures, tokens)
    first.backward()
    tensors = {own_name(key): parameter.grad.contiguous() for key, parameter in model.named_parameters()}
    tensors["loss"] = first.detach()
    folder = ROOT / "clip/train/testdata"
    save_file(tensors, folder / f"{name}_gradients.safetensors")

    # The groups of open_clip_train/main.py, with its defaults for a ViT.
    def exclude(key, parameter):
        return parameter.ndim < 2 or "bn" in key or "ln" in key or "bias" in key or "logit_scale" in key

    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [{"params": [p for n, p in named if exclude(n, p)], "weight_decay": 0.0},
         {"params": [p for n, p in named if not exclude(n, p)], "weight_decay": WEIGHT_DECAY}],
        lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-6)
    schedule = cosine_lr(optimizer, LEARNING_RATE, WARMUP, STEPS)
    losses, rates = [], []
    for step in range(STEPS):
        rates.append(schedule(step))
        optimizer.zero_grad()
        value = loss_of(model, loss, pictures, tokens)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, norm_type=2.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses.append(value.item())
    trained = {own_name(key): value.detach().contiguous() for key, value in named if own_name(key) in KEPT}
    trained["losses"], trained["rates"] = torch.tensor(losses), torch.tensor(rates, dtype=torch.float64)
    trained["undecayed"] = torch.tensor(sum(exclude(n, p) for n, p in named))
    save_file(trained, folder / f"{name}_trained.safetensors")
    print(name, losses)


def main() -> None:
    names = ("open_clip", "open_clip_custom_text")
    (ROOT / "clip/testdata/scoring.json").write_text(json.dumps(
        {"labels": LABELS, "templates": TEMPLATES} | {name: scoring(name) for name in names}) + "\n")
    train("open_clip", ClipLoss())
    train("open_clip_custom_text", SigLipLoss())


if __name__ == "__main__":
    main()
