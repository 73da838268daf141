"""Prints the figures of the embedded CLIP on the artwork set that training never saw.

    python scripts/training/evaluate_clip.py --model models/clip.pt --data .cache/emoji [--labels models/labels.txt]

Zero-shot: each picture against all names, a name being the mean of its templates' embeddings.
Retrieval: each name against all pictures, found if its own is among the first ten. With --labels the
names are written too, one a line.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "emoji"), str(HERE.parent / "reference")]

from clip_tokens import make_tokenizer, tokenize  # noqa: E402
from dataset import Emoji  # noqa: E402
from texts import ZERO_SHOT_TEMPLATES  # noqa: E402


@torch.no_grad()
def embed_pictures(model, pictures: torch.Tensor, mean: torch.Tensor,
                   std: torch.Tensor) -> torch.Tensor:
    """uint8 [N, 3, S, S] -> unit embeddings [N, D]. mean and std are [3, 1, 1]."""
    parts = [model.encode_image((part.float() / 255 - mean) / std) for part in pictures.split(128)]
    return F.normalize(torch.cat(parts), dim=-1)


@torch.no_grad()
def embed_names(model, tokenizer, names, templates, context_length: int) -> torch.Tensor:
    total = 0
    for template in templates:
        tokens = tokenize(tokenizer, [template.format(name) for name in names], context_length)
        # Padding follows the end token and is never attended to, so it can go.
        tokens = tokens[:, :int((tokens != 0).sum(1).max())]
        parts = [model.encode_text(part) for part in tokens.split(256)]
        total = total + F.normalize(torch.cat(parts), dim=-1)
    return F.normalize(total, dim=-1)


def evaluate(model, tokenizer, codes, names, pictures, templates=ZERO_SHOT_TEMPLATES, *,
             mean: torch.Tensor, std: torch.Tensor, context_length: int) -> dict:
    images = embed_pictures(model, pictures, mean, std)
    similarity = images @ embed_names(model, tokenizer, names, templates, context_length).t()
    own = similarity.diag()
    image_rank = (similarity > own[:, None]).sum(1)
    text_rank = (similarity > own[None]).sum(0)
    return {
        "names": len(names),
        "top1": (image_rank < 1).float().mean().item(),
        "top5": (image_rank < 5).float().mean().item(),
        "recall1": (text_rank < 1).float().mean().item(),
        "recall10": (text_rank < 10).float().mean().item(),
        "image_rank": image_rank,
    }


def format_figures(figures: dict) -> str:
    return (f"{figures['names']} names: zero-shot top-1 {figures['top1']:.1%}, "
            f"top-5 {figures['top5']:.1%}; text-to-image recall@1 {figures['recall1']:.1%}, "
            f"recall@10 {figures['recall10']:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="models/clip.pt")
    parser.add_argument("--data", default=".cache/emoji", help="folder that emoji/render.py wrote")
    parser.add_argument("--labels", help="write the names here")
    arguments = parser.parse_args()

    extra = {"config.json": "", "bpe_merges.txt": ""}
    model = torch.jit.load(arguments.model, _extra_files=extra).float().eval()
    config = json.loads(extra["config.json"])
    merges = extra["bpe_merges.txt"].decode("utf-8").strip("\n").split("\n")
    tokenizer = make_tokenizer(merges)
    codes, names, pictures = Emoji(arguments.data).evaluation(config["image_size"])
    if arguments.labels:
        with open(arguments.labels, "w", encoding="utf-8") as file:
            file.write("\n".join(names) + "\n")
    settings = {name: torch.tensor(config[name])[:, None, None] for name in ("mean", "std")}
    settings["context_length"] = config["context_length"]
    figures = evaluate(model, tokenizer, codes, names, pictures, **settings)
    print(f"{arguments.model}, template ensemble: {format_figures(figures)}")
    bare = evaluate(model, tokenizer, codes, names, pictures, ("{}",), **settings)
    print(f"{arguments.model}, bare names:        {format_figures(bare)}")


if __name__ == "__main__":
    main()
