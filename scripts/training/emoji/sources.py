"""Where each emoji set keeps its drawings, and which Unicode emoji each drawing shows.

An emoji is identified by its code points in upper-case hexadecimal, joined with "-", without the
variation selector U+FE0F: sets disagree about that one, and it changes no picture.
"""

import json
import os
import re
import unicodedata
import xml.etree.ElementTree as ElementTree

# The set whose artwork no model sees in training.
HELD_OUT_STYLE = "twemoji"
STYLES = (
    "fluent_flat",
    "fluent_modern",
    "fluent_high_contrast",
    "noto",
    "openmoji_color",
    "openmoji_black",
    HELD_OUT_STYLE,
)

SVG_NAMESPACE = "http://www.w3.org/2000/svg"
SKIN_TONES = {"light": 1, "medium-light": 2, "medium": 3, "medium-dark": 4, "dark": 5}
SKIN_TONE_MODIFIERS = {"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}

# Fluent names its files after Unicode's labels, but for these.
FLUENT_ALIASES = {
    "blackbird": "black-bird",
    "hugging-face": "smiling-face-with-open-hands",
    "keycap-asterisk": "keycap-*",
    "keycap-hashtag": "keycap-#",
    "knocked-out-face": "face-with-crossed-out-eyes",
    "man-blonde-hair": "man-blond-hair",
    "man-deaf": "deaf-man",
    "man-merpeople": "merman",
    "man-with-bunny-ears": "men-with-bunny-ears",
    "man-wrestling": "men-wrestling",
    "person-blonde-hair": "person-blond-hair",
    "person-deaf": "deaf-person",
    "person-elf": "elf",
    "person-fairy": "fairy",
    "person-genie": "genie",
    "person-mage": "mage",
    "person-merpeople": "merperson",
    "person-superhero": "superhero",
    "person-supervillain": "supervillain",
    "person-vampire": "vampire",
    "person-with-bunny-ears": "people-with-bunny-ears",
    "person-wrestling": "people-wrestling",
    "person-zombie": "zombie",
    "phoenix-bird": "phoenix",
    "pouting-face": "enraged-face",
    "red-triangle": "red-triangle-pointed-up",
    "stuffedbread": "stuffed-flatbread",
    "woman-blonde-hair": "woman-blond-hair",
    "woman-deaf": "deaf-woman",
    "woman-merpeople": "mermaid",
    "woman-with-bunny-ears": "women-with-bunny-ears",
    "woman-wrestling": "women-wrestling",
}


def normalize(hexcode):
    return "-".join(p for p in hexcode.upper().split("-") if p != "FE0F")


def without_skin_tone(code):
    return "-".join(p for p in code.split("-") if p not in SKIN_TONE_MODIFIERS)


def slug(label):
    """The label as the Fluent set writes file names: "woman’s hat" becomes "womans-hat"."""
    text = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[’'“”!.,():]", "", text.replace("&", "and"))
    return re.sub(r"[^a-z0-9#*]+", "-", text).strip("-")


def read_names(modules):
    """Emojibase's data: {code: {"label", "tags", "group"}} for every emoji, base forms only."""
    names = {}
    for entry in read_emojibase(modules):
        names[normalize(entry["hexcode"])] = {
            "label": entry["label"].replace("’", "'").replace("“", '"').replace("”", '"'),
            "tags": entry.get("tags", []),
            "group": entry["group"],
        }
    return names


def read_emojibase(modules):
    with open(os.path.join(modules, "emojibase-data/en/data.json"), encoding="utf-8") as file:
        # An entry without a group is a building block (a regional indicator letter), not an emoji.
        return [entry for entry in json.load(file) if "group" in entry]


def list_drawings(modules, style):
    """Yields (code, path of an SVG or its text) for each drawing of the style."""
    if style.startswith("fluent_"):
        folder = style.removeprefix("fluent_").replace("_", "-")
        yield from list_fluent(modules, os.path.join(modules, "fluentui-emoji/icons", folder))
    elif style == "noto":
        yield from list_sprites(os.path.join(modules, "@svgmoji/noto/sprites/all.svg"))
    elif style.startswith("openmoji_"):
        folder = os.path.join("openmoji", style.removeprefix("openmoji_"), "svg")
        yield from list_by_code(os.path.join(modules, folder))
    elif style == "twemoji":
        yield from list_by_code(os.path.join(modules, "@twemoji/svg"))
    else:
        raise ValueError(f"unknown style {style!r}; choose from {', '.join(STYLES)}")


def list_by_code(folder):
    for name in sorted(os.listdir(folder)):
        if name.endswith(".svg"):
            yield normalize(name.removesuffix(".svg")), os.path.join(folder, name)


def list_fluent(modules, folder):
    by_slug = {slug(entry["label"]): entry for entry in read_emojibase(modules)}
    for name in sorted(os.listdir(folder)):
        stem = name.removesuffix(".svg")
        tone = None
        if stem not in by_slug:
            for suffix in ("default", *sorted(SKIN_TONES, key=len, reverse=True)):
                if stem.endswith("-" + suffix):
                    stem, tone = stem.removesuffix("-" + suffix), SKIN_TONES.get(suffix)
                    break
        entry = by_slug.get(FLUENT_ALIASES.get(stem, stem))
        if entry is None:
            continue
        if tone is not None:
            entry = next((s for s in entry.get("skins", []) if s.get("tone") == tone), None)
            if entry is None:
                continue
        yield normalize(entry["hexcode"]), os.path.join(folder, name)


def list_sprites(path):
    """One file holds the whole set: an inner <svg id="CODE"> for each emoji."""
    ElementTree.register_namespace("", SVG_NAMESPACE)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    for child in ElementTree.parse(path).getroot():
        if child.tag == f"{{{SVG_NAMESPACE}}}svg" and "id" in child.attrib:
            code = normalize(child.attrib.pop("id"))
            yield code, ElementTree.tostring(child, encoding="unicode")
