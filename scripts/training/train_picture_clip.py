"""Trains the CLIP for drawings and photographs in the training folder, on a GPU or the CPU; ends by the clock.

    python code/train_picture_clip.py --pack FOLDER --output DIR --minutes 7 [--dry-run] [--resume]

Drawings and their texts meet in CLIP's symmetric contrastive loss. There are no photographs: what the image encoder
knows of them from ImageNet is kept on pictures made from its own weights (class_pictures.py), on which it also
teaches the text encoder the names of its 1,000 classes: the embeddings of the names, as a classifier, must decide as
the published classifier does. A larger text model's embeddings spread that to words that no picture has.
Writes clip.pt, clip.csv and clip.json.
"""

import argparse
import math
import os
import random
from pathlib import Path

import torch
import torch.nn.functional as F

import picture_clip
from class_pictures import class_pictures
from clip_data import Drawings
from clip_figures import clip_figures
from clip_texts import Teacher, class_variants
from efficientnet_lite import load_trunk
from pack_reader import read_pack
from picture_clip import CONTEXT, normalize_pictures
from plain_tokenizer import read_tokenizer
from training_run import Average, Clock, Curves, choose_device, halved, learning_rate, save_json, save_whole

# Weights of the losses beside the contrastive one.
CLASS_LOSS, FEATURE_LOSS, MIXED_LOSS, TEXT_LOSS, MEANING_LOSS = 0.7, 2.0, 0.3, 1.0, 0.3
COLUMNS = ["contrast", "classes", "features", "mixed", "texts", "meaning", "scale", "rate"]
# Most texts are short; those of the teacher, of which many are long, are not cut.
SHORT = 20
# For the last figures and the checkpoint.
LAST_SECONDS = 5
# CLIP's scale starts here, and learns so many times as fast as the rest.
START_SCALE, SCALE_FACTOR = 20.0, 4.0
# Nothing is gained by resembling a classifier where it only guesses.
TEACHER_TEMPERATURE = 1.0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", required=True, help="training folder")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=7)
    parser.add_argument("--resume", action="store_true", help="start from the clip.pt in the output")
    parser.add_argument("--dry-run", action="store_true", help="a few small steps")
    parser.add_argument("--batch", type=int, default=768, help="drawings in a step, at least")
    parser.add_argument("--photographs", type=int, default=224, help="class pictures in a step")
    parser.add_argument("--side", type=int, default=picture_clip.SIDE)
    parser.add_argument("--small-side", type=int, default=128, help="of the pictures at first, which are faster")
    parser.add_argument("--small-share", type=float, default=0.6, help="of the time with pictures of the small side")
    parser.add_argument("--class-pictures", type=int, default=1000)
    parser.add_argument("--class-steps", type=int, default=80, help="steps that make a class picture")
    parser.add_argument("--class-share", type=float, default=0.13, help="of the time at most for them")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--trunk-rate", type=float, default=4e-4, help="peak learning rate of the pre-trained layers")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--average", type=float, default=0.985, help="decay of the weights' average")
    parser.add_argument("--gentle-share", type=float, default=0.3, help="of the drawings are hardly augmented")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    parser.add_argument("--compile", action="store_true", help="compile the image encoder: costs a minute at first")
    parser.add_argument("--steps", type=int, help="end after so many steps too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.dry_run:
        arguments.batch, arguments.photographs, arguments.side, arguments.small_side = 24, 8, 64, 48
        arguments.class_pictures, arguments.class_steps, arguments.steps = 8, 3, 4
    return arguments


def photograph_views(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """Random crops of uint8 [n, 3, s, s] in random light: float [n, 3, side, side] in [0, 1]."""
    n, device = len(pictures), pictures.device
    half = torch.empty(n, device=device).uniform_(0.6, 1.0)
    aspect = torch.exp(torch.randn(n, device=device) * 0.12)
    shift = (torch.rand(n, 2, device=device) * 2 - 1) * (1 - half)[:, None]
    flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(half)
    theta = torch.stack([torch.stack([half * aspect * flip, zero, shift[:, 0]], 1),
                         torch.stack([zero, half / aspect, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, (n, 3, side, side), align_corners=False)
    x = F.grid_sample(pictures.float() / 255, grid, padding_mode="reflection", align_corners=False)
    light = 1 + (torch.rand(n, 1, 1, 1, device=device) - 0.5) * 0.4
    contrast = 1 + (torch.rand(n, 1, 1, 1, device=device) - 0.5) * 0.4
    tint = 1 + (torch.rand(n, 3, 1, 1, device=device) - 0.5) * 0.1
    middle = x.mean((1, 2, 3), keepdim=True)
    return (((x - middle) * contrast + middle) * light * tint).clamp(0, 1)


def contrastive_loss(images, texts, scale, alike) -> torch.Tensor:
    """CLIP's loss. Pairs that alike marks are left out as negatives."""
    logits = (scale * images @ texts.t()).masked_fill(alike, -1e4)
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels, label_smoothing=0.02)
            + F.cross_entropy(logits.t(), labels, label_smoothing=0.02)) / 2


def imitation_loss(logits, taught) -> torch.Tensor:
    """The divergence of the classes' probabilities from the published classifier's."""
    return F.kl_div(F.log_softmax(logits, -1), F.softmax(taught / TEACHER_TEMPERATURE, -1), reduction="batchmean")


class Trainer:
    def __init__(self, arguments, device):
        self.arguments, self.device = arguments, device
        self.pack = read_pack(arguments.pack, arguments.threads)
        self.tokenizer = read_tokenizer(arguments.pack)
        self.teacher_texts = Teacher(arguments.pack, self.tokenizer, CONTEXT)
        self.drawings = Drawings(self.pack, self.tokenizer, self.teacher_texts, device, SHORT,
                                 text_variants=2 if arguments.dry_run else 32)
        self.text_tokens = self.teacher_texts.tokens.to(device)
        self.text_embeddings = self.teacher_texts.embeddings.to(device)
        self.class_tokens = class_variants(self.tokenizer, self.pack.classes, 2 if arguments.dry_run else 16, SHORT,
                                           seed=1).to(device)
        self.teacher = load_trunk(f"{arguments.pack}/efficientnet_lite0.pt").to(device)
        self.teacher.to(memory_format=torch.channels_last)
        self.model = picture_clip.create(arguments.pack, self.tokenizer.size, layers=1 if arguments.dry_run else
                                         picture_clip.LAYERS)
        torch.nn.init.constant_(self.model.logit_scale, math.log(START_SCALE))
        if arguments.resume and (arguments.output / "clip.pt").exists():
            saved = torch.load(arguments.output / "clip.pt", map_location="cpu", weights_only=True)
            self.model.load_state_dict({name: t.float() for name, t in
                                        picture_clip.own_state(saved["state_dict"]).items()})
        self.model.to(device).train()
        self.model.visual.to(memory_format=torch.channels_last)
        # Both encoders' embeddings tell the larger text model's, through one matrix.
        self.meaning = torch.nn.Linear(picture_clip.DIMENSION, self.text_embeddings.shape[1], bias=False).to(device)
        self.average = Average(self.model, arguments.average)
        self.make_optimizer()
        self.features, self.encode_text = self.model.visual.trunk.features, self.model.encode_text
        if arguments.compile:
            self.features = torch.compile(self.features)

    def make_optimizer(self) -> None:
        trunk = list(self.model.visual.trunk.parameters())
        scale = self.model.logit_scale
        known = {id(p) for p in trunk} | {id(scale)}
        rest = [p for p in self.model.parameters() if id(p) not in known]
        decay = self.arguments.weight_decay

        def groups(parameters, rate):
            return [{"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay, "peak": rate},
                    {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0, "peak": rate}]
        # The trunk is not drawn towards zero: its published weights are meant to last.
        fixed = groups(trunk, self.arguments.trunk_rate)
        fixed[0]["weight_decay"] = 0.0
        # A few hundred steps must take the scale from its start to where it belongs.
        fixed.append({"params": [scale], "weight_decay": 0.0, "peak": SCALE_FACTOR * self.arguments.rate})
        self.optimizer = torch.optim.AdamW(
            fixed + groups(rest + list(self.meaning.parameters()), self.arguments.rate), lr=0.0, betas=(0.9, 0.98),
            fused=True)

    def set_rates(self, step: int, passed: float) -> float:
        share = learning_rate(1.0, step, passed, warm_up=40)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share
        return share

    def make_photographs(self, clock: Clock) -> None:
        count = self.arguments.class_pictures
        generator = torch.Generator().manual_seed(self.arguments.seed)
        labels = torch.cat([torch.randperm(1000, generator=generator) for _ in range(-(-count // 1000))])[:count]
        labels = labels.to(self.device)
        self.photographs = class_pictures(
            self.teacher, labels, min(self.arguments.side, 128), self.arguments.class_steps,
            torch.bfloat16 if self.device.type == "cuda" else torch.float32,
            seconds=self.arguments.class_share * clock.seconds).to(self.device)
        self.photograph_labels = labels
        print(f"{len(self.photographs)} class pictures after {clock.elapsed():.0f} s", flush=True)

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.encode_text(tokens).float(), dim=-1)

    def step(self, concepts: torch.Tensor, side: int) -> dict[str, torch.Tensor]:
        device, arguments = self.device, self.arguments
        drawings, tokens = self.drawings.batch(concepts, arguments.gentle_share, side)
        rows = torch.randint(len(self.photographs), (arguments.photographs,), device=device)
        photographs = normalize_pictures(photograph_views(self.photographs[rows], side))
        some = torch.randint(len(self.text_tokens), (2 * len(concepts),), device=device)
        variant = torch.randint(self.class_tokens.shape[1], (len(self.class_tokens),), device=device)
        class_tokens = self.class_tokens[torch.arange(len(self.class_tokens), device=device), variant]
        # On a CPU bfloat16 is rarely faster, and much slower in the depthwise convolutions.
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            with torch.no_grad():
                taught_features = self.teacher.features(photographs).float()
                taught = self.teacher._fc(taught_features).float()
            pictures = torch.cat([normalize_pictures(drawings), photographs])
            features = self.features(pictures)
            embedded = F.normalize(self.model.visual.proj(features).float(), dim=-1)
            # Features between those of two pictures teach the projection more than those of the pictures alone.
            share = torch.rand(len(taught_features), 1, device=device)
            mixed = share * taught_features + (1 - share) * taught_features.flip(0)
            mixed = torch.cat([mixed, self.towards_classes(taught_features)])
            taught_mixed = self.teacher._fc(mixed).float()
            embedded_mixed = F.normalize(self.model.visual.proj(mixed).float(), dim=-1)
            own, classes = self.encode_texts(torch.cat([tokens, class_tokens])).split([len(tokens), len(class_tokens)])
            others = self.encode_texts(self.text_tokens[some])
        images, photographed = embedded.split([len(drawings), len(photographs)])
        scale = self.model.logit_scale.exp()
        told, pictured = self.meaning(others), self.meaning(images)
        known = self.drawings.has_meaning[concepts]
        return {
            "contrast": contrastive_loss(images, own, scale, self.drawings.alike[concepts][:, concepts]),
            "classes": CLASS_LOSS * imitation_loss(scale * photographed @ classes.t(), taught),
            "features": FEATURE_LOSS * (1 - F.cosine_similarity(features[len(drawings):].float(), taught_features)).mean(),
            "mixed": MIXED_LOSS * imitation_loss(scale * embedded_mixed @ classes.t(), taught_mixed),
            "texts": TEXT_LOSS * (1 - F.cosine_similarity(told, self.text_embeddings[some])).mean(),
            "meaning": MEANING_LOSS * ((1 - F.cosine_similarity(pictured, self.drawings.meaning[concepts])) * known).mean(),
        }

    def towards_classes(self, features: torch.Tensor) -> torch.Tensor:
        """Features moved towards random classes of the published classifier, by as much as raises their logit by 8 to 20
        over the other classes': all classes get their turn, those too whose picture is poor."""
        weight = self.teacher._fc.weight
        labels = torch.randint(len(weight), (2 * len(features),), device=self.device)
        directions = weight[labels] - weight.mean(0)
        rise = 8 + 12 * torch.rand(len(labels), 1, device=self.device)
        moved = features[torch.randint(len(features), (len(labels),), device=self.device)] * 0.6
        return (moved + directions * rise / directions.square().sum(1, keepdim=True)).clamp(0, 6)

    def update(self, losses: dict[str, torch.Tensor], step: int) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        norm = torch.nn.utils.clip_grad_norm_([p for group in self.optimizer.param_groups for p in group["params"]], 1.0)
        if norm.isfinite():  # one bad step must not cost the run
            self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
        self.average.update(self.model, step)

    def save(self) -> None:
        state = picture_clip.open_clip_state(self.average.module.state_dict())
        save_whole({"state_dict": halved(state), "architecture": picture_clip.ARCHITECTURE,
                    "merges": Path(self.arguments.pack, "merges.txt").read_text("utf-8").strip("\n").split("\n")},
                   self.arguments.output / "clip.pt")

    def figures(self) -> dict:
        return clip_figures(self.average.module, self.pack, self.tokenizer, self.device, self.arguments.side,
                            self.photographs, self.photograph_labels)


def main():
    arguments = parse_arguments()
    clock = Clock(arguments.minutes)
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    device = choose_device(arguments.device)
    if device.type == "cuda":
        # cuDNN's measuring of algorithms costs more than it saves in minutes: it stays off.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    trainer = Trainer(arguments, device)
    parameters = sum(p.numel() for p in trainer.model.parameters())
    print(f"{parameters:,} parameters, {len(trainer.drawings.pictures)} drawings of {len(trainer.drawings.names)} "
          f"things, after {clock.elapsed():.0f} s on {device}", flush=True)
    trainer.make_photographs(clock)
    began = clock.passed()
    curves = Curves(arguments.output / "clip.csv", COLUMNS, arguments.resume)
    step, saved, told, batches, history = 0, clock.elapsed(), clock.elapsed(), [], []
    # The last figures take some seconds, which are within the time too.
    while clock.elapsed() < clock.seconds - LAST_SECONDS and (arguments.steps is None or step < arguments.steps):
        passed = (clock.passed() - began) / max(1 - began, 1e-6)
        batches = batches or trainer.drawings.epoch(arguments.batch)
        share = trainer.set_rates(step, passed)
        side = arguments.small_side if passed < arguments.small_share else arguments.side
        losses = trainer.step(batches.pop(), side)
        trainer.update(losses, step)
        curves.add(**losses, scale=trainer.model.logit_scale.exp(), rate=share)
        step += 1
        if clock.elapsed() - told > 10:
            told = clock.elapsed()
            print(step, f"{told:.0f} s", {k: round(v, 3) for k, v in curves.write(step, told).items()}, flush=True)
        if clock.elapsed() - saved > 60:
            trainer.save()
            history.append({"step": step, "seconds": round(clock.elapsed()), **trainer.figures()})
            print(history[-1], flush=True)
            saved = clock.elapsed()
    trainer.save()
    history.append({"step": step, "seconds": round(clock.elapsed()), **trainer.figures()})
    curves.write(step, clock.elapsed())
    save_json({"steps": step, "seconds": round(clock.elapsed()), "drawings_a_step": arguments.batch,
               "arguments": {k: str(v) for k, v in vars(arguments).items()}, "figures": history},
              arguments.output / "clip.json")
    print(history[-1], flush=True)


if __name__ == "__main__":
    main()
