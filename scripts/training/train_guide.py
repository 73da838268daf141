"""Trains the CLIP that guides pictures, in the training folder, on a GPU or the CPU; ends by the clock.

    python code/train_guide.py --pack FOLDER --output DIR --minutes 2 [--dry-run] [--resume]

CLIP's symmetric contrastive loss on emoji and clip art, each batch also under an adversarial perturbation of its
pictures: the gradients of a robust model in the picture follow what one sees (Santurkar et al. 2019, "Image Synthesis
with a Single (Robust) Classifier"), and guided generation draws with them. It starts from the weights of the embedded
model, guide_start.pt. Writes guide.pt, guide.csv and guide.json.
"""

import argparse
import math
import os
from pathlib import Path

import torch
import torch.nn.functional as F

import guiding_clip
from clip_data import Drawings
from clip_figures import ranks, tops
from guiding_clip import CONTEXT, MEAN, SIDE, STD
from pack_reader import on_white, read_pack
from plain_tokenizer import read_tokenizer
from training_run import Average, Clock, Curves, choose_device, halved, learning_rate, save_json, save_whole

COLUMNS = ["clean", "robust", "epsilon", "scale", "rate"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", required=True, help="training folder")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--resume", action="store_true", help="start from the guide.pt in the output")
    parser.add_argument("--from-scratch", action="store_true", help="start from fresh weights")
    parser.add_argument("--dry-run", action="store_true", help="a few small steps")
    parser.add_argument("--batch", type=int, default=512, help="drawings in a step, at least")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.995, help="decay of the weights' average")
    parser.add_argument("--epsilon", type=float, default=1.0, help="L2 radius of the perturbation, over pixels in [0, 1]")
    parser.add_argument("--robust-share", type=float, default=0.5, help="of the loss")
    parser.add_argument("--attack-steps", type=int, default=2)
    parser.add_argument("--gentle-share", type=float, default=0.3, help="of the drawings are hardly augmented")
    parser.add_argument("--sources", help="comma-separated; all if it is not given")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    parser.add_argument("--steps", type=int, help="end after so many steps too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.dry_run:
        arguments.batch, arguments.steps = 24, 4
    return arguments


def contrastive_loss(images, texts, scale, alike) -> torch.Tensor:
    logits = (scale * F.normalize(images.float(), dim=-1) @ texts.t()).masked_fill(alike, -1e4)
    labels = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2


def norm(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1).norm(dim=1)[:, None, None, None]


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / norm(x).clamp(min=1e-12)


class Trainer:
    def __init__(self, arguments, device):
        self.arguments, self.device = arguments, device
        self.pack = read_pack(arguments.pack, arguments.threads)
        self.tokenizer = read_tokenizer(arguments.pack)
        rows = self.pack.rows("train", arguments.sources and arguments.sources.split(","))
        self.drawings = Drawings(self.pack, self.tokenizer, None, device, CONTEXT,
                                 text_variants=2 if arguments.dry_run else 32, rows=rows)
        self.mean = torch.tensor(MEAN, device=device)[:, None, None]
        self.std = torch.tensor(STD, device=device)[:, None, None]
        self.model = guiding_clip.create(self.tokenizer.size)
        if arguments.resume and (arguments.output / "guide.pt").exists():
            state = torch.load(arguments.output / "guide.pt", map_location="cpu", weights_only=True)["state_dict"]
            self.model.load_state_dict({name: t.float() for name, t in state.items()})
        elif not arguments.from_scratch:
            guiding_clip.load_start(self.model, f"{arguments.pack}/guide_start.pt")
        self.model.to(device).train()
        self.model.visual.to(memory_format=torch.channels_last)
        self.average = Average(self.model, arguments.average)
        parameters = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            [{"params": [p for p in parameters if p.ndim >= 2], "weight_decay": arguments.weight_decay},
             {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}], lr=0.0, betas=(0.9, 0.98), fused=True)

    def encode_image(self, pictures: torch.Tensor) -> torch.Tensor:
        normalized = ((pictures - self.mean) / self.std).to(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            return self.model.encode_image(normalized)

    def step(self, concepts: torch.Tensor, epsilon: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds up the gradients of the clean and the perturbed batch. The text encoder is gone back through once."""
        share = self.arguments.robust_share
        pictures, tokens = self.drawings.batch(concepts, self.arguments.gentle_share, SIDE)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            text = F.normalize(self.model.encode_text(tokens).float(), dim=-1)
        scale = self.model.logit_scale.exp()
        text_leaf, scale_leaf = text.detach().requires_grad_(), scale.detach().requires_grad_()
        # Drawings of one name are in a batch once, so that no pair is alike.
        alike = torch.zeros(len(text), len(text), dtype=torch.bool, device=self.device)
        pictures.requires_grad_()
        clean = contrastive_loss(self.encode_image(pictures), text_leaf, scale_leaf, alike)
        ((1 - share) * clean).backward()
        perturbed = self.perturb(pictures.detach(), pictures.grad, text_leaf.detach(), scale_leaf.detach(), alike, epsilon)
        robust = contrastive_loss(self.encode_image(perturbed), text_leaf, scale_leaf, alike)
        (share * robust).backward()
        torch.autograd.backward([text, scale], [text_leaf.grad, scale_leaf.grad])
        return clean.detach(), robust.detach()

    def perturb(self, pictures, gradient, text, scale, alike, epsilon: float) -> torch.Tensor:
        """The pictures, moved at most epsilon (L2) to where the loss is higher."""
        radius = epsilon * (0.5 + 0.5 * torch.rand(len(pictures), 1, 1, 1, device=self.device))
        delta = radius * unit(gradient)
        for _ in range(self.arguments.attack_steps - 1):
            moved = (pictures + delta).clamp(0, 1).requires_grad_()
            gradient, = torch.autograd.grad(contrastive_loss(self.encode_image(moved), text, scale, alike), moved)
            delta = delta + radius * unit(gradient)
            delta = delta * (radius / norm(delta).clamp(min=1e-12)).clamp(max=1)
        return (pictures + delta).clamp(0, 1)

    def update(self, rate: float, step: int) -> None:
        gradient_norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if gradient_norm.isfinite():  # one bad step must not cost the run
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
        self.average.update(self.model, step)

    def save(self) -> None:
        save_whole({"state_dict": halved(self.average.module.state_dict()), "architecture": guiding_clip.ARCHITECTURE,
                    "merges": Path(self.arguments.pack, "merges.txt").read_text("utf-8").strip("\n").split("\n")},
                   self.arguments.output / "guide.pt")

    @torch.no_grad()
    def figures(self) -> dict:
        """Emoji in a style that training did not see them in, among all emoji's names."""
        model, items = self.average.module, self.pack.items
        rows = [row for row in self.pack.rows("validation") if items[row]["group"] >= 0]
        names = list(dict.fromkeys(item["name"] for item in items if item["group"] >= 0))
        texts = F.normalize(model.encode_text(self.tokenizer(names, CONTEXT).to(self.device)).float(), dim=-1)
        pictures = F.interpolate(on_white(self.pack.pictures[rows].to(self.device)), size=SIDE, mode="bicubic",
                                 antialias=True).clamp(0, 1)
        images = F.normalize(model.encode_image((pictures - self.mean) / self.std).float(), dim=-1)
        own = torch.tensor([names.index(items[row]["name"]) for row in rows], device=self.device)
        return {"emoji": {"pictures": len(rows), "names": len(names), **tops(ranks(images, texts, own))}}


def main():
    arguments = parse_arguments()
    clock = Clock(arguments.minutes)
    arguments.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    device = choose_device(arguments.device)
    trainer = Trainer(arguments, device)
    print(f"{len(trainer.drawings.pictures)} drawings of {len(trainer.drawings.names)} things, after "
          f"{clock.elapsed():.0f} s on {device}", flush=True)
    curves = Curves(arguments.output / "guide.csv", COLUMNS, arguments.resume)
    step, saved, told, batches = 0, clock.elapsed(), clock.elapsed(), []
    while clock.passed() < 1 and (arguments.steps is None or step < arguments.steps):
        batches = batches or trainer.drawings.epoch(arguments.batch)
        rate = learning_rate(arguments.rate, step, clock.passed(), warm_up=50)
        clean, robust = trainer.step(batches.pop(), arguments.epsilon)
        trainer.update(rate, step)
        curves.add(clean=clean, robust=robust, epsilon=arguments.epsilon, scale=trainer.model.logit_scale.exp(), rate=rate)
        step += 1
        if clock.elapsed() - told > 10:
            told = clock.elapsed()
            print(step, f"{told:.0f} s", {k: round(v, 4) for k, v in curves.write(step, told).items()}, flush=True)
        if clock.elapsed() - saved > 60:
            trainer.save()
            saved = clock.elapsed()
    trainer.save()
    curves.write(step, clock.elapsed())
    figures = trainer.figures()
    save_json({"steps": step, "seconds": round(clock.elapsed()), "figures": figures,
               "arguments": {k: str(v) for k, v in vars(arguments).items()}}, arguments.output / "guide.json")
    print(step, figures, flush=True)


if __name__ == "__main__":
    main()
