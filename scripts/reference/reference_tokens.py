"""Writes the reference for the tokenizer: texts and OpenAI's tokens for them.

    python scripts/reference/reference_tokens.py tokenizer/testdata/tokens.jsonl.gz

The texts are hand-picked cases and random ones of many kinds, the same for the
same --seed. Each line of the file is {"text": ..., "tokens": [...]}, without the
start and end tokens; the first line names the versions that made it. With another
seed and a large --count it makes a corpus for a longer comparison:

    python scripts/reference/reference_tokens.py --seed 1 --count 100000 /tmp/tokens.jsonl.gz
    CLIP_TOKENS=/tmp/tokens.jsonl.gz go test ./tokenizer -run TestTokensEqualReference
"""

import argparse
import gzip
import html.entities
import importlib.metadata
import json
import platform
import random
import unicodedata

import regex
from clip.simple_tokenizer import SimpleTokenizer

HAND_PICKED = [
    "", " ", "\n\t", "a diagram", "a photo of a cat.", "A PHOTO OF A CAT", "a  photo\u00a0of\u3000a cat",
    "café", "cafe\u0301", "2024 年", "🙂👍", "İstanbul", "don't", "DON'T", "it's we're they've i'm she'll he'd",
    "it'ſ a teſt", "'ſ", "'S", "<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "<|ſtartoftext|>",
    "<|STARTOFTEXT|>", "!<|endoftext|>", "<|endoftext", "ὈΔΥΣΣΕΎΣ ΟΔΟΣ ΑΣ. ΣΑΣ' Σ ΑΣΑ Α\u0301Σ", "ΑΣ\u00adΑ ΑΣ\u00ad",
    "straße STRASSE ẞ", "ǅ ǈ ŉ ĳ Ĳ ﬁ ﬂ ﬀ ﬃ ﬄ ﬅ ﬆ", "ＦＵＬＬ　ＷＩＤＴＨ １２３", "ﾊﾝｶｸ ｶﾞｷﾞ ﾊﾟ", "ￚￛￜ ﾡﾢ ￠￡￢￣￤￥￦",
    "“curly” ‘quotes’ ‚low‘ „low“ ‛x‟ ʼn", "a\r\nb\rc\u2028d\u2029e\u0085f", "\x1b[31mred\x1b[0m \x1b[1;2x \x1b[ x \x1b[٣m",
    "\x00\x01a\x0bb\x0cc\x1cd\x7f", "\ufeffbom", "a\u200bb\u200cc\u200dd\u2060e", "a\u206ab\ufff9c\ufffcd",
    "&amp;", "&amp;amp;", "&amp;amp;amp;amp;", "&lt;b&gt;", "<b>&amp;</b>", "a\n<b>\n&amp;\n", "&AMP; &NTILDE; &SZLIG; &nTILDE;",
    "&hellip; &notit; &notin; &not &nota &copy2024", "&#65;&#x41;&#X41; &#0; &#1; &#x80; &#128; &#x9f; &#xD800; &#x110000;",
    "&#99999999999999999999; &#xfffe; &#xFDD0; &#x1fffe; &#13;&#10;", "&#59; &#38;amp; &semi; &semi &amp", "&; &# &#; &#x; &#xg;",
    "&CounterClockwiseContourIntegral;", "&fjlig; &FJLIG; &napos; &NAPOS; &filig; &IJLIG; &ijlig;", "&thetav; &ThetaV &abcdefghijklmnopqrstuvwxyzabcdefghij;",
    "cafÃ©", "cafÃƒÂ©", "voilÃ le travail", "Ã la mode", "Ã\xa0 la mode", "fÃ cil", "Ãs vezes", "Ã quele", "Ã quela",
    "âœ” No problems", "â€œ like this â€\ufffd", "â€œ like this â€?", "l’humanitÃ©", "The Mona Lisa doesnâ€™t have eyebrows.",
    "à perturber la rÃ©flexion", "Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "ÐŸÐ\xa0Ð˜Ð’Ð•Ð¢", "РїСЂРёРІРµС‚", "вЂњкавычкивЂќ", "Î±Î²Î³", "‚Äúmac‚Äù", "‚àÜ √© √±",
    "├⌐ ╬▒", "ä½\xa0å¥½", "å\x8d\x97äº¬", "ã\x81\x82ã\x81„", "ðŸ˜€", "Ã°ÂŸÂ˜Â€", "í\xa0½í¸\x80", "í ½í¸€", "À\x80 Ã©", "Ã©À\n", "í\xa0½í¸\n",
    "RUF MICH ZURÃœCK", "Ã\x85land", "10Â° Â£5 Â½", "hello. Â “", "×² ×³ à² à¼", "ā€™", "β€™", "ΞΒ°Γ", "ВСЃР", "ГўВЂВњ a", "œ1 Œ.",
    "x√®y ≈¢ ≈°", "Ó¤ ò¬ ï¿½", "Å¡ Å Äåö", "\x85 \x91quoted\x92 \x93double\x94", "â–¶ â™¥ â€¢", "¡Hola! ¿Qué tal?", "«Bonjour» ‹là›",
    "naïve façade – “Zürich”", "Übergrößenträger ÄÖÜß", "l'été à Paris", "Tiếng Việt", "हिन्दी में", "ภาษาไทย", "עִבְרִית", "العَرَبِيَّة ٠١٢", "한국어", "ᄒ\u1161ᆫ",
    "中文繁體字", "日本語テキスト", "ქართული", "Հայերեն", "ᏣᎳᎩ", "አማርኛ", "བོད་", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙", "½ ⅔ ① Ⅳ x² ₃ ٣", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 1️⃣ ❤️", "☕☃✨→∞≠",
    "a!b?c...d---e", "100% $5.00 #tag @user c++ c# 3.14", "http://example.com/a?b=c&d=e&copy=1", "_underscore_ snake_case", "(a) [b] {c}", "\\n \\x41",
    "e" + "\u0301" * 40, "a" + "\u0323\u0302" * 20, "q" + "".join(map(chr, range(0x300, 0x370))), "α\u0345 !\u0345! \u0345",
    "ὰ\u0345 Ω\u0345", "\u1e9b\u0323", "Å Ω K", "\u0344 \u0958 \u2adc \ufb1d", "\U00011099\U000110ba \U0001d15e",
    "x" * 80, "ab" * 60, "supercalifragilisticexpialidocious " * 3, "あ" * 70, "🙂" * 40, "antidisestablishmentarianism" * 6, "123456789012345",
]

WORDS = (
    "a an the photo picture of cat dog in on with red blue large small city street night painting oil watercolor trending "
    "artstation highly detailed 4k 8K unreal engine render by Van Gogh it's don't I'm we'll they've you're he'd O'Brien "
    "New York 2024 3.14 rock'n'roll e-mail end. What? Wow! (really) \"quoted\" semi;colon slash/back 50% $20 #1 C++"
).split()
SENTENCES = [
    "Übung macht den Meister – größer, schöner", "où est la bibliothèque à côté du café ?", "¿Dónde está el niño? ¡Aquí!",
    "Não há coração são às vezes", "Příliš žluťoučký kůň úpěl ďábelské ódy", "Zażółć gęślą jaźń", "İstanbul'da güneşli bir gün ığüşöç",
    "Съешь же ещё этих мягких французских булок", "Їжак і ґава", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία ΣΟΦΟΣ", "עברית שפה יפה", "اللغة العربية جميلة",
    "हिन्दी एक भाषा है", "ภาษาไทยสวยงาม", "日本語の文章です。", "我喜欢吃苹果，你呢？", "한국어 문장입니다", "Tiếng Việt có dấu", "ไม่เป็นไร", "Āzbēte ģērbjas šņācoši",
    "“smart quotes” and ‘single’ — dash… €5 £3 ¥100", "🙂 👍🏽 👩‍💻 ❤️ 🏳️‍🌈", "½ cup ± 2° × 3 ÷ 4 µm", "™ © ® § ¶ • †", "naïve ﬁancée œuvre Ærø ßtraße",
]
ENCODINGS = ["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso-8859-2", "mac-roman", "cp437"]
SLOPPY = ["sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "sloppy-windows-1253", "sloppy-windows-1254", "sloppy-windows-1257"]
ENTITIES = sorted(html.entities.html5)
SPACES = list(" \t\n\r\x0b\x0c\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\x85\x1c\x1f")
CONTROLS = [chr(c) for c in range(0x20)] + list("\x7f\x80\x85\x91\x9f\u00ad\u200b\u200e\u200f\u202a\u206a\ufeff\ufff9\ufffc\ufffd\u2066")


def is_comparable(c):
    """Whether this Python's tables and regex's agree on c: unassigned ones only if regex has them as letters."""
    if 0xD800 <= ord(c) < 0xE000:
        return False
    return unicodedata.category(c) != "Cn" or regex.match(r"[\p{L}\p{N}]", c) is not None


COMPARABLE = [c for c in map(chr, range(0x110000)) if is_comparable(c)]
LATIN = [c for c in map(chr, range(0x80, 0x250)) if is_comparable(c)]
MARKS = [c for c in COMPARABLE if unicodedata.combining(c)]
WIDE = [c for c in map(chr, range(0xFF00, 0xFFF0)) if is_comparable(c)] + list("ĲĳŉǱǲǳǄǅǆǇǈǉǊǋǌﬀﬁﬂﬃﬄﬅﬆ")
MOJIBAKE = sorted({
    c for encoding in ENCODINGS for c in bytes(range(0x80, 0x100)).decode(encoding, "ignore")
} | set("\u0081\u008d\u0090\u009d\ufffd"))


def some(rng, choices, low, high, joint=""):
    return joint.join(rng.choice(choices) for _ in range(rng.randint(low, high)))


def english(rng):
    return some(rng, WORDS, 1, 14, " ")


def sentence(rng):
    text = some(rng, SENTENCES, 1, 2, " ")
    start = rng.randrange(len(text))
    return text[start : start + rng.randint(3, 40)]


def mojibake(rng):
    text = sentence(rng) if rng.random() < 0.8 else some(rng, COMPARABLE, 1, 4)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        text = text.encode("utf-8", "replace").decode(rng.choice(ENCODINGS + SLOPPY * 2), rng.choice(["ignore", "replace"]))
    if rng.random() < 0.3:
        text = text.replace("\u00a0", " ")
    if rng.random() < 0.2:
        i = rng.randrange(len(text) + 1)
        text = text[:i] + rng.choice("?\ufffd\x1a\n ") + text[i + 1 :]
    if rng.random() < 0.3:
        text = rng.choice([english, sentence])(rng) + rng.choice(["", " "]) + text
    if rng.random() < 0.2:
        text += rng.choice(["\n", " ", "\u00c0\n", "\u00ed\n"])
    return text


def cesu8(rng):
    units = some(rng, "🙂👍🏽😀💩𝔘", 1, 3).encode("utf-16-le")
    encoded = b"".join(
        chr(int.from_bytes(units[i : i + 2], "little")).encode("utf-8", "surrogatepass") for i in range(0, len(units), 2)
    )
    if rng.random() < 0.5:
        encoded += rng.choice([b"\xc0\x80", b"\xed", b"\xed\xa0", b"\xc0\n", b"\n", b"\xc0", b" "])
    return rng.choice(["", "é ", "a "]) + encoded.decode(rng.choice(["latin-1"] + SLOPPY[:1] * 2))


def bad_sequences(rng):
    return some(rng, MOJIBAKE + list("aZ .?\n"), 2, 12)


def lookalikes(rng):
    return some(rng, list("ÃÂâ€™œžŸ\u00a0 áàéí½¾ï¿ðŸ˜€Ð¿Ñ€вЂњГўВРСΒΓΞΟ°´β†‚ÄÄ√≈×²ØÙaz.?"), 2, 14)


def entities(rng):
    out = []
    for _ in range(rng.randint(1, 5)):
        kind = rng.random()
        name = rng.choice(ENTITIES)
        if kind < 0.2:
            name = name.rstrip(";") + rng.choice(["", "x", "1;", ";;"])
        elif kind < 0.4:
            name = name.upper()
        elif kind < 0.5:
            name = "amp;" * rng.randint(1, 4) + name
        elif kind < 0.65:
            name = "#" + str(rng.choice([rng.randrange(0x120), rng.randrange(0x11000), rng.randrange(0x120000)])) + rng.choice(["", ";", "a;"])
        elif kind < 0.8:
            name = "#" + rng.choice("xX") + "%x" % rng.choice([rng.randrange(0x120), 0xD7F0 + rng.randrange(0x900), rng.randrange(0x120000)]) + rng.choice(["", ";"])
        out.append(rng.choice(["", " ", "é", "<"] if rng.random() < 0.1 else [""]) + "&" + name)
    text = rng.choice(["", " ", "a"]).join(out)
    if not all(map(is_comparable, html.unescape(html.unescape(text)))):
        return english(rng)
    return text


def any_characters(rng):
    return some(rng, COMPARABLE, 1, 12)


def latin(rng):
    return some(rng, LATIN, 1, 12)


def one_block(rng):
    start = rng.randrange(len(COMPARABLE) // 20) if rng.random() < 0.9 else rng.randrange(len(COMPARABLE))
    return some(rng, COMPARABLE[start : start + 96] + [" "], 2, 20)


def spaces(rng):
    return "".join(rng.choice(WORDS) + some(rng, SPACES, 0, 3) for _ in range(rng.randint(1, 6)))


def controls(rng):
    return "".join(some(rng, CONTROLS, 0, 2) + rng.choice(WORDS) + rng.choice(["", "\x1b[%dm" % rng.randrange(99), "é"]) for _ in range(rng.randint(1, 5)))


def wide(rng):
    return some(rng, WIDE + [" "], 1, 15)


def marks(rng):
    text = unicodedata.normalize(rng.choice(["NFD", "NFKD", "NFC"]), sentence(rng))
    out = ""
    for c in text:
        out += c
        if rng.random() < 0.15:
            out += some(rng, MARKS, 1, rng.choice([1, 2, 4, 45]))
    return out


def case(rng):
    text = "".join(rng.choice([str.upper, str.title, str.swapcase, str])(c) for c in sentence(rng))
    return text + some(rng, list("ΣσςΑα.'·:\u0301\u00ad İIıiẞﬆΌΣ"), 0, 8)


def mixture(rng):
    return rng.choice(["", " ", "\n"]).join(rng.choice(KINDS[:-1])(rng) for _ in range(2))


KINDS = [
    english, sentence, mojibake, mojibake, mojibake, cesu8, bad_sequences, lookalikes, entities, any_characters, latin,
    one_block, spaces, controls, wide, marks, case, mixture,
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--count", type=int, default=3000, help="number of random texts")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    rng = random.Random(args.seed)
    texts = HAND_PICKED + [rng.choice(KINDS)(rng) for _ in range(args.count)]
    tokenizer = SimpleTokenizer()
    versions = {
        "python": platform.python_version(),
        "unicode": unicodedata.unidata_version,
        "ftfy": importlib.metadata.version("ftfy"),
        "regex": importlib.metadata.version("regex"),
        "openai-clip": importlib.metadata.version("openai-clip"),
    }
    with open(args.output, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as out:
        out.write((json.dumps(versions) + "\n").encode())
        for text in texts:
            out.write((json.dumps({"text": text, "tokens": tokenizer.encode(text)}) + "\n").encode())
            # Only a bounded cache lets a large corpus run in bounded memory.
            if len(tokenizer.cache) > 100_000:
                tokenizer.cache = {k: k for k in ("<|startoftext|>", "<|endoftext|>")}


if __name__ == "__main__":
    main()
