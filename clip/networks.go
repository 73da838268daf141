package clip

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The settings of published architectures by open_clip's names. scripts/generate/clip_networks.py
// writes them from the package.
//
//go:embed networks.json
var networksText []byte

// How all published weights of an architecture want their pictures, where that is not OpenAI's way.
//
//go:embed preprocessing.json
var preprocessingText []byte

var publishedPreprocessing = func() map[string]preprocessing {
	var all map[string]preprocessing
	if err := json.Unmarshal(preprocessingText, &all); err != nil {
		panic(fmt.Sprintf("clip: preprocessing.json: %v", err))
	}
	// As EfficientNet-Lite's own.
	const mean, deviation = 127.0 / 255, 128.0 / 255
	all["efficientnet-lite0"] = preprocessing{
		Mean: [3]float32{mean, mean, mean}, StandardDeviation: [3]float32{deviation, deviation, deviation},
		Interpolation: "bicubic", ResizeMode: "shortest",
	}
	return all
}()

var networks = func() map[string]*network {
	var all map[string]*network
	if err := json.Unmarshal(networksText, &all); err != nil {
		panic(fmt.Sprintf("clip: networks.json: %v", err))
	}
	// That of models/clip.pt: OpenAI's with a small ResNet, and the first tokens of its vocabulary.
	all["emoji-RN"] = &network{
		EmbeddingDimension: 256, QuickGELU: true,
		Vision: visionNetwork{ImageSize: 64, Layers: layers{stages: []int64{2, 2, 2, 2}}, Width: 24},
		Text:   textNetwork{ContextLength: 32, VocabularySize: 8514, Width: 192, Heads: 3, Layers: 3},
	}
	// That of the embedded CLIP for drawings and photographs (scripts/training/picture_clip.py).
	all["efficientnet-lite0"] = &network{
		EmbeddingDimension: 256,
		Vision:             visionNetwork{ImageSize: 160, TimmName: "tf_efficientnet_lite0", TimmPool: "avg", TimmProjection: "linear"},
		Text:               textNetwork{ContextLength: 32, VocabularySize: 8514, Width: 224, Heads: 4, Layers: 3},
	}
	return all
}()

// Architectures returns the names of the published architectures that [Import] knows, in open_clip's
// spelling, such as "ViT-B-32-quickgelu". OpenAI's spelling is understood too: "ViT-B/32" is
// "ViT-B-32-quickgelu", since all of OpenAI's models have that activation.
func Architectures() []string { return slices.Sorted(maps.Keys(networks)) }

// openAINames are OpenAI's names of architectures.
var openAINames = map[string]string{
	"RN50": "RN50-quickgelu", "RN101": "RN101-quickgelu", "RN50x4": "RN50x4-quickgelu",
	"RN50x16": "RN50x16-quickgelu", "RN50x64": "RN50x64-quickgelu",
	"ViT-B/32": "ViT-B-32-quickgelu", "ViT-B/16": "ViT-B-16-quickgelu",
	"ViT-L/14": "ViT-L-14-quickgelu", "ViT-L/14@336px": "ViT-L-14-336-quickgelu",
}

// canonicalName returns open_clip's spelling of a name. A name that both have, such as RN50, is
// open_clip's.
func canonicalName(name string) string {
	if _, ok := networks[name]; !ok {
		if known, ok := openAINames[name]; ok {
			return known
		}
	}
	return strings.ReplaceAll(name, "/", "-")
}

// fieldNames returns the JSON names of the fields of a struct that into points to.
func fieldNames(into any) map[string]bool {
	names := map[string]bool{}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(into).Elem()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}
