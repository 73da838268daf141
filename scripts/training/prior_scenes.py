"""Pictures of two things, composed of two drawings, with texts that say how they stand: so the prior meets "a cat with
a hat" though no artist drew one."""

import random

import torch

from drawing_augment import moved, over

# For each arrangement: the text, and scale and shift (right, down, in half sides) of the first and of the second.
# The first stands in front. Texts take names with their articles.
ARRANGEMENTS = (
    ("{} and {}", (0.48, -0.5, 0.0), (0.48, 0.5, 0.0)),
    ("{} next to {}", (0.48, -0.5, 0.0), (0.48, 0.5, 0.0)),
    ("{} on {}", (0.55, 0.0, -0.35), (0.72, 0.0, 0.28)),
    ("{} above {}", (0.48, 0.0, -0.5), (0.48, 0.0, 0.5)),
    ("{} under {}", (0.48, 0.0, 0.5), (0.48, 0.0, -0.5)),
    ("{} in front of {}", (0.55, 0.0, 0.4), (0.9, 0.0, 0.0)),
    ("{1} with {0}", (0.42, 0.0, -0.55), (0.8, 0.0, 0.2)),
    ("{1} with {0}", (0.42, 0.5, 0.45), (0.85, -0.1, 0.0)),
)


def with_article(name: str) -> str:
    """The name as one thing: "an apple"."""
    if name.endswith("s") and not name.endswith("ss"):
        return name
    return ("an " if name[:1] in "aeiou" else "a ") + name


def compose(first: torch.Tensor, second: torch.Tensor, names: list[tuple[str, str]],
            generator: random.Random) -> tuple[torch.Tensor, list[str]]:
    """Premultiplied [N, 4, s, s] twice -> scenes of the same shape, and a text for each."""
    device, chosen = first.device, [generator.choice(ARRANGEMENTS) for _ in names]
    still, plain = torch.zeros(len(first), device=device), torch.zeros(len(first), dtype=torch.bool, device=device)
    placed = []
    for which, drawing in ((1, first), (2, second)):
        scale = torch.tensor([each[which][0] for each in chosen], device=device)
        shift = torch.tensor([each[which][1:] for each in chosen], device=device)
        placed.append(moved(drawing, still, scale, shift, plain))
    texts = [each[0].format(with_article(a), with_article(b)) for each, (a, b) in zip(chosen, names)]
    return over(placed[0], placed[1]), texts
