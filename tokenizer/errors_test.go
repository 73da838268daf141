package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// pieceMessage is a serialized SentencePiece.
func pieceMessage(text string, kind pieceType) []byte {
	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), text)
	return protowire.AppendVarint(protowire.AppendTag(message, 3, protowire.VarintType), uint64(kind))
}

// modelMessage is a serialized ModelProto: pieces, and the number of a field of the trainer's
// specification that is 1, or 0 for none.
func modelMessage(trainerField protowire.Number, trainerValue uint64, pieces ...[]byte) []byte {
	var model []byte
	for _, piece := range pieces {
		model = protowire.AppendBytes(protowire.AppendTag(model, 1, protowire.BytesType), piece)
	}
	if trainerField > 0 {
		trainer := protowire.AppendVarint(protowire.AppendTag(nil, trainerField, protowire.VarintType), trainerValue)
		model = protowire.AppendBytes(protowire.AppendTag(model, 2, protowire.BytesType), trainer)
	}
	return model
}

func TestBadSentencePieceModels(t *testing.T) {
	unknown := pieceMessage("<unk>", unknownPiece)
	a := pieceMessage("a", normalPiece)
	charsMap := func(data string) []byte {
		spec := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), data)
		return append(modelMessage(0, 0, unknown, a), protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), spec)...)
	}
	for want, data := range map[string][]byte{
		"has no pieces":                        {},
		"not in the format of protocol buffer": []byte("this is a text"),
		"no piece for unknown characters":      modelMessage(0, 0, a),
		"is there twice":                       modelMessage(0, 0, unknown, a, a),
		"both the unknown piece":               modelMessage(0, 0, unknown, pieceMessage("<x>", unknownPiece)),
		"is a byte piece":                      modelMessage(0, 0, unknown, pieceMessage("<0x41>", bytePiece)),
		"no piece for the byte 0x00":           modelMessage(35, 1, unknown, a),
		"piece 1 is empty":                     modelMessage(0, 0, unknown, pieceMessage("", normalPiece)),
		"has a NUL":                            modelMessage(0, 0, unknown, pieceMessage("a\x00", normalPiece)),
		"longer than 8000":                     modelMessage(0, 0, unknown, pieceMessage(strings.Repeat("a", 8000), normalPiece)),
		"its type 7 is none of":                modelMessage(3, 7, unknown, a),
		"has no pieces of text":                modelMessage(0, 0, unknown),
		"map of characters is too short":       charsMap("abc"),
		"larger than its field":                charsMap("\xff\xff\xff\xff\x00\x00"),
		"not a multiple of 1024":               charsMap("\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"do not end in NUL":                    charsMap("\x00\x04\x00\x00" + strings.Repeat("\x00", 1024) + "a"),
	} {
		_, err := ParseSentencePiece(data)
		if assert.ErrorContains(t, err, want) {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

// tokenizerJSON is a small tokenizer.json with parts that replace or join its own.
func tokenizerJSON(parts map[string]string) []byte {
	file := map[string]json.RawMessage{
		"model": json.RawMessage(`{"type": "WordLevel", "vocab": {"a": 0, "<unk>": 1}}`),
	}
	for name, part := range parts {
		file[name] = json.RawMessage(part)
	}
	data, err := json.Marshal(file)
	if err != nil {
		panic(err)
	}
	return data
}

func TestUnknownComponentsAreNamed(t *testing.T) {
	for part, name := range map[string]string{
		"normalizer": "normalizer", "pre_tokenizer": "pre-tokenizer", "post_processor": "post-processor", "decoder": "decoder", "model": "model",
	} {
		_, err := ParseTokenizerJSON(tokenizerJSON(map[string]string{part: `{"type": "Sparkle"}`}))
		assert.EqualError(t, err, fmt.Sprintf(`tokenizer: the tokenizer.json cannot be used: its %s is of the type "Sparkle", which is not supported`, name))
	}
	for part, sequence := range map[string]string{
		"normalizer": `{"type": "Sequence", "normalizers": [{"type": "Sparkle"}]}`, "pre_tokenizer": `{"type": "Sequence", "pretokenizers": [{"type": "Sparkle"}]}`,
		"post_processor": `{"type": "Sequence", "processors": [{"type": "Sparkle"}]}`, "decoder": `{"type": "Sequence", "decoders": [{"type": "Sparkle"}]}`,
	} {
		_, err := ParseTokenizerJSON(tokenizerJSON(map[string]string{part: sequence}))
		assert.ErrorContains(t, err, `"Sparkle"`)
	}
}

func TestBadTokenizerJSON(t *testing.T) {
	split := func(expression string) map[string]string {
		pattern, err := json.Marshal(expression)
		require.NoError(t, err)
		return map[string]string{"pre_tokenizer": `{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": ` + string(pattern) + `}}`}
	}
	for want, parts := range map[string]map[string]string{
		"its version is":              {"version": `"2.0"`},
		"has no model":                {"model": `null`},
		"has dropout":                 {"model": `{"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}`},
		"not in the vocabulary":       {"model": `{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}`},
		"makes a symbol":              {"model": `{"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]}`},
		"not two symbols":             {"model": `{"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}`},
		"has the number -1":           {"model": `{"type": "WordPiece", "vocab": {"a": -1}}`},
		"its unk_id is 3":             {"model": `{"type": "Unigram", "vocab": [["a", 0]], "unk_id": 3}`},
		"not a pair":                  {"model": `{"type": "Unigram", "vocab": [["a", 0, 1]]}`},
		"behavior":                    {"pre_tokenizer": `{"type": "Punctuation", "behavior": "Sparkle"}`},
		"prepend_scheme":              {"pre_tokenizer": `{"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"}`},
		"not one character":           {"pre_tokenizer": `{"type": "Metaspace", "replacement": "ab"}`},
		"neither a String nor":        {"normalizer": `{"type": "Replace", "pattern": {}, "content": ""}`},
		"has the text 2 times":        {"post_processor": `{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]}`},
		"has no number for the token": {"post_processor": `{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}]}`},
		"has no sep and cls":          {"post_processor": `{"type": "BertProcessing"}`},
		"adds tokens twice":           {"post_processor": `{"type": "Sequence", "processors": [{"type": "BertProcessing", "sep": ["a", 0], "cls": ["a", 0]}, {"type": "BertProcessing", "sep": ["a", 0], "cls": ["a", 0]}]}`},
		"cannot be compiled":          split(`(`),
		"has a [ in a character":      split(`[a[b]]`),
		"intersection":                split(`[a&&b]`),
		"group that starts with":      split(`(?m:a)`),
		`has \h`:                      split(`\h`),
		"quantifier":                  split(`a{2}+`),
		`ends with \`:                 split(`a\`),
	} {
		_, err := ParseTokenizerJSON(tokenizerJSON(parts))
		if assert.ErrorContains(t, err, want) {
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestNoUnknownToken(t *testing.T) {
	for _, model := range []string{
		`{"type": "WordLevel", "vocab": {"a": 0}}`, `{"type": "WordPiece", "vocab": {"a": 0}}`,
		`{"type": "Unigram", "vocab": [["a", 0]]}`, `{"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "<unk>"}`,
	} {
		tokenizer, err := ParseTokenizerJSON(tokenizerJSON(map[string]string{"model": model}))
		require.NoError(t, err)
		_, err = tokenizer.Encode("b")
		assert.ErrorIs(t, err, errNoUnknownToken, model)
	}
}

func TestBadFolders(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for want, files := range map[string]fstest.MapFS{
		"there is no tokenizer_config.json":                {},
		"tokenizer_config.json has no tokenizer_class":     {"tokenizer_config.json": file(`{}`)},
		"tokenizer_config.json cannot be read":             {"tokenizer_config.json": file(`[]`)},
		`the tokenizer_class "SparkleTokenizer", which is`: {"tokenizer_config.json": file(`{"tokenizer_class": "SparkleTokenizer"}`)},
		"there is no tokenizer.json":                       {"config.json": file(`{"model_type": "clip"}`)},
		"there is no spiece.model":                         {"tokenizer_config.json": file(`{"tokenizer_class": "SiglipTokenizer"}`)},
		"spiece.model cannot be used":                      {"tokenizer_config.json": file(`{"tokenizer_class": "SiglipTokenizer"}`), "spiece.model": file("x")},
		"tokenizer.json cannot be used":                    {"tokenizer_config.json": file(`{"tokenizer_class": "T5TokenizerFast"}`), "tokenizer.json": file("{}")},
		"neither the file nor ContextLength":               {"tokenizer_config.json": file(`{"tokenizer_class": "PreTrainedTokenizerFast"}`), "tokenizer.json": file(string(tokenizerJSON(nil)))},
		`PaddingToken "x" is not in the vocabulary`:        {"tokenizer_config.json": file(`{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "x", "model_max_length": 8}`), "tokenizer.json": file(string(tokenizerJSON(nil)))},
	} {
		_, err := ForHuggingFace(files, Options{})
		if assert.ErrorContains(t, err, want) {
			assert.True(t, strings.HasPrefix(err.Error(), "tokenizer: "), err.Error())
			assert.NotContains(t, err.Error(), "\n")
		}
	}
}

func TestBadOpenCLIPText(t *testing.T) {
	for want, text := range map[string]string{
		"its merges were not given": `{}`, `tokenizer_mode "clips"`: `{"tokenizer_mode": "clips"}`,
		`reduction_mask "simple"`: `{"tokenizer_kwargs": {"reduction_mask": "simple"}}`, "there is no tokenizer_config.json": `{"hf_tokenizer_name": "x"}`,
	} {
		var config OpenCLIPText
		require.NoError(t, json.Unmarshal([]byte(text), &config))
		_, err := ForOpenCLIP(fstest.MapFS{}, nil, config)
		assert.ErrorContains(t, err, want)
	}
	_, err := NewOpenCLIP(strings.NewReader(""), 77, "sparkle")
	assert.ErrorContains(t, err, `the clean-up "sparkle" is none of`)
	_, err = NewOpenCLIP(strings.NewReader(""), 2, CleanUpLower)
	assert.ErrorContains(t, err, "leaves no room")
}
