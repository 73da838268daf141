package torch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exportedFunctions are the package's exported functions and methods of Tensor, by name.
func exportedFunctions(t *testing.T) map[string]*ast.FuncDecl {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	found := map[string]*ast.FuncDecl{}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			if function.Recv != nil {
				star, ok := function.Recv.List[0].Type.(*ast.StarExpr)
				if !ok || star.X.(*ast.Ident).Name != "Tensor" {
					continue
				}
			}
			found[function.Name.Name] = function
		}
	}
	return found
}

// docs/operators.md says what is covered; what it says is there must be there.
func TestEveryNameInTheCoverageTableExists(t *testing.T) {
	list, err := os.ReadFile("../scripts/generate/coverage.txt")
	require.NoError(t, err)
	have := exportedFunctions(t)
	lines := regexp.MustCompile(`(?m)^([\w.]+) = (.+)$`).FindAllStringSubmatch(string(list), -1)
	require.Greater(t, len(lines), 400)
	for _, line := range lines {
		for _, name := range strings.Split(line[2], ", ") {
			assert.Contains(t, have, name, "which stands for torch.%s", line[1])
		}
	}
}
