"""Writes the references for SentencePiece models and for Hugging Face's tokenizers: small vocabularies, laid out as
published ones, and the tokens that PyPI's sentencepiece, tokenizers, transformers and open_clip give for texts.

    python scripts/reference/reference_tokenizers.py tokenizer/testdata/tokenizers

For a long comparison, write many texts to another folder and name it to the Go tests:

    python scripts/reference/reference_tokenizers.py --count 100000 /tmp/tokenizers
    TOKENIZERS=/tmp/tokenizers go test ./tokenizer
"""

import argparse
import gzip
import io
import json
import os
import random
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reference_huggingface as huggingface  # noqa: E402
import reference_rows as rows  # noqa: E402
import reference_tokens as texts  # noqa: E402

MERGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tokenizer/testdata/bpe_simple_vocab_16e6.txt.gz")

# Small sets of rules: the published ones (nmt_nfkc and the like) are 200 kB each.
RULES = """\
41\t61\tA => a
42\t62\tB => b
C4\tE4
FB01\t66 69\tligature fi
FB03\t66 66 69
3000\t20\tideographic space
9\t20\ttab
A0\t20
2026\t2E 2E 2E\tellipsis
AD\t\tsoft hyphen is left out
65 301\tE9\te with acute
61 308\tE4
61 62 63\t78 20 79\tabc => x y
FF21\t41
2581\t20\tthe symbol for a space
A\t20\tnew line
"""


def corpus(rng, count):
    """Captions in English, with some sentences of other languages."""
    for _ in range(count):
        yield texts.english(rng) if rng.random() < 0.85 else texts.some(rng, texts.SENTENCES, 1, 1)


def train(output, name, rng, published=False, escape_whitespaces=True, **options):
    """Trains a SentencePiece model and writes NAME.model.gz."""
    model = io.BytesIO()
    if not published:
        rules = os.path.join(output, "rules.tsv")
        with open(rules, "w") as file:
            file.write(RULES)
        options["normalization_rule_tsv"] = rules
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=corpus(rng, 3000), model_writer=model, minloglevel=2, num_threads=1, hard_vocab_limit=False,
        **options,
    )
    if not published:
        os.remove(rules)
    model = finish(model.getvalue(), escape_whitespaces)
    write(os.path.join(output, name + ".model.gz"), model)
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def finish(model, escape_whitespaces):
    """The model without what names the machine that it was trained on."""
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    proto.normalizer_spec.escape_whitespaces = escape_whitespaces
    for field in ["input", "model_prefix", "self_test_sample_size"]:
        proto.trainer_spec.ClearField(field)
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto.SerializeToString(deterministic=True)


def write(path, data):
    with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as out:
        out.write(data)


def sentencepiece_models(output, rng, published):
    """SentencePiece models of each kind, with each of the options."""
    t5 = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    gemma = dict(
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, byte_fallback=True, split_digits=True, add_dummy_prefix=False,
        remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
        user_defined_symbols=["<mask>", "\n", "\n\n", "▁▁", "▁▁▁", "<start_of_turn>", "[multimodal]"],
    )
    models = {
        "t5": dict(published=published, vocab_size=900, model_type="unigram", **t5),
        "t5_small": dict(vocab_size=500, model_type="unigram", **t5),
        "gemma": dict(vocab_size=900, model_type="bpe", **gemma),
        "unigram_bytes": dict(
            vocab_size=700, model_type="unigram", byte_fallback=True, treat_whitespace_as_suffix=True,
            user_defined_symbols=["<sep>", "é", "of ", "van"], control_symbols=["<cls>", "cat"],
        ),
        "bpe": dict(
            vocab_size=600, model_type="bpe", control_symbols=["<cls>", "cat"], user_defined_symbols=["ph", "pho"], max_sentencepiece_length=6,
        ),
        "spaces": dict(
            vocab_size=500, model_type="unigram", escape_whitespaces=False, remove_extra_whitespaces=False, split_by_whitespace=False,
        ),
        "words": dict(vocab_size=300, model_type="word"),
        "characters": dict(vocab_size=120, model_type="char", user_defined_symbols=["<sep>"]),
    }
    if published:
        for rule in ["nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity"]:
            models["unigram_" + rule] = dict(published=True, vocab_size=800, model_type="unigram", normalization_rule_name=rule)
            models["bpe_" + rule] = dict(published=True, vocab_size=800, model_type="bpe", byte_fallback=True, normalization_rule_name=rule)
    return {name: train(output, name, rng, **options) for name, options in models.items()}


SYMBOLS = [
    "<s>", "</s>", "<unk>", "<pad>", "<eos>", "<bos>", "<mask>", "<sep>", "<cls>", "cat", "photo", "pho", "van", "of ", "é", "▁", "▁▁", "\n\n", "\n",
    "<0x41>", "<0xE2>", "<|endoftext|>", "<|startoftext|>", "[CLS]", "[SEP]", "[MASK]", "[UNK]", " ", "  ", "\t", "abc", "ﬁ", "…", "e\u0301", "a\u0308",
    "##", "'s", "'S", "don't", "\u3000", "\u00ad", "\x00", "\u2047", "Day", "<start_of_turn>",
]


def symbols(rng):
    """Special symbols amid words."""
    return "".join(
        rng.choice([texts.some(rng, SYMBOLS, 1, 3), texts.english(rng), " ", texts.some(rng, texts.COMPARABLE, 1, 2)]) for _ in range(rng.randint(1, 5))
    )


def random_texts(rng, count):
    kinds = texts.KINDS + [symbols] * 4 + [texts.english] * 4
    return texts.HAND_PICKED + SYMBOLS + [rng.choice(kinds)(rng) for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--count", type=int, default=120, help="number of random texts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--published", action="store_true", help="also models with the published maps of characters, 200 kB each")
    args = parser.parse_args()
    os.makedirs(args.output, exist_ok=True)
    rng = random.Random(args.seed)
    sample = random_texts(rng, args.count)
    encoders = sentencepiece_models(args.output, rng, args.published)
    lines = []
    for text in sample:
        tokens = {name: encoder.encode(text) for name, encoder in encoders.items()}
        # Every third text is decoded as well, to keep the file small.
        decoded = {name: encoder.decode(tokens[name]) for name, encoder in encoders.items()} if len(lines) % 3 == 0 else {}
        lines.append(json.dumps({"text": text, "tokens": tokens, "decoded": decoded}))
    write(os.path.join(args.output, "sentencepiece.jsonl.gz"), "\n".join(lines).encode())

    protos = {name: sentencepiece_model_pb2.ModelProto.FromString(encoder.serialized_model_proto()) for name, encoder in encoders.items()}
    if args.published:
        protos["t5_small"] = protos["t5"]
    files = huggingface.tokenizer_files(MERGES, protos, lambda: corpus(rng, 3000))
    for name, tokenizer in files.items():
        write(os.path.join(args.output, name + ".json.gz"), tokenizer.to_str().encode())
    write(os.path.join(args.output, "huggingface.jsonl.gz"), "\n".join(huggingface.lines(files, sample)).encode())
    charsmap = protos["t5_small"].normalizer_spec.precompiled_charsmap
    contents = {name + ".json": tokenizer.to_str().encode() for name, tokenizer in files.items()}
    contents["t5.model"] = protos["t5"].SerializeToString(deterministic=True)
    lines = rows.rows(MERGES, files["bert"], contents, rng.sample(sample, min(len(sample), args.count // 2)))
    write(os.path.join(args.output, "rows.jsonl.gz"), "\n".join(lines).encode())
    components = huggingface.component_lines(charsmap, sample, rng, max(25, args.count // 20))
    write(os.path.join(args.output, "components.jsonl.gz"), "\n".join(components).encode())


if __name__ == "__main__":
    main()
