"""Open Clip Art as Debian packages it: which drawings are used, and what they are called."""

import hashlib
import os
import re
import subprocess
import urllib.parse
from pathlib import Path

import numpy

from emoji_pictures import digest
from wordnet import FUNCTION_WORDS

PACKAGE = "openclipart-svg=1:0.18+dfsg-19"
PACKAGE_HASH = "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5"
SOURCE = "openclipart"
TEST_TITLES, VALIDATION_TITLES = 300, 150
# Geometric series, gradients, flags and maps (near-duplicates), playing cards, and themes of icons whose files are named
# after a program's actions.
SKIPPED_FOLDERS = re.compile(
    r"shapes/(stars|jigsaw|flowchart|callouts)|special/|signs_and_symbols/(flags|led|map_symbols)|"
    r"recreation/games/cards|computer/(icons/[a-z]+-theme|buttons|icons/blueberry)|unsorted/duplicates|"
    r"people/clothing/pantyhose|tools/weapons|logos/|transportation/roadsigns|food/beverages/alcohol|yves|mime|mimetypes|geography/(australia|maps)")
# What does not belong into a program that children may use, and maps.
UNFIT = re.compile(
    r"\b(nude|naked|sex\w*|erotic\w*|breasts?|pantyhose|lingerie|stockings?|bikini|drugs?|marijuana|cannabis|joint|weed|"
    r"cocaine|heroin|syringe|cigar\w*|cigarettes?|smok\w*|tobacco|alcohol\w*|beer|wine|vodka|whisk\w*|drunk|guns?|rifles?|"
    r"pistols?|weapons?|bullets?|grenades?|bombs?|tanks?|missiles?|soldiers?|war|gallows|hang(ed|man)|guillotine|suicide|"
    r"kill\w*|dead|death|blood\w*|murder\w*|corpse|torture\w*|nazi|swastika|hitler|terror\w*|devils?|satan\w*|bdsm|whips?|"
    r"maps?|flags?|mapsym|ass|butt|toilet|penis|vagina|condoms?|politic\w*|bush|stalin|lenin|communis\w*|hammer and sickle|babes?|coke|provinces?|orleans)\b",
    re.IGNORECASE)
# Titles of whole series, which say nothing of the one drawing.
SERIES = re.compile(
    r"collection|theme|etiquette|iconset|icon set|clipart|clip art|cliparts|various|symbol_signs|r16|submission|sibmission|"
    r"advertising|sallite|untitled|unsorted|drawing\d*$|template|layout|gramastar|rpg|font|svg|aiga|logo", re.IGNORECASE)
# Names of folders, not of what is drawn.
GENERIC = set("""computer people shape shapes symbol symbols sign signs animal recreation food tool tools office sport sports
    transport transportation geography education building buildings icon action activity work special plant decoration
    electronics hardware device application webpage desktop gnome element element illustration drawing picture image object
    various button buttons boating rules traffic weather unsorted mammal""".split()) | {
    "signs and symbols", "gnome mime application", "boating rules illustration", "creation day number", "gnome mime",
    "computer icon", "stock", "gnome dev", "gnome fs", "menu example"}
PREFIXES = re.compile(r"^((aiga|clipart|hotel icon|hotel|bb|sm|gnome|stock|icon|contour|simple symbol)\b ?)+")
KEYWORDS_WITHOUT_SENSE = re.compile(
    r"^(hash|unsorted|clip ?art|symbol|icons?|theme|mapsym|special|0x.*|\w+_theme_icon|svg|image|signs_and_symbols|"
    r"architetto.*|colou?r|black|white|bw|menu|appicon|flowchart|networksym|)$", re.IGNORECASE)


def download(folder: Path) -> Path:
    """Downloads and unpacks the package, and returns the folder of its drawings."""
    drawings = folder / "usr/share/openclipart/svg"
    if drawings.is_dir():
        return drawings
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
    archive, = folder.glob("openclipart-svg_*.deb")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != PACKAGE_HASH:
        raise SystemExit(f"error: {archive.name} has the hash {found}, expected {PACKAGE_HASH}")
    subprocess.run(["dpkg", "-x", archive.name, "."], cwd=folder, check=True)
    return drawings


def unescape(text: str) -> str:
    text = text.replace("&amp;", "&").replace("&apos;", "'").replace("&quot;", '"')
    return re.sub(r"\s+", " ", urllib.parse.unquote(text)).strip()


def clean_words(text: str) -> str:
    """Lower case, without numbers and punctuation: "bride1" and "Penguin_02" are "bride" and "penguin"."""
    text = text.replace("_", " ")
    text = re.sub(r"\((b and w|b&w|bw|\d+\w*|variation \w+)\)|\bb and w\b|\bbw\b", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    text = re.sub(r"[_\-/.,;:+()!?\"\d]+", " ", text)
    return re.sub(r"\s+", " ", text).strip().lower()


def creators(svg: str) -> set[str]:
    words = set()
    for name in re.findall(r"<(?:dc:creator|dc:rights|dc:publisher)>.*?<dc:title>(.*?)</dc:title>", svg, re.DOTALL):
        words |= set(clean_words(name).split())
    return words


def file_words(path: str, artists: set[str]) -> str:
    """What a file's name says. It goes on with the artist's name, which ends it."""
    words = []
    for word in clean_words(os.path.basename(path).removesuffix(".svg")).split():
        if word in artists and words:
            break
        words.append(word)
    return " ".join(words)


class Drawing:
    def __init__(self, path: str, svg: str):
        self.path = path
        titles = re.findall(r"<dc:title>(.*?)</dc:title>", svg, re.DOTALL)
        self.title = unescape(titles[0]) if titles else ""
        keywords = [clean_words(unescape(k)) for k in re.findall(r"<rdf:li>(.*?)</rdf:li>", svg, re.DOTALL)]
        self.keywords = list(dict.fromkeys(k for k in keywords if not KEYWORDS_WITHOUT_SENSE.match(k)))[:8]
        self.artists = creators(svg)
        self.name = ""
        self.weak = False  # named by a keyword alone

    def is_fit(self) -> bool:
        text = " ".join([clean_words(self.path), clean_words(self.title), *self.keywords])
        return not UNFIT.search(text)


def name_drawings(drawings: list[Drawing], known_words: set[str]) -> list[Drawing]:
    """Gives each drawing its name: its title if it is its own and English, else what its file's name says. Those for
    which neither holds, nor a keyword, are left out."""
    uses = {}
    for drawing in drawings:
        uses[drawing.title] = uses.get(drawing.title, 0) + 1

    def english(name: str) -> bool:
        words = name.split()
        if not 1 <= len(words) <= 7 or any(len(word) > 20 for word in words):
            return False
        known = [word in known_words or word.rstrip("s") in known_words for word in words]
        return all(known) and any(len(w) > 2 and w not in FUNCTION_WORDS for w in words)

    named = []
    for drawing in drawings:
        title = clean_words(drawing.title)
        if uses[drawing.title] <= 12 and not SERIES.search(drawing.title) and english(title):
            drawing.name = title
        else:
            words = PREFIXES.sub("", file_words(drawing.path, drawing.artists)).split()
            # An artist's name that the file does not give is what follows the words one knows.
            count = next((i for i, w in enumerate(words) if w not in known_words), len(words))
            name = " ".join(words[:count])
            if count and english(name) and len(name) > 2:
                drawing.name = name
            elif drawing.keywords and english(drawing.keywords[-1]):
                drawing.name = drawing.keywords[-1]
                drawing.weak = True
        drawing.name = PREFIXES.sub("", drawing.name)
        if len(drawing.name) > 2 and drawing.name not in GENERIC:
            named.append(drawing)
    return named


def read_drawings(folder: Path, known_words: set[str]) -> list[Drawing]:
    drawings = []
    for path in sorted(folder.rglob("*.svg")):
        relative = path.relative_to(folder).as_posix()
        if SKIPPED_FOLDERS.search(relative):
            continue
        drawing = Drawing(relative, path.read_text(encoding="utf-8", errors="replace"))
        if drawing.is_fit():
            drawings.append(drawing)
    return name_drawings(drawings, known_words)


def split_by_name(names: set[str]) -> dict[str, str]:
    """The split of each name. All drawings of a name are in the same."""
    order = sorted(names, key=digest)
    splits = dict.fromkeys(names, "train")
    splits.update(dict.fromkeys(order[:TEST_TITLES], "test"))
    splits.update(dict.fromkeys(order[TEST_TITLES:TEST_TITLES + VALIDATION_TITLES], "validation"))
    return splits


def near_duplicates(thumbnails: numpy.ndarray, threshold: float = 3.0) -> list[int]:
    """For each picture (uint8 [N, H, W, 3]), the first one whose mean difference (of 255) is below the threshold."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(numpy.float32)
    first = list(range(len(flat)))
    for row in range(1, len(flat)):
        differences = numpy.abs(flat[:row] - flat[row]).mean(1)
        nearest = int(differences.argmin())
        if differences[nearest] < threshold:
            first[row] = first[nearest]
    return first
