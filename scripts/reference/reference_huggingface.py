"""The part of reference_tokenizers.py about tokenizer.json: vocabularies laid out as published ones, and components."""

import collections
import gzip
import json
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import reference_tokens as texts

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def bytes_alphabet():
    """The characters that stand for bytes, in the order of OpenAI's vocabulary."""
    printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def clip_parts(merge_file, count):
    """The vocabulary and merges of OpenAI's CLIP, cut off after count merges."""
    with gzip.open(merge_file, "rt") as file:
        merges = [tuple(line.split()) for line in file.read().split("\n")[1 : 1 + count]]
    vocabulary = bytes_alphabet()
    vocabulary += [c + "</w>" for c in vocabulary] + ["".join(pair) for pair in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {token: i for i, token in enumerate(vocabulary)}, merges


def clip(merge_file):
    """As openai/clip-vit-base-patch32."""
    vocabulary, merges = clip_parts(merge_file, 800)
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    t = Tokenizer(models.BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.RobertaProcessing(("<|endoftext|>", end), ("<|startoftext|>", start), trim_offsets=False, add_prefix_space=False)
    t.add_tokens([AddedToken("<|startoftext|>", normalized=True, special=True), AddedToken("<|endoftext|>", normalized=False, special=True)])
    return t


def t5(proto):
    """As timm/ViT-B-16-SigLIP, whose tokenizer is T5's: a unigram model and a map of characters."""
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2, byte_fallback=False))
    t.normalizer = normalizers.Sequence([
        normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap), normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "▁"),
    ])
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.add_special_tokens(["<pad>", AddedToken("</s>", lstrip=True, rstrip=True), "<unk>"])
    t.enable_truncation(64)
    t.enable_padding(length=64, pad_id=1, pad_token="</s>")
    return t


def xlm_roberta(proto):
    """As xlm-roberta-base: Metaspace after splitting at spaces, and tokens with spaces."""
    t = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2, byte_fallback=False))
    t.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="first")])
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="</s> $A </s>", special_tokens=[("</s>", 1)])
    t.add_special_tokens(["</s>", AddedToken("<mask>", lstrip=True)])
    t.add_tokens([AddedToken("Day", single_word=True), AddedToken("cat", rstrip=True, normalized=False), AddedToken("ABC", normalized=True)])
    return t


def metaclip2(proto):
    """As facebook/metaclip-2-worldwide-huge-quickgelu, whose tokenizer is that of xlm-roberta-base."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    t = Tokenizer(models.Unigram([(s, 0.0) for s in special] + [(p.piece, p.score) for p in proto.pieces[3:]] + [("<mask>", 0.0)], unk_id=3))
    t.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    t.decoder = decoders.Metaspace()
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    t.add_special_tokens([*special, AddedToken("<mask>", lstrip=True)])
    return t


def gemma(proto, lower):
    """As google/siglip2-base-patch16-224: byte pairs with byte fallback; SigLIP 2 lowers its texts."""
    vocabulary = {p.piece: i for i, p in enumerate(proto.pieces)}
    merges = []
    for i, p in enumerate(proto.pieces):
        for split in range(1, len(p.piece)):
            left, right = p.piece[:split], p.piece[split:]
            if p.type == 1 and left in vocabulary and right in vocabulary:
                merges.append((-p.score, vocabulary[left], vocabulary[right], left, right))
    merges = [(left, right) for *_, left, right in sorted(merges)]
    t = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    spaces = normalizers.Replace(" ", "▁")
    t.normalizer = normalizers.Sequence([normalizers.Lowercase(), spaces]) if lower else spaces
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing(single="$A:0 <eos>:0", special_tokens=[("<eos>", 1)])
    t.add_special_tokens([AddedToken(s, normalized=False) for s in ["<pad>", "<eos>", "<bos>", "<unk>"]])
    t.add_tokens([AddedToken(s, normalized=False) for s in ["<mask>", "\n", "\n\n", "▁▁", "▁▁▁", "<start_of_turn>"]])
    return t


def word_counts(t, corpus):
    """How often each word is in a corpus, as a tokenizer splits it."""
    counts = collections.Counter()
    for line in corpus:
        line = t.normalizer.normalize_str(line) if t.normalizer else line
        counts.update(word for word, _ in t.pre_tokenizer.pre_tokenize_str(line))
    return counts


def train_merges(counts, alphabet, count, prefix="", suffix=""):
    """The symbols and merges of byte-pair encoding. Unlike the trainers of tokenizers, of two pairs that are as frequent
    it always takes the same one."""
    words = []
    for word, times in sorted(counts.items()):
        symbols = [(prefix if i > 0 else "") + c + (suffix if i == len(word) - 1 else "") for i, c in enumerate(word)]
        if all(c in alphabet for c in word):
            words.append((symbols, times))
    vocabulary = sorted({symbol for symbols, _ in words for symbol in symbols})
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for symbols, times in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        union = best[0] + best[1][len(prefix) :]
        merges.append(best)
        vocabulary += [union] if union not in vocabulary else []
        for symbols, _ in words:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i : i + 2] = [union]
                i += 1
    return vocabulary, merges


def numbered(tokens):
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def common(counts, size):
    """The most frequent characters of words."""
    characters = collections.Counter(c for word, times in counts.items() for c in word * times)
    return set(sorted(characters, key=lambda c: (-characters[c], c))[:size])


def bert(corpus):
    """As bert-base-uncased."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    counts = word_counts(t, corpus)
    pieces, _ = train_merges(counts, common(counts, 200), 350, prefix="##")
    t.model = models.WordPiece(numbered(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + pieces), unk_token="[UNK]")
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def roberta(corpus):
    """As roberta-base."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    pieces, merges = train_merges(word_counts(t, corpus), set(bytes_alphabet()), 350)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    t.model = models.BPE(numbered(special + bytes_alphabet() + pieces + ["<mask>"]), merges)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    t.add_special_tokens([*special, AddedToken("<mask>", lstrip=True)])
    return t


def gpt4(corpus):
    """As recent byte-level models: their regular expression, and whole words before merges."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    counts = word_counts(t, corpus)
    pieces, merges = train_merges(counts, set(bytes_alphabet()), 300)
    whole = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:80]]
    t.model = models.BPE(numbered(["<|endoftext|>"] + bytes_alphabet() + pieces + whole), merges, ignore_merges=True)
    t.normalizer = normalizers.NFC()
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])])
    t.add_special_tokens(["<|endoftext|>"])
    return t


def prefixed(corpus):
    """Byte pairs with a prefix inside of words, and unknown characters."""
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    counts = word_counts(t, corpus)
    pieces, merges = train_merges(counts, common(counts, 60), 350, prefix="##", suffix="</w>")
    t.model = models.BPE(numbered(["[UNK]"] + pieces), merges, unk_token="[UNK]", continuing_subword_prefix="##", end_of_word_suffix="</w>")
    t.decoder = decoders.BPEDecoder()
    return t


def words(corpus):
    """A token for each word."""
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = normalizers.Nmt()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous")])
    t.model = models.WordLevel(numbered(["[UNK]"] + sorted(word_counts(t, corpus))[:200]), unk_token="[UNK]")
    t.post_processor = processors.BertProcessing(("[UNK]", 0), ("[UNK]", 0))
    return t


def tokenizer_files(merge_file, protos, corpus):
    """Tokenizers by name. corpus returns an iterator."""
    t5_small = protos["t5_small"]
    return {
        "clip": clip(merge_file), "t5": t5(t5_small), "xlm_roberta": xlm_roberta(t5_small), "gemma": gemma(protos["gemma"], False),
        "siglip2": gemma(protos["gemma"], True), "bert": bert(corpus()), "roberta": roberta(corpus()), "gpt4": gpt4(corpus()),
        "prefixed": prefixed(corpus()), "words": words(corpus()),
        "metaclip2": metaclip2(t5_small),
    }


def components(charsmap):
    """Normalizers, pre-tokenizers and decoders, each with its options."""
    n, p, d = normalizers, pre_tokenizers, decoders
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    bert = [n.BertNormalizer(clean_text=a, handle_chinese_chars=b, strip_accents=c, lowercase=e) for a, b, c, e in [
        (True, True, None, True), (True, False, True, False), (False, True, None, False), (False, False, False, True)]]
    return {
        "normalizer": [
            n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.Strip(), n.Strip(left=False), n.Strip(right=False), n.StripAccents(), n.Nmt(), n.ByteLevel(),
            n.Prepend("▁"), n.Replace("a", "bc"), n.Replace("  ", ""), n.Replace(Regex(r"\s+"), " "), n.Replace(Regex(r"[aeiou]{2,}|\d+$"), "*"),
            n.Replace(Regex(r"\w+"), "w"), n.Replace(Regex(r"^\W"), "-"), n.Replace(Regex(r"\b"), "|"), n.Replace(Regex(r"(?i:S|é)(?=\w)"), "$"),
            n.Replace(Regex(r"(?<!\w)[\w'-]+?\d*+"), "<>"), n.Precompiled(charsmap), n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase()]), *bert,
        ],
        "pre_tokenizer": [
            p.Whitespace(), p.WhitespaceSplit(), p.BertPreTokenizer(), p.ByteLevel(), p.ByteLevel(add_prefix_space=False), p.ByteLevel(use_regex=False),
            p.Digits(), p.Digits(individual_digits=True), p.CharDelimiterSplit("a"), p.FixedLength(4),
            p.Metaspace(), p.Metaspace(prepend_scheme="never"), p.Metaspace(prepend_scheme="first"), p.Metaspace("_", split=False),
            p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first"), p.Punctuation()]),
            *[p.Punctuation(b) for b in behaviors], *[p.Split(" ", b) for b in behaviors], *[p.Split(Regex(r"\s+|\d"), b, invert=i) for b in behaviors for i in [False, True]],
            p.Split(Regex(GPT4), "isolated"), p.Split(Regex(CLIP), "removed", invert=True),
        ],
        "decoder": [
            d.ByteLevel(), d.ByteFallback(), d.Fuse(), d.Metaspace(), d.Metaspace(prepend_scheme="never"), d.Replace("▁", " "), d.Replace(Regex("[ab]+"), ""),
            d.BPEDecoder(), d.WordPiece(), d.WordPiece(cleanup=False), d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]),
        ],
    }


DECODED = ["▁a", "b", "##c", "<0xE2>", "<0x96>", "<0x81>", "<0xFF>", "<0x41>", "Ġ", "Ã", "©", "</w>", "a</w>", ".", "n't", "'", "'s", " ", "é", "▁▁", "do", "not", "?", "##", "ab", "a▁b"]


def is_old(text):
    """Whether all characters are in Unicode 14: regular expressions are matched with Go's tables."""
    return all(unicodedata.category(c) != "Cn" for c in text)


def component_lines(charsmap, sample, rng, count):
    """A line for each component, with texts and what it makes of them."""
    sample = [text for text in sample if is_old(text)]
    for kind, list_of_kind in components(charsmap).items():
        for component in list_of_kind:
            t = Tokenizer(models.WordLevel({"": 0}, unk_token=""))
            setattr(t, kind, component)
            line = {"kind": kind, "component": json.loads(t.to_str())[kind], "cases": []}
            for text in rng.sample(sample, min(count, len(sample))):
                if kind == "normalizer":
                    line["cases"].append([text, component.normalize_str(text)])
                elif kind == "pre_tokenizer":
                    line["cases"].append([text, [piece for piece, _ in component.pre_tokenize_str(text)]])
                else:
                    tokens = [rng.choice(DECODED) for _ in range(rng.randint(1, 6))]
                    line["cases"].append([tokens, component.decode(tokens)])
            yield json.dumps(line)


def lines(tokenizers, sample):
    """A line for each text, with the tokens of each tokenizer."""
    for i, text in enumerate(sample):
        tokens, decoded = {}, {}
        for name, t in tokenizers.items():
            t.no_truncation()
            t.no_padding()
            tokens[name] = t.encode(text, add_special_tokens=False).ids
            if i % 3 != 0:
                continue
            decoded[name] = t.decode(tokens[name], skip_special_tokens=False) if tokens[name] else ""
            if name == "clip":  # as CLIPTokenizer of transformers
                decoded[name] = decoded[name].replace("</w>", " ").strip()
        yield json.dumps({"text": text, "tokens": tokens, "decoded": decoded})
