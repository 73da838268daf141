// Package documentation_test checks what `go doc` shows beside the comments, which godoclint checks.
package documentation_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mainNames are what a reader of `go doc` or pkg.go.dev meets first, by package.
var mainNames = map[string][]string{
	"torch": {
		"Tensor", "DType", "Device", "Scope", "Try", "Error", "NoGrad", "Generator",
		"FromSlice", "Gradients", "Tensor_Index",
	},
	"torch/jit":        {"Load", "Module"},
	"torch/cuda":       {"WithStream", "MemoryStatsOf"},
	"torch/optim":      {"SGD", "Adam"},
	"torch/checkpoint": {"Load", "Save"},
	"clip":             {"Load", "Model", "Classifier", "Preprocessor"},
	"clip/labels":      {"Named", "Templates"},
	"clip/train":       {"Run", "FolderPairs"},
	"clip/probe":       {"Fit"},
	"clip/evaluate":    {"Classification", "Retrieval"},
	"imageio/sheet":    {"Sheet"},
	"tokenizer":        {"CLIP"},
	"vqgan":            {"Load", "Model"},
	"vqgan/guided":     {"Generate"},
	"imageio":          {"Load", "Save", "Resize", "FitSquare"},
	"models":           {"CLIP", "VQGAN"},
}

// examples are the names of the examples in a package's tests.
func examples(t *testing.T, folder string) []string {
	paths, err := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	var names []string
	for _, example := range doc.Examples(files...) {
		names = append(names, example.Name)
	}
	return names
}

func TestMainNamesHaveExamples(t *testing.T) {
	for folder, names := range mainNames {
		have := examples(t, folder)
		for _, name := range names {
			found := slices.ContainsFunc(have, func(example string) bool {
				// ExampleModel_Embed shows Model too.
				return example == name || strings.HasPrefix(example, name+"_")
			})
			assert.True(t, found, "package %s has no Example%s", folder, name)
		}
	}
}
