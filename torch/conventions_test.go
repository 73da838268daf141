package torch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestParameters holds what the package's comment says of lists and options, here and in the packages below.
func TestParameters(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	below, err := filepath.Glob("*/*.go")
	require.NoError(t, err)
	mayBeVariadic := []string{
		"Index", "IndexPutInPlace", "IndexPutAddInPlace", // of x[...]
		"Apply", "Run", "Call", "CallTensor", "Forward", "SaveForBackward", "MarkNonDifferentiable", "MarkDirty", // passed on
		"Range",            // the step
		"SetLearningRates", // one for each group
	}
	checked := 0
	for _, name := range slices.Concat(files, below) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			for _, parameter := range function.Type.Params.List {
				checked++
				list, isVariadic := parameter.Type.(*ast.Ellipsis)
				if isVariadic && isListItem(list.Elt) {
					assert.Contains(t, mayBeVariadic, function.Name.Name, "%s: a list is a slice", name)
				}
				if strings.HasSuffix(typeName(parameter.Type), "Options") {
					for _, given := range parameter.Names {
						assert.Equal(t, "options", given.Name, "%s: %s", name, function.Name.Name)
					}
				}
			}
		}
	}
	assert.Greater(t, checked, 1000)
}

// isListItem reports whether a type is a number or a tensor.
func isListItem(kind ast.Expr) bool {
	if pointer, ok := kind.(*ast.StarExpr); ok {
		return typeName(pointer.X) == "Tensor"
	}
	return slices.Contains([]string{"int", "int64", "float64"}, typeName(kind))
}

func typeName(kind ast.Expr) string {
	switch k := kind.(type) {
	case *ast.Ident:
		return k.Name
	case *ast.SelectorExpr:
		return k.Sel.Name
	}
	return ""
}

// TestLastParameters holds that a loss's reduction stands last, and a generator too, where it may be left out.
func TestLastParameters(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	layers, err := filepath.Glob("nn/*.go")
	require.NoError(t, err)
	reductions, generators := 0, 0
	for _, name := range slices.Concat(files, layers) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			parameters := function.Type.Params.List
			for i, parameter := range parameters {
				kind := parameter.Type
				list, isVariadic := kind.(*ast.Ellipsis)
				if isVariadic {
					kind = list.Elt
				}
				if pointer, ok := kind.(*ast.StarExpr); ok && typeName(pointer.X) == "Generator" {
					generators++
					assert.True(t, isVariadic, "%s: the generator of %s may be left out", name, function.Name.Name)
				}
				if typeName(kind) == "Reduction" {
					reductions++
					assert.Equal(t, len(parameters)-1, i, "%s: the reduction of %s is last", name, function.Name.Name)
				}
			}
		}
	}
	assert.Greater(t, generators, 10)
	assert.Greater(t, reductions, 10)
}
