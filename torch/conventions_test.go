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
