"""Trains the embedded CLIP on the open emoji sets (all but the held-out one).

    python scripts/training/train_clip.py --data .cache/emoji --output .cache/clip.checkpoint.pt --minutes 90

Symmetric contrastive loss (CLIP, section 2.3). An epoch takes each emoji once, in a random style, so
no batch holds an emoji twice; flags with the same picture count as one emoji. From --robust-from on,
each batch is also seen under an adversarial perturbation of the picture: the gradient that the clean
pass has computed anyway gives its direction. A robust model's gradients in the picture follow what
one sees (Santurkar et al. 2019, "Image Synthesis with a Single (Robust) Classifier"), and those
gradients are what guided generation draws with. The learning rate follows the clock, so a run ends
when --minutes are over, on whatever machine.
"""

import argparse
import copy
import json
import math
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "emoji"), str(HERE.parent / "reference")]

from augment import augment  # noqa: E402
from clip_tokens import make_tokenizer, tokenize  # noqa: E402
from dataset import Emoji, is_flag, one_of_each_flag, on_white  # noqa: E402
from evaluate_clip import evaluate, format_figures  # noqa: E402
from fresh import load, make_trainable, write  # noqa: E402
from texts import sample_text  # noqa: E402

# How often each style is drawn, where it has the emoji: line art teaches shape, color sets the rest.
STYLE_WEIGHTS = {"fluent_flat": 1.0, "fluent_modern": 0.7, "fluent_high_contrast": 0.3, "noto": 1.0,
                 "openmoji_color": 1.0, "openmoji_black": 0.25}
MONOCHROME = ("fluent_high_contrast", "openmoji_black")
# Emoji that stay themselves in a mirror: animals, food, places, activities and objects (emojibase's
# groups), but for those that point somewhere or show a time or writing.
MIRRORED_GROUPS = (3, 4, 5, 6, 7)
# People and what people make come in all colors, where the name does not say which.
RECOLORED_GROUPS = (1, 5, 6, 7)
COLORS = re.compile(r"red|orange|yellow|green|blue|purple|brown|black|white|pink|grey|blond|gold|"
                     r"fire|moon|sun|star|earth|globe|dollar|pound|euro|yen")
NOT_MIRRORED = re.compile(r"left|right|facing|clock|thirty|pen|calendar|note|phone|input|key|chart")
SOURCE_SIDE = 80


class TrainingSet:
    def __init__(self, emoji: Emoji, generator: random.Random):
        self.names, self.generator = emoji.names, generator
        self.pictures = []  # (style, tensor)
        self.places = {}  # code -> [(style's number, row, weight)]
        for number, (style, weight) in enumerate(STYLE_WEIGHTS.items()):
            codes, pictures = emoji.pictures(style, SOURCE_SIDE, tight=True)
            self.pictures.append((style, pictures))
            for row, code in enumerate(codes):
                if style in MONOCHROME and is_flag(code):
                    continue  # a flag without colors says nothing
                self.places.setdefault(code, []).append((number, row, weight))
        self.groups = self.group_flags(emoji)

    def group_flags(self, emoji: Emoji) -> list[list[str]]:
        """The emoji, those flags together whose pictures are the same in a training set."""
        codes, rgba = emoji.pictures("openmoji_color", 48)
        flags = {code: on_white(picture.permute(1, 2, 0).numpy(), 48)
                 for code, picture in zip(codes, rgba) if is_flag(code)}
        kept = one_of_each_flag(list(flags), flags, self.names)
        groups = {code: [code] for code in self.places if code not in flags}
        groups.update({code: [code] for code in kept})
        for code in set(flags) - set(kept):
            nearest = min(kept, key=lambda k: abs(flags[k].astype(float) - flags[code]).mean())
            groups[nearest].append(code)
        return list(groups.values())

    def batches(self, size: int):
        """Endless batches of (RGBA pictures uint8, which are line art, which may change color,
        texts)."""
        while True:
            order = [self.generator.choice(group) for group in self.groups]
            self.generator.shuffle(order)
            parts = max(1, len(order) // size)
            for part in range(parts):
                yield self.batch(order[part::parts])

    def mirrors(self, code: str) -> bool:
        entry = self.names[code]
        return entry["group"] in MIRRORED_GROUPS and not NOT_MIRRORED.search(entry["label"])

    def recolors(self, code: str) -> bool:
        entry = self.names[code]
        return entry["group"] in RECOLORED_GROUPS and not COLORS.search(entry["label"])

    def batch(self, codes: list[str]):
        pictures, monochrome, recolorable, texts = [], [], [], []
        for code in codes:
            places = self.places[code]
            number, row, _ = self.generator.choices(places, [place[2] for place in places])[0]
            style, array = self.pictures[number]
            picture = array[row]
            if self.mirrors(code) and self.generator.random() < 0.25:
                picture = picture.flip(-1)
            pictures.append(picture)
            monochrome.append(style in MONOCHROME)
            recolorable.append(self.recolors(code))
            texts.append(sample_text(self.names[code], self.generator))
        return torch.stack(pictures), torch.tensor(monochrome), torch.tensor(recolorable), texts


def augment_in_chunks(rgba, monochrome, recolorable, side: int, gentle_share: float,
                      chunk: int = 64) -> torch.Tensor:
    """In chunks, for what they pass through then stays in the cache."""
    chunks = zip(rgba.split(chunk), monochrome.split(chunk), recolorable.split(chunk))
    parts = [augment(a, side, m, r, gentle_share) for a, m, r in chunks]
    return torch.cat(parts)


def contrastive_loss(image_features, text_features, scale) -> torch.Tensor:
    logits = scale * F.normalize(image_features.float(), dim=-1) @ text_features.t()
    labels = torch.arange(len(logits))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2


class Trainer:
    def __init__(self, arguments, model: torch.jit.ScriptModule, config: dict):
        self.arguments = arguments
        self.average = copy.deepcopy(model).eval()
        self.model = make_trainable(model)
        self.mean = torch.tensor(config["mean"])[:, None, None]
        self.std = torch.tensor(config["std"])[:, None, None]
        self.context_length = config["context_length"]
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        others = [p for p in model.parameters() if p.ndim < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": arguments.weight_decay},
             {"params": others, "weight_decay": 0.0}], lr=0.0, betas=(0.9, 0.98), fused=True)

    def encode_texts(self, tokens, parts: int = 4):
        """Texts of like length together, so that little is spent on padding."""
        lengths = (tokens != 0).sum(1)
        order = lengths.argsort()
        with torch.autocast("cpu", torch.bfloat16):
            encoded = [self.model.encode_text(tokens[rows, :int(lengths[rows].max())])
                       for rows in order.chunk(parts)]
        return torch.cat(encoded)[order.argsort()]

    def image_loss(self, pictures, text_features, scale):
        normalized = ((pictures - self.mean) / self.std).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            features = self.model.encode_image(normalized)
        return contrastive_loss(features, text_features, scale)

    def step(self, pictures, tokens, learning_rate: float, epsilon: float) -> tuple[float, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        text = F.normalize(self.encode_texts(tokens).float(), dim=-1)
        scale = self.model.logit_scale.exp()
        # Both passes add their gradient here; the text encoder is gone back through once.
        text_leaf, scale_leaf = text.detach().requires_grad_(), scale.detach().requires_grad_()
        robust = epsilon > 0
        pictures.requires_grad_(robust)
        clean_loss = self.image_loss(pictures, text_leaf, scale_leaf)
        share = 1 - self.arguments.robust_share if robust else 1.0
        (clean_loss * share).backward()
        robust_loss = torch.zeros(())
        if robust:
            rows = int(len(pictures) * self.arguments.robust_part)
            perturbed = self.perturb(pictures.detach()[:rows], pictures.grad[:rows],
                                     text_leaf[:rows], scale_leaf, epsilon)
            robust_loss = self.image_loss(perturbed, text_leaf[:rows], scale_leaf)
            (robust_loss * (1 - share)).backward()
        torch.autograd.backward([text, scale], [text_leaf.grad, scale_leaf.grad])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
        return clean_loss.item(), robust_loss.item()

    def perturb(self, pictures, gradient, text_leaf, scale_leaf, epsilon: float) -> torch.Tensor:
        """The pictures, moved at most epsilon (L2 over pixels in [0, 1]) to where the loss is higher."""
        radius = epsilon * (0.5 + 0.5 * torch.rand(len(pictures), 1, 1, 1))
        delta = radius * unit(gradient)
        text, scale = text_leaf.detach(), scale_leaf.detach()
        for _ in range(self.arguments.attack_steps - 1):
            moved = (pictures + delta).clamp(0, 1).requires_grad_()
            gradient, = torch.autograd.grad(self.image_loss(moved, text, scale), moved)
            delta = delta + radius * unit(gradient)
            delta = delta * (radius / norm(delta).clamp(min=1e-12)).clamp(max=1)
        return (pictures + delta).clamp(0, 1)

    def evaluate(self, tokenizer, evaluation) -> dict:
        return evaluate(self.average, tokenizer, *evaluation, mean=self.mean, std=self.std,
                        context_length=self.context_length)

    def update_average(self, step: int):
        decay = min(self.arguments.average, (1 + step) / (10 + step))
        with torch.no_grad():
            for average, current in zip(self.average.state_dict().values(),
                                        self.model.state_dict().values()):
                if average.is_floating_point():
                    average.lerp_(current, 1 - decay)
                else:
                    average.copy_(current)


def norm(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1).norm(dim=1)[:, None, None, None]


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / norm(x).clamp(min=1e-12)


def ramp(progress: float, start: float, end: float) -> float:
    return min(max((progress - start) / max(end - start, 1e-9), 0.0), 1.0)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=".cache/emoji", help="folder that render.py wrote")
    parser.add_argument("--output", default=".cache/clip.checkpoint.pt")
    parser.add_argument("--architecture", default="emoji-RN",
                        help="one that clip.Create knows by name")
    parser.add_argument("--initial", help="archive to start from; default: one with fresh weights")
    parser.add_argument("--resume", help="checkpoint to go on from")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=384, help="at least")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.99, help="decay of the weights' average")
    parser.add_argument("--epsilon", type=float, default=1.0, help="L2 radius of the perturbation")
    parser.add_argument("--robust-from", type=float, default=0.4, help="as a share of the run")
    parser.add_argument("--robust-share", type=float, default=0.4, help="of the loss")
    parser.add_argument("--robust-part", type=float, default=0.5, help="of a batch is perturbed")
    parser.add_argument("--gentle-share", type=float, default=0.3,
                        help="of the pictures are hardly augmented")
    parser.add_argument("--attack-steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def initial_model(arguments) -> tuple[torch.jit.ScriptModule, dict, list[str]]:
    """The network of an archive, its description, and the merges of its tokenizer."""
    with tempfile.TemporaryDirectory() as folder:
        archive = arguments.initial
        if archive is None:
            archive = Path(folder) / "clip.pt"
            write("clip", arguments.architecture, arguments.seed, archive)
        model, files = load(archive)
    merges = files["bpe_merges.txt"].decode("utf-8").strip("\n").split("\n")
    return model.to(memory_format=torch.channels_last), json.loads(files["config.json"]), merges


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    # On the CPU its backward is several times slower than plain matrix products for short texts.
    torch.backends.cuda.enable_flash_sdp(False)
    torch.manual_seed(arguments.seed)
    generator = random.Random(arguments.seed)
    model, config, merges = initial_model(arguments)
    size, context_length = config["image_size"], config["context_length"]
    tokenizer = make_tokenizer(merges)
    if arguments.resume:
        model.load_state_dict(torch.load(arguments.resume, weights_only=True)["state_dict"])
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    emoji = Emoji(arguments.data)
    training = TrainingSet(emoji, generator)
    evaluation = emoji.evaluation(size)
    trainer = Trainer(arguments, model, config)

    def save():
        torch.save({"state_dict": trainer.average.state_dict(), "architecture": config["architecture"],
                    "merges": merges}, arguments.output + ".partial")
        os.replace(arguments.output + ".partial", arguments.output)

    began = reported = time.time()
    losses = []
    for step, (rgba, monochrome, recolorable, texts) in enumerate(training.batches(arguments.batch)):
        progress = (time.time() - began) / (60 * arguments.minutes)
        if progress >= 1:
            break
        warm = min(1.0, (step + 1) / 50)
        rate = arguments.learning_rate * warm * (0.02 + 0.98 * math.cos(math.pi / 2 * progress) ** 2)
        start = arguments.robust_from
        epsilon = arguments.epsilon * ramp(progress, start, start + 0.15) if progress > start else 0
        pictures = augment_in_chunks(rgba, monochrome, recolorable, size, arguments.gentle_share)
        tokens = tokenize(tokenizer, texts, context_length)
        model.train()
        losses.append(trainer.step(pictures, tokens, rate, epsilon))
        trainer.update_average(step)
        if time.time() - reported > 120:
            reported = time.time()
            clean, robust = torch.tensor(losses).mean(0).tolist()
            losses = []
            figures = format_figures(trainer.evaluate(tokenizer, evaluation))
            print(f"{progress:.3f} step {step} loss {clean:.3f} robust {robust:.3f} "
                  f"epsilon {epsilon:.2f} scale {model.logit_scale.exp().item():.1f} | {figures}",
                  flush=True)
            save()
    save()
    print(format_figures(trainer.evaluate(tokenizer, evaluation)))


if __name__ == "__main__":
    main()
