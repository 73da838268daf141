"""The part of reference_tokenizers.py about rows: folders in the layouts of transformers and open_clip, and the
model inputs that these packages make with them."""

import json
import logging
import os
import tempfile

import open_clip.tokenizer
import transformers

import reference_huggingface as huggingface

transformers.utils.logging.set_verbosity_error()
logging.disable(logging.WARNING)
LENGTH = 24


def folders(merge_file, bert):
    """Files by name of each folder: JSON, or "@NAME" for a file that is written beside."""
    vocabulary, merges = huggingface.clip_parts(merge_file, 800)
    end = "<|endoftext|>"
    clip_config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, "pad_token": end, "bos_token": "<|startoftext|>", "eos_token": end, "unk_token": end}
    eos = {"content": "</s>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False, "special": True}
    words = json.loads(bert.to_str())["model"]["vocab"]
    gemma = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "tokenizer_class": "GemmaTokenizer", "model_max_length": 1e30}
    bert_config = {"tokenizer_class": "BertTokenizer", "model_max_length": 512, "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    return {
        "clip": {"tokenizer.json": "@clip.json", "tokenizer_config.json": clip_config},
        "clip_files": {
            "vocab.json": vocabulary, "merges.txt": "#version: 0.2\n" + "\n".join(map(" ".join, merges)) + "\n",
            "tokenizer_config.json": {**clip_config, "pad_token": "!"}, "special_tokens_map.json": {"pad_token": "!"},
        },
        "siglip": {
            "spiece.model": "@t5.model", "special_tokens_map.json": {"eos_token": eos, "pad_token": eos},
            "tokenizer_config.json": {
                "tokenizer_class": "SiglipTokenizer", "model_max_length": LENGTH, "do_lower_case": True, "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>",
                "added_tokens_decoder": {"1": eos, "2": {**eos, "content": "<unk>"}},
            },
        },
        "siglip2": {
            "tokenizer.json": "@gemma.json", "config.json": {"model_type": "siglip2", "text_config": {"max_position_embeddings": LENGTH}},
            "tokenizer_config.json": {**gemma, "padding_side": "right", "add_bos_token": False, "add_eos_token": True},
        },
        "gemma": {"tokenizer.json": "@gemma.json", "tokenizer_config.json": {**gemma, "model_max_length": LENGTH, "add_bos_token": True, "add_eos_token": False}},
        "bert": {"tokenizer.json": "@bert.json", "tokenizer_config.json": bert_config},
        "bert_files": {"vocab.txt": "\n".join(sorted(words, key=words.get)) + "\n", "tokenizer_config.json": {**bert_config, "model_max_length": LENGTH}},
        "roberta": {"tokenizer.json": "@roberta.json", "tokenizer_config.json": {
            "tokenizer_class": "RobertaTokenizer", "model_max_length": LENGTH, "add_prefix_space": True, "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>",
            "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}},
        "gpt4": {"tokenizer.json": "@gpt4.json", "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": LENGTH, "pad_token": "<|endoftext|>", "padding_side": "left", "truncation_side": "left"}},
        "metaclip2": {"tokenizer.json": "@metaclip2.json", "tokenizer_config.json": {
            "tokenizer_class": "XLMRobertaTokenizer", "model_max_length": LENGTH, "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>",
            "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}},
        "t5": {"tokenizer.json": "@t5.json", "tokenizer_config.json": {
            "tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 64, "pad_token": "</s>", "eos_token": "</s>", "unk_token": "<unk>"}},
    }


# What open_clip's configurations say about the folders that it opens.
OPEN_CLIP = {
    "t5": {"hf_tokenizer_name": "t5", "context_length": LENGTH, "tokenizer_kwargs": {"clean": "canonicalize"}},
    "siglip2": {"hf_tokenizer_name": "siglip2", "context_length": LENGTH, "tokenizer_kwargs": {"clean": "canonicalize"}},
    "bert": {"hf_tokenizer_name": "bert", "context_length": LENGTH, "tokenizer_kwargs": {"strip_sep_token": True}},
    "roberta": {"hf_tokenizer_name": "roberta", "context_length": LENGTH},
    "simple": {"context_length": LENGTH},
    "simple_whitespace": {"tokenizer_kwargs": {"clean": "whitespace"}},
    "simple_canonicalize": {"context_length": LENGTH, "tokenizer_kwargs": {"clean": "canonicalize"}},
}


def write_folder(path, files, contents):
    os.makedirs(path)
    for name, content in files.items():
        if isinstance(content, str) and content.startswith("@"):
            content = contents[content[1:]]
        elif not isinstance(content, str):
            content = json.dumps(content)
        with open(os.path.join(path, name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())


def rows(merge_file, bert, contents, sample):
    """The folders, and lines with the rows of each. contents are the files that folders name with @."""
    described = folders(merge_file, bert)
    with tempfile.TemporaryDirectory() as directory:
        encoders = {}
        for name, files in described.items():
            path = os.path.join(directory, name)
            write_folder(path, files, contents)
            tokenizer = transformers.AutoTokenizer.from_pretrained(path)
            encoders["transformers/" + name] = lambda text, t=tokenizer: t(text, padding="max_length", truncation=True, max_length=LENGTH).input_ids
        for name, config in OPEN_CLIP.items():
            kwargs = dict(config.get("tokenizer_kwargs", {}), context_length=config.get("context_length", 77))
            if "hf_tokenizer_name" in config:
                tokenizer = open_clip.tokenizer.HFTokenizer(os.path.join(directory, name), **kwargs)
            else:
                tokenizer = open_clip.tokenizer.SimpleTokenizer(**kwargs)
            encoders["open_clip/" + name] = lambda text, t=tokenizer: t(text)[0].tolist()
        yield json.dumps({"folders": described, "open_clip": OPEN_CLIP})
        for text in sample:
            yield json.dumps({"text": text, "tokens": {name: encode(text) for name, encode in encoders.items()}})
