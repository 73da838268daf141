"""Prints how many names a prior draws so that a judge recognizes them.

    python scripts/training/evaluate_prior.py --prior prior.pt --vqgan vqgan.pt --pack build/training-folder \
        --ranker clip.pt --judge models/clip.pt [--sheet drawn.png]

For each of 200 names, chosen by a hash from those that the drawings have, it draws 8 pictures; the ranker, a CLIP,
puts the one first that is nearest to the name; and the judge, a CLIP that took no part, is asked which of the 200
names that one shows. The prior and the VQGAN are the checkpoints of train_prior.py and train_vqgan128.py, the CLIPs
archives.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "emoji"), str(HERE.parent / "reference")]

from clip_tokens import make_tokenizer  # noqa: E402
from contact_sheet import save_sheet  # noqa: E402
from evaluate_clip import embed_names, embed_pictures  # noqa: E402
from pack_reader import read_index  # noqa: E402
from prior_network import Prior, shape_of  # noqa: E402
from prior_sample import sample  # noqa: E402
from prior_text import TextPositions  # noqa: E402
from texts import ZERO_SHOT_TEMPLATES  # noqa: E402
from train_prior import load_vqgan  # noqa: E402

# Emojibase's group of flags, which say little about drawing.
FLAGS = 9


class Clip:
    def __init__(self, path: Path):
        extra = {"config.json": "", "bpe_merges.txt": ""}
        self.model = torch.jit.load(str(path), map_location="cpu", _extra_files=extra).float().eval()
        config = json.loads(extra["config.json"])
        self.tokenizer = make_tokenizer(extra["bpe_merges.txt"].decode("utf-8").strip("\n").split("\n"))
        self.mean, self.std = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))
        self.side, self.length = config["image_size"], config["context_length"]

    def names(self, names: list[str]) -> torch.Tensor:
        return embed_names(self.model, self.tokenizer, names, ZERO_SHOT_TEMPLATES, self.length)

    def pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """[N, 3, s, s] in [-1, 1] -> unit embeddings [N, D]."""
        resized = F.interpolate(pictures, size=(self.side, self.side), mode="bicubic", antialias=True).clamp(-1, 1)
        return embed_pictures(self.model, ((resized + 1) * 127.5).round().to(torch.uint8), self.mean, self.std)


def choose_names(folder: str, count: int) -> list[str]:
    names = {item["name"] for item in read_index(folder)["pictures"]
             if item["split"] == "train" and item["source"] != "openclipart" and item["group"] != FLAGS
             and "skin tone" not in item["name"]}
    return sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8")).digest())[:count]


def load_prior(path: Path) -> tuple[Prior, TextPositions, dict]:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    prior = Prior(shape_of(saved["config"])).eval()
    prior.load_state_dict(saved["model"])
    return prior, TextPositions(saved["merges"], prior.shape), saved["config"]


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("prior", "vqgan", "ranker", "judge"):
        parser.add_argument("--" + name, type=Path, required=True)
    parser.add_argument("--pack", required=True, help="the prepared folder")
    parser.add_argument("--names", type=int, default=200)
    parser.add_argument("--each", type=int, default=8, help="pictures for each name")
    parser.add_argument("--guidance", type=float, help="default: what the prior's file suggests; so with the next two")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--top-k", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="PNG of the pictures of the first 40 names, best first")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    prior, positions, config = load_prior(options.prior)
    vqgan, _ = load_vqgan(options.vqgan, torch.device("cpu"))
    ranker, judge = Clip(options.ranker), Clip(options.judge)
    settings = [config[name] if value is None else value for name, value in
                (("guidance", options.guidance), ("temperature", options.temperature), ("top_k", options.top_k))]
    names = choose_names(options.pack, options.names)
    by_ranker, by_judge = ranker.names(names), judge.names(names)
    right = first_right = shown = 0
    rows, titles = [], []
    for start in range(0, len(names), 8):
        some = names[start:start + 8]
        text = positions.tensor([name for name in some for _ in range(options.each)])
        drawn = vqgan.picture(sample(prior, text, positions.null(len(text)), None, *settings))
        likeness = (ranker.pictures(drawn).view(len(some), options.each, -1) * by_ranker[start:start + len(some), None]).sum(2)
        order = likeness.argsort(1, descending=True)
        guesses = (judge.pictures(drawn) @ by_judge.t()).argmax(1).view(len(some), options.each)
        wanted = torch.arange(start, start + len(some))
        right += (guesses.gather(1, order[:, :1]).flatten() == wanted).sum().item()
        first_right += (guesses[:, 0] == wanted).sum().item()
        shown += len(some)
        if options.sheet and len(rows) < 40:
            drawn = drawn.view(len(some), options.each, *drawn.shape[1:])
            rows += [drawn[i][order[i]] for i in range(len(some))]
            titles += some
        print(f"{shown} names: the first of {options.each} named right {100 * right / shown:.1f} %, one without ranking "
              f"{100 * first_right / shown:.1f} %", flush=True)
    if options.sheet:
        save_sheet(rows, options.sheet, titles)


if __name__ == "__main__":
    main()
