"""Texts for a picture: its name, its keywords, and sentences made of them."""

import random
import re

TEMPLATES = (
    "{}", "a {}", "the {}", "one {}", "a picture of {}", "a picture of a {}", "an emoji of {}",
    "an emoji of a {}", "{} emoji", "{} icon", "an icon of a {}", "a drawing of {}",
    "a drawing of a {}", "an illustration of a {}", "a photo of a {}", "a photo of {}",
    "a cartoon of a {}", "a cartoon {}", "clip art of a {}", "a sticker of a {}", "a small {}",
    "a painting of a {}", "a beautiful {}", "an image of {}",
)
FOOD_TEMPLATES = ("a slice of {}", "a piece of {}", "a plate of {}", "some {}", "delicious {}")
FOOD_GROUP = 4
# The ensemble of zero-shot classification: their embeddings' mean stands for the name.
ZERO_SHOT_TEMPLATES = ("{}", "a {}", "a picture of {}", "an emoji of {}", "{} icon")


def plain_name(label: str, generator: random.Random) -> str:
    """The label, or the way one would say it: "flag: France" is also "flag of France"."""
    name = label.lower()
    match = re.fullmatch(r"(flag|keycap): (.+)", name)
    if match and generator.random() < 0.5:
        kind, what = match.groups()
        return generator.choice((f"{kind} of {what}", f"{what} {kind}", f"the {kind} of {what}"))
    if generator.random() < 0.3:
        name = name.replace(":", "")
    if generator.random() < 0.2:
        name = name.replace("-", " ")
    return name


def sample_text(entry: dict, generator: random.Random) -> str:
    """One text for the emoji of this entry (label, tags, group)."""
    name = plain_name(entry["label"], generator)
    tags = [tag.lower() for tag in entry["tags"]]
    templates = TEMPLATES
    if entry["group"] == FOOD_GROUP and generator.random() < 0.3:
        templates = FOOD_TEMPLATES
    choice = generator.random()
    if choice < 0.25 or not tags:
        return name
    if choice < 0.65:
        return generator.choice(templates).format(name)
    some = generator.sample(tags, min(len(tags), generator.randint(1, 3)))
    if choice < 0.75:
        return generator.choice(templates).format(f"{name} {generator.choice(('with', 'and', ''))} "
                                                  f"{some[0]}".replace("  ", " "))
    if choice < 0.88:
        words = [name, *some]
        generator.shuffle(words)
        return generator.choice((", ", " ")).join(words)
    if choice < 0.95 and len(tags) > 1:
        return generator.choice((", ", " ")).join(some)
    return generator.choice(templates).format(some[0])
