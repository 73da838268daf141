package clip

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// harmless are settings of open_clip that say how a model is trained, or what code makes it, and
// not what it computes from pictures and texts.
var harmless = map[string]bool{
	"custom_text": true, "patch_dropout": true, "attn_drop": true, "timm_drop": true, "timm_drop_path": true,
	"timm_model_pretrained": true, "multimodal_cfg": true, "output_tokens": true, "cast_dtype": true,
	"init_logit_scale": true, "nonscalar_logit_scale": true,
}

// fromOpenCLIPConfig reads an open_clip_config.json.
func fromOpenCLIPConfig(data []byte) (*network, preprocessing, error) {
	p := openAIPreprocessing()
	var file struct {
		Model      map[string]json.RawMessage `json:"model_cfg"`
		Preprocess struct {
			Mean, Std     *[3]float32
			Interpolation string
			ResizeMode    string `json:"resize_mode"`
		} `json:"preprocess_cfg"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, p, fmt.Errorf("it cannot be read: %w", err)
	}
	if file.Model == nil {
		return nil, p, fmt.Errorf("it has no model_cfg")
	}
	n, err := fromModelConfig(file.Model)
	if err != nil {
		return nil, p, err
	}
	if file.Preprocess.Mean != nil {
		p.Mean = *file.Preprocess.Mean
	}
	if file.Preprocess.Std != nil {
		p.StandardDeviation = *file.Preprocess.Std
	}
	switch file.Preprocess.Interpolation {
	case "", "bicubic", "random":
	default:
		p.Interpolation = file.Preprocess.Interpolation
	}
	if file.Preprocess.ResizeMode != "" {
		p.ResizeMode = file.Preprocess.ResizeMode
	}
	return n, p, choice("preprocess_cfg.resize_mode", p.ResizeMode, "shortest", "squash")
}

// fromModelConfig reads a model configuration of open_clip, and refuses settings that are not
// supported.
func fromModelConfig(model map[string]json.RawMessage) (*network, error) {
	var n network
	known := map[string]any{"": &n, "vision_cfg.": &n.Vision, "text_cfg.": &n.Text}
	for prefix, into := range known {
		settings := model
		if prefix != "" {
			settings = nil
			if err := json.Unmarshal(model[prefix[:len(prefix)-1]], &settings); err != nil {
				return nil, fmt.Errorf("its %s is missing or cannot be read", prefix[:len(prefix)-1])
			}
		}
		if err := checkSettings(prefix, settings, into); err != nil {
			return nil, err
		}
	}
	all, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(all, &n); err != nil {
		return nil, fmt.Errorf("its model_cfg cannot be read: %w", err)
	}
	return &n, nil
}

// checkSettings refuses settings with values that into, a network or a part of it, has no field for.
func checkSettings(prefix string, settings map[string]json.RawMessage, into any) error {
	fields := fieldNames(into)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := string(settings[name])
		off := value == "null" || value == "false" || value == "0" || value == "0.0" || value == `""` || value == "{}"
		if !fields[name] && !harmless[name] && !off {
			return fmt.Errorf("its model_cfg has %s%s %s, which is not supported", prefix, name, value)
		}
	}
	return nil
}
