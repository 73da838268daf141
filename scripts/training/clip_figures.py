"""Figures of a CLIP on the pictures that the training folder sets aside for validation, to choose settings by."""

import torch
import torch.nn.functional as F

from efficientnet_lite import MEAN, STD
from pack_reader import on_white
from picture_clip import CONTEXT


@torch.no_grad()
def embed_pictures(model, pictures: torch.Tensor, side: int) -> torch.Tensor:
    """float [n, 3, s, s] in [0, 1] -> unit embeddings."""
    parts = []
    for part in pictures.split(256):
        resized = F.interpolate(part, size=side, mode="bicubic", antialias=True).clamp(0, 1)
        parts.append(F.normalize(model.encode_image((resized - MEAN) / STD).float(), dim=-1))
    return torch.cat(parts)


@torch.no_grad()
def embed_texts(model, tokenizer, texts: list[str], device) -> torch.Tensor:
    tokens = tokenizer(texts, CONTEXT).to(device)
    return torch.cat([F.normalize(model.encode_text(part).float(), dim=-1) for part in tokens.split(1024)])


def ranks(images: torch.Tensor, names: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """For each image, how many names are nearer than its own."""
    similarity = images @ names.t()
    return (similarity > similarity.gather(1, own[:, None])).sum(1)


def tops(rank: torch.Tensor) -> dict[str, float]:
    return {"top1": round((rank < 1).float().mean().item(), 4), "top5": round((rank < 5).float().mean().item(), 4)}


def drawings_figures(model, pack, tokenizer, device, side, rows: list[int], candidates: list[str]) -> dict:
    rgba = pack.pictures[rows].to(device)
    names = embed_texts(model, tokenizer, candidates, device)
    place = {name: i for i, name in enumerate(candidates)}
    own = torch.tensor([place[pack.items[row]["name"]] for row in rows], device=device)
    return {"pictures": len(rows), "names": len(candidates),
            **tops(ranks(embed_pictures(model, on_white(rgba), side), names, own))}


def clip_figures(model, pack, tokenizer, device, side: int, photographs=None, labels=None) -> dict:
    """Emoji in a style that training did not see them in, among all emoji's names; Open Clip Art of names that
    training did not see, among those names; and the class pictures among the 1,000 classes."""
    figures = {}
    rows = pack.rows("validation")
    emoji = [row for row in rows if pack.items[row]["group"] >= 0]
    if emoji:
        names = list(dict.fromkeys(item["name"] for item in pack.items if item["group"] >= 0))
        figures["emoji"] = drawings_figures(model, pack, tokenizer, device, side, emoji, names)
    first = {pack.items[row]["name"]: row for row in reversed(rows) if pack.items[row]["group"] < 0}
    if first:
        figures["drawings"] = drawings_figures(model, pack, tokenizer, device, side, sorted(first.values()), list(first))
    if photographs is not None:
        names = embed_texts(model, tokenizer, [c["names"][0].lower() for c in pack.classes], device)
        images = embed_pictures(model, photographs.float() / 255, side)
        figures["class_pictures"] = {"pictures": len(images), **tops(ranks(images, names, labels))}
    return figures
