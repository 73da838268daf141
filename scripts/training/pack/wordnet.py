"""WordNet's words, and the 1,000 ImageNet classes in it: names, glosses and hypernyms.

ImageNet identifies classes by offsets of WordNet 3.0, and the npm package has WordNet 3.1. A class is
found by its lemmas, which timm lists: the noun that has all of them.
"""

import importlib.util
import re
from pathlib import Path

FUNCTION_WORDS = set("a an the of in on at with and or for to from by as is".split())


class WordNet:
    def __init__(self, folder: Path):
        """folder is the package's dict folder."""
        self.folder = folder
        self.synsets = {}  # offset -> (lemmas, offsets of hypernyms, gloss)
        self.by_lemma = {}
        with open(folder / "data.noun", encoding="latin-1") as file:
            for line in file:
                if not line.startswith("  "):
                    self.read_synset(line)

    def read_synset(self, line: str) -> None:
        data, _, gloss = line.partition("|")
        fields = data.split()
        offset, count = fields[0], int(fields[3], 16)
        lemmas = [fields[4 + 2 * i].replace("_", " ") for i in range(count)]
        rest = fields[4 + 2 * count:]
        pointers = [rest[1 + 4 * i:5 + 4 * i] for i in range(int(rest[0]))]
        hypernyms = [pointer[1] for pointer in pointers if pointer[0] in ("@", "@i")]
        self.synsets[offset] = (lemmas, hypernyms, gloss.strip())
        for lemma in lemmas:
            self.by_lemma.setdefault(lemma.lower(), []).append(offset)

    def words(self) -> set[str]:
        """All single words of all parts of speech, in lower case, and function words."""
        words = set(FUNCTION_WORDS)
        for part in ("noun", "verb", "adj", "adv"):
            with open(self.folder / f"index.{part}", encoding="latin-1") as file:
                for line in file:
                    if not line.startswith("  "):
                        words.update(re.split(r"[_\-]", line.split(" ", 1)[0]))
        return {word for word in words if word.isalpha() and (len(word) > 1 or word == "a")}

    def find(self, lemmas: list[str]) -> str:
        """The offset of the noun with most of the lemmas."""
        scores = {}
        for lemma in lemmas:
            for rank, offset in enumerate(self.by_lemma.get(lemma.lower(), [])):
                scores[offset] = scores.get(offset, 0) + 1 - 0.01 * rank
        if not scores:
            raise SystemExit(f"error: WordNet has no noun {', '.join(lemmas)}")

        def overlap(offset):
            return scores[offset] - 0.1 * abs(len(self.synsets[offset][0]) - len(lemmas))
        return max(scores, key=overlap)

    def hypernyms(self, offset: str, levels: int = 4) -> list[str]:
        """The first lemmas of the nouns above it, nearest first."""
        names = []
        for _ in range(levels):
            above = self.synsets[offset][1]
            if not above:
                break
            offset = above[0]
            names.append(self.synsets[offset][0][0].lower())
        return names

    def gloss(self, offset: str) -> str:
        """Its definition, without the examples."""
        return re.sub(r'[;,]?\s*"[^"]*"', "", self.synsets[offset][2]).strip().rstrip(";").lower()


def read_classes(wordnet: WordNet) -> list[dict]:
    """ImageNet's classes in the order of its classifiers."""
    info = Path(importlib.util.find_spec("timm").origin).parent / "data/_info"
    lemmas_of = dict(line.rstrip("\n").split("\t") for line in open(info / "imagenet_synset_to_lemma.txt"))
    classes = []
    for wnid in (info / "imagenet_synsets.txt").read_text().split():
        lemmas = [lemma.strip() for lemma in lemmas_of[wnid].split(",")]
        offset = wordnet.find(lemmas)
        classes.append({"wnid": wnid, "names": lemmas, "gloss": wordnet.gloss(offset),
                        "hypernyms": wordnet.hypernyms(offset)})
    return classes
