package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// A huggingFaceFolder is what the small files of a folder say.
type huggingFaceFolder struct {
	files   fs.FS
	class   string
	config  huggingFaceConfig
	special specialTokensMap
	model   huggingFaceModelConfig
}

// huggingFaceConfig is tokenizer_config.json.
type huggingFaceConfig struct {
	TokenizerClass string                `json:"tokenizer_class"`
	ModelMaxLength float64               `json:"model_max_length"` // 1e30: not known
	PaddingSide    string                `json:"padding_side"`
	TruncationSide string                `json:"truncation_side"`
	AddBosToken    *bool                 `json:"add_bos_token"`
	AddEosToken    *bool                 `json:"add_eos_token"`
	DoLowerCase    *bool                 `json:"do_lower_case"`
	StripAccents   *bool                 `json:"strip_accents"`
	ChineseChars   *bool                 `json:"tokenize_chinese_chars"`
	AddedTokens    map[string]addedToken `json:"added_tokens_decoder"`
	specialTokensMap
}

// specialTokensMap is special_tokens_map.json; tokenizer_config.json has the same.
type specialTokensMap struct {
	BosToken tokenName `json:"bos_token"`
	EosToken tokenName `json:"eos_token"`
	UnkToken tokenName `json:"unk_token"`
	PadToken tokenName `json:"pad_token"`
	SepToken tokenName `json:"sep_token"`
	ClsToken tokenName `json:"cls_token"`
}

// A tokenName is written as a text, or as an object with its content.
type tokenName string

// UnmarshalJSON reads either form, and null as "".
func (n *tokenName) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var token struct{ Content string }
		err := json.Unmarshal(data, &token)
		*n = tokenName(token.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(n))
}

// huggingFaceModelConfig is config.json.
type huggingFaceModelConfig struct {
	ModelType    string `json:"model_type"`
	MaxPositions int    `json:"max_position_embeddings"`
	TextConfig   struct {
		MaxPositions int `json:"max_position_embeddings"`
	} `json:"text_config"`
}

func readHuggingFaceFolder(files fs.FS) (*huggingFaceFolder, error) {
	f := &huggingFaceFolder{files: files}
	hasConfig, err := readJSON(files, "tokenizer_config.json", &f.config)
	if err != nil {
		return nil, err
	}
	if _, err := readJSON(files, "special_tokens_map.json", &f.special); err != nil {
		return nil, err
	}
	if _, err := readJSON(files, "config.json", &f.model); err != nil {
		return nil, err
	}
	f.class = f.config.TokenizerClass
	switch {
	case f.model.ModelType == "siglip2":
		// Published folders name the class without the lower case that the model was trained with;
		// transformers goes by the model too (MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS).
		f.class = "Siglip2Tokenizer"
	case f.class != "":
	case strings.HasPrefix(f.model.ModelType, "clip"):
		f.class = "CLIPTokenizer"
	case strings.HasPrefix(f.model.ModelType, "siglip"):
		f.class = "SiglipTokenizer"
	case !hasConfig:
		return nil, errors.New("there is no tokenizer_config.json")
	default:
		return nil, errors.New("tokenizer_config.json has no tokenizer_class")
	}
	return f, nil
}

// readJSON reads a file, if it is there.
func readJSON(files fs.FS, name string, value any) (found bool, err error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return true, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return true, nil
}

// token returns the first name that is not empty.
func (f *huggingFaceFolder) token(config, special tokenName, otherwise string) string {
	switch {
	case config != "":
		return string(config)
	case special != "":
		return string(special)
	}
	return otherwise
}

// contextLength returns what the files say about the length of a row; 0: nothing.
func (f *huggingFaceFolder) contextLength() int {
	const unknown = 1e6 // transformers writes 1e30
	if length := f.config.ModelMaxLength; length >= 1 && length < unknown {
		return int(length)
	}
	for _, length := range []int{f.model.TextConfig.MaxPositions, f.model.MaxPositions} {
		if length > 0 && length < unknown {
			return length
		}
	}
	switch {
	case strings.HasPrefix(f.model.ModelType, "siglip"), strings.HasPrefix(f.class, "Siglip"):
		return 64
	case strings.HasPrefix(f.model.ModelType, "clip"), strings.HasPrefix(f.class, "CLIP"):
		return 77
	}
	return 0
}

// has reports whether a file is there.
func (f *huggingFaceFolder) has(name string) bool {
	_, err := fs.Stat(f.files, name)
	return err == nil
}
