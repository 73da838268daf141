// Package documentation_test checks what `go doc` shows of the module's packages.
package documentation_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// packages are the folders of the packages that other modules may import.
func packages(t *testing.T) []string {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root &&
			(strings.HasPrefix(name, ".") || slices.Contains([]string{"build", "cmd", "examples", "internal", "testdata", "csrc", "scripts"}, name)) {
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			folder, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			if !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		}
		return nil
	})
	require.NoError(t, err)
	return folders
}

// parse reads the Go files of a package, its tests among them if so wished.
func parse(t *testing.T, folder string, tests bool) (*token.FileSet, []*ast.File) {
	entries, err := os.ReadDir(filepath.Join(root, folder))
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") && !tests {
			continue
		}
		file, err := parser.ParseFile(files, filepath.Join(root, folder, name), nil, parser.ParseComments)
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	return files, parsed
}

// undocumented are the exported names without a comment.
func undocumented(files []*ast.File) []string {
	var missing []string
	for _, file := range files {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" {
					missing = append(missing, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && d.Doc.Text() == "" && s.Doc.Text() == "" {
							missing = append(missing, s.Name.Name)
						}
					case *ast.ValueSpec:
						// One comment may stand for a group.
						if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) &&
							d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
							missing = append(missing, s.Names[0].Name)
						}
					}
				}
			}
		}
	}
	return missing
}

func exportedReceiver(function *ast.FuncDecl) bool {
	if function.Recv == nil {
		return true
	}
	exported := true
	ast.Inspect(function.Recv.List[0].Type, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok {
			exported = name.IsExported()
			return false // of a generic type the first name is the type's
		}
		return true
	})
	return exported
}

func TestEveryExportedNameHasAComment(t *testing.T) {
	folders := packages(t)
	require.Contains(t, folders, "torch")
	require.Contains(t, folders, "vqgan/guided")
	for _, folder := range folders {
		_, files := parse(t, folder, false)
		assert.Empty(t, undocumented(files), "in %s", folder)
		comments := 0
		for _, file := range files {
			if text := file.Doc.Text(); text != "" {
				comments++
				assert.True(t, strings.HasPrefix(text, "Package "+file.Name.Name), "in %s", folder)
			}
		}
		assert.Equal(t, 1, comments, "package comments in %s", folder)
	}
}

func TestTheCheckFindsWhatHasNoComment(t *testing.T) {
	text := `package p
type T struct{}
func (T) M() {}
func (t *T) n() {}
type u int
func (u) M2() {}
func F() {}
const C = 1
// G is documented.
func G() {}
// All of them.
const (
	D = 1
	E = 2
)
var V int // V is documented.
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, parser.ParseComments)
	require.NoError(t, err)
	assert.Equal(t, []string{"T", "M", "F", "C"}, undocumented([]*ast.File{file}))
}

// The names that a reader of `go doc` or pkg.go.dev meets first, each with an example that runs.
func TestMainTypesHaveExamples(t *testing.T) {
	for folder, names := range map[string][]string{
		"torch": {
			"Tensor", "DType", "Device", "Scope", "Try", "Error", "NoGrad", "Generator", "Module", "SGD", "Adam",
			"FromSlice", "Gradients", "Tensor_Index",
		},
		"clip":         {"Load", "Model", "Classifier", "Tokenizer"},
		"vqgan":        {"Load", "Model"},
		"vqgan/guided": {"Generate"},
		"imageio":      {"Load", "Save", "Resize", "Preprocessor"},
		"models":       {"CLIP", "VQGAN"},
	} {
		_, files := parse(t, folder, true)
		var have []string
		for _, example := range doc.Examples(files...) {
			have = append(have, example.Name)
		}
		for _, name := range names {
			found := slices.ContainsFunc(have, func(example string) bool {
				// ExampleModel_Embed shows Model too.
				return example == name || strings.HasPrefix(example, name+"_")
			})
			assert.True(t, found, "package %s has no Example%s", folder, name)
		}
	}
}
