package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ForHuggingFace returns the tokenizer of a folder in the layout of transformers. It reads
// tokenizer_config.json, whose tokenizer_class says what the folder holds, and if they are there
// config.json, special_tokens_map.json, tokenizer.json, spiece.model, vocab.json and merges.txt, and
// vocab.txt. What is set in options counts more than what the files say.
//
// The classes are CLIPTokenizer, SiglipTokenizer, Siglip2Tokenizer, GemmaTokenizer, T5Tokenizer, MT5Tokenizer,
// BertTokenizer, RobertaTokenizer, XLMRobertaTokenizer, GPT2Tokenizer, and PreTrainedTokenizerFast,
// with and without Fast at the end; another one is an error that names it. The length of a row is
// model_max_length, or if there is none that of the model in config.json.
func ForHuggingFace(files fs.FS, o Options) (*TextTokenizer, error) {
	folder, err := readHuggingFaceFolder(files)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	class, ok := huggingFaceClasses[strings.TrimSuffix(folder.class, "Fast")]
	if !ok {
		return nil, fmt.Errorf("tokenizer: tokenizer_config.json names the tokenizer_class %s, which is not supported (supported: %s)",
			quoteShort(folder.class), strings.Join(slices.Sorted(maps.Keys(huggingFaceClasses)), ", "))
	}
	encoder, format, err := class.open(folder)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if length := folder.contextLength(); length > 0 {
		format.contextLength = length
	}
	switch folder.config.PaddingSide {
	case "left":
		format.padLeft = true
	case "right":
		format.padLeft = false
	default:
		if !format.tellsSide {
			format.padLeft = class.padLeft
		}
	}
	if folder.config.TruncationSide != "" {
		format.truncateLeft = folder.config.TruncationSide == "left"
	}
	return newTextTokenizer(encoder, format, o.orElse(Options{PaddingToken: folder.token(folder.config.PadToken, folder.special.PadToken, class.padding)}))
}

// A huggingFaceClass is a tokenizer_class.
type huggingFaceClass struct {
	open    func(f *huggingFaceFolder) (textEncoder, rowFormat, error)
	padding string // the default padding token
	padLeft bool   // the side where no file tells one, as in transformers
}

var huggingFaceClasses = map[string]huggingFaceClass{
	"CLIPTokenizer":       {(*huggingFaceFolder).openCLIP, endOfText, false},
	"SiglipTokenizer":     {(*huggingFaceFolder).openSiglip, "</s>", false},
	"Siglip2Tokenizer":    {(*huggingFaceFolder).openGemma, "<pad>", true},
	"GemmaTokenizer":      {(*huggingFaceFolder).openGemma, "<pad>", true},
	"T5Tokenizer":         {(*huggingFaceFolder).openT5, "<pad>", false},
	"MT5Tokenizer":        {(*huggingFaceFolder).openT5, "<pad>", false},
	"BertTokenizer":       {(*huggingFaceFolder).openBert, "[PAD]", false},
	"RobertaTokenizer":    {(*huggingFaceFolder).openJSON, "<pad>", false},
	"XLMRobertaTokenizer": {(*huggingFaceFolder).openJSON, "<pad>", false},
	"GPT2Tokenizer":       {(*huggingFaceFolder).openJSON, "", false},
	"PreTrainedTokenizer": {(*huggingFaceFolder).openJSON, "", false},
	"TokenizersBackend":   {(*huggingFaceFolder).openJSON, "", false},
}

// openJSON opens tokenizer.json.
func (f *huggingFaceFolder) openJSON() (textEncoder, rowFormat, error) {
	model, err := f.readTokenizerJSON()
	if err != nil {
		return nil, rowFormat{}, err
	}
	return model, model.rowFormat(), nil
}

func (f *huggingFaceFolder) readTokenizerJSON() (*HuggingFace, error) {
	data, err := fs.ReadFile(f.files, "tokenizer.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no tokenizer.json, which a %s needs here", f.class)
	}
	if err != nil {
		return nil, err
	}
	model, err := parseTokenizerJSON(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json cannot be used: %w", err)
	}
	return model, nil
}

// openCLIP opens tokenizer.json, or else vocab.json and merges.txt.
func (f *huggingFaceFolder) openCLIP() (textEncoder, rowFormat, error) {
	if f.has("tokenizer.json") || !f.has("vocab.json") {
		return f.openJSON()
	}
	vocabulary, err := fs.ReadFile(f.files, "vocab.json")
	if err != nil {
		return nil, rowFormat{}, err
	}
	merges, err := fs.ReadFile(f.files, "merges.txt")
	if err != nil {
		return nil, rowFormat{}, err
	}
	names := clipSpecialTokens{
		start:   f.token(f.config.BosToken, f.special.BosToken, startOfText),
		end:     f.token(f.config.EosToken, f.special.EosToken, endOfText),
		padding: f.token(f.config.PadToken, f.special.PadToken, endOfText),
		unknown: f.token(f.config.UnkToken, f.special.UnkToken, endOfText),
	}
	model, err := readCLIP(bytes.NewReader(vocabulary), bytes.NewReader(merges), names)
	if err != nil {
		return nil, rowFormat{}, err
	}
	start, _ := model.Token(names.start)
	end, _ := model.Token(names.end)
	return model, rowFormat{start: []int64{start}, end: []int64{end}}, nil
}

// readSentencePiece reads spiece.model.
func (f *huggingFaceFolder) readSentencePiece() (*SentencePiece, error) {
	data, err := fs.ReadFile(f.files, "spiece.model")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no spiece.model, which a %s needs", f.class)
	}
	if err != nil {
		return nil, err
	}
	model, err := parseSentencePiece(data)
	if err != nil {
		return nil, fmt.Errorf("spiece.model cannot be used: %w", err)
	}
	return model, nil
}

// openSiglip opens spiece.model.
func (f *huggingFaceFolder) openSiglip() (textEncoder, rowFormat, error) {
	model, err := f.readSentencePiece()
	if err != nil {
		return nil, rowFormat{}, err
	}
	end := f.token(f.config.EosToken, f.special.EosToken, "</s>")
	unknown := f.token(f.config.UnkToken, f.special.UnkToken, "<unk>")
	special := []string{end, unknown, f.token(f.config.PadToken, f.special.PadToken, "</s>")}
	for _, token := range f.config.AddedTokens {
		special = append(special, token.Content)
	}
	encoder, err := newSiglipEncoder(model, unknown, special)
	if err != nil {
		return nil, rowFormat{}, err
	}
	return encoder, f.endWith(model, end), nil
}

// endWith is a row that ends with a token, if the model has it.
func (f *huggingFaceFolder) endWith(model textEncoder, end string) rowFormat {
	if id, ok := model.Token(end); ok {
		return rowFormat{end: []int64{id}}
	}
	return rowFormat{}
}

// openT5 opens tokenizer.json, or else spiece.model. Of the normalizers in tokenizer.json only the
// map of characters counts, and texts are split at any white space (models/t5/tokenization_t5.py).
func (f *huggingFaceFolder) openT5() (textEncoder, rowFormat, error) {
	if f.has("tokenizer.json") || !f.has("spiece.model") {
		model, err := f.readTokenizerJSON()
		if err != nil {
			return nil, rowFormat{}, err
		}
		model.normalize = model.charsMap
		metaspace, err := parseMetaspace([]byte(`{"replacement": "▁"}`))
		if err != nil {
			return nil, rowFormat{}, err
		}
		model.split = chainPreTokenizers(splitBy(runePattern(unicode.IsSpace), removed, false), metaspace)
		return model, model.rowFormat(), nil
	}
	model, err := f.readSentencePiece()
	if err != nil {
		return nil, rowFormat{}, err
	}
	return model, f.endWith(model, f.token(f.config.EosToken, f.special.EosToken, "</s>")), nil
}

// openGemma opens tokenizer.json; what the configuration says about start and end does not count
// then. SigLIP 2 lowers its texts (models/siglip2/tokenization_siglip2.py).
func (f *huggingFaceFolder) openGemma() (textEncoder, rowFormat, error) {
	model, err := f.readTokenizerJSON()
	if err != nil {
		return nil, rowFormat{}, err
	}
	if strings.HasPrefix(f.class, "Siglip2") {
		model.lowerFirst()
	}
	return model, model.rowFormat(), nil
}

// lowerFirst puts lower case before the normalizer.
func (t *HuggingFace) lowerFirst() {
	rest := t.normalize
	t.normalize = func(text string) (string, int, error) {
		if rest == nil {
			return rustLower(text), firstCharacter, nil
		}
		return rest(rustLower(text))
	}
}

// openBert opens tokenizer.json, or else vocab.txt (models/bert/tokenization_bert.py).
func (f *huggingFaceFolder) openBert() (textEncoder, rowFormat, error) {
	if f.has("tokenizer.json") || !f.has("vocab.txt") {
		return f.openJSON()
	}
	data, err := fs.ReadFile(f.files, "vocab.txt")
	if err != nil {
		return nil, rowFormat{}, err
	}
	if !utf8.Valid(data) {
		return nil, rowFormat{}, errors.New("vocab.txt is not in UTF-8")
	}
	unknown := f.token(f.config.UnkToken, f.special.UnkToken, "[UNK]")
	model, err := newWordPiece(vocabularyLines(data), unknown, "##", 100)
	if err != nil {
		return nil, rowFormat{}, fmt.Errorf("vocab.txt cannot be used: %w", err)
	}
	isTrue := func(value *bool) bool { return value == nil || *value }
	options := bertOptions{
		CleanText: true, HandleChineseChars: isTrue(f.config.ChineseChars),
		StripAccents: f.config.StripAccents, Lowercase: isTrue(f.config.DoLowerCase),
	}
	t := &HuggingFace{
		model:     model,
		normalize: options.normalize,
		split:     bertPreTokenizer(),
	}
	if t.decoder, err = parseDecoder([]byte(`{"type": "WordPiece"}`)); err != nil {
		return nil, rowFormat{}, err
	}
	start := f.token(f.config.ClsToken, f.special.ClsToken, "[CLS]")
	end := f.token(f.config.SepToken, f.special.SepToken, "[SEP]")
	var special []addedToken
	for _, name := range []string{start, end, unknown, f.token(f.config.PadToken, f.special.PadToken, "[PAD]"), "[MASK]"} {
		special = append(special, addedToken{Content: name, Special: true})
	}
	if t.added, err = newAddedTokens(special, model, t.normalize); err != nil {
		return nil, rowFormat{}, err
	}
	startID, _ := t.Token(start)
	endID, _ := t.Token(end)
	return t, rowFormat{start: []int64{startID}, end: []int64{endID}}, nil
}
