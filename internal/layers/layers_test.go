// Package layers_test holds which package of the module may import which.
package layers_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/clipvqgan/clipvqgan/"
	root   = "../.."
)

// A layer says which packages of the module its packages may import. "torch" is that package alone,
// "torch/..." all below it too.
type layer struct {
	packages string
	may      []string
}

// layers go from the bottom to the top. Where several hold a package, the longest name counts.
var layers = []layer{
	{"internal/missing", nil},
	{"internal/atomicfile", []string{"internal/missing"}},
	{"internal/chart", nil},

	// Pictures and text know no tensors.
	{"imageio", []string{"imageio/internal/...", "internal/atomicfile"}},
	{"imageio/sheet", []string{"imageio"}},
	{"imageio/internal/cpicture", nil}, // C libraries of picture formats
	{"tokenizer", []string{"internal/atomicfile"}},

	{"torch/internal/...", []string{"torch/internal/..."}},
	{"torch/internal/tensorfile", []string{"torch", "torch/internal/...", "internal/missing"}}, // the one above torch
	{"torch", []string{"torch/internal/...", "internal/atomicfile"}},
	{"torch/jit", []string{"torch", "torch/internal/...", "internal/atomicfile", "internal/missing"}},
	{"torch/cuda", []string{"torch", "torch/internal/..."}},
	{"torch/optim", []string{"torch", "torch/internal/..."}},
	{"torch/nn", []string{"torch", "torch/internal/..."}},
	{"torch/checkpoint", []string{"torch", "torch/internal/...", "internal/atomicfile"}},
	{"torch/numpy", []string{"torch", "torch/internal/...", "internal/atomicfile"}},
	{"torch/safetensors", []string{"torch", "torch/internal/...", "internal/atomicfile"}},
	{"torch/vision", []string{"torch", "imageio"}},
	{"torch/gonum", []string{"torch"}},
	{"internal/archive", []string{"torch", "torch/jit", "internal/atomicfile"}},
	{"internal/architecture", []string{"torch", "torch/jit", "torch/nn"}},
	{"internal/weights", []string{"torch", "torch/checkpoint", "torch/safetensors", "internal/architecture", "internal/missing"}},

	// CLIP and VQGAN do not know each other.
	{"clip", []string{"torch/...", "imageio", "tokenizer", "internal/archive", "internal/architecture", "internal/weights"}},
	{"clip/labels", []string{"imageio"}},
	{"clip/probe", []string{"torch/..."}},
	{"clip/evaluate", []string{"torch", "internal/chart"}},
	{"vqgan", []string{"torch/...", "imageio", "internal/archive", "internal/architecture", "internal/weights", "internal/missing"}},
	{"clip/train", []string{"clip", "torch/...", "imageio", "tokenizer", "internal/chart"}},
	{"clip/search", []string{"internal/atomicfile"}}, // vectors, whatever model made them
	{"clip/index", []string{"clip", "clip/search/...", "imageio", "internal/atomicfile"}},
	{"vqgan/guided", []string{"vqgan", "torch/...", "imageio", "internal/atomicfile"}}, // CLIP comes through an interface
	{"vqgan/prior", []string{"vqgan", "torch/...", "imageio", "tokenizer", "internal/archive", "internal/architecture", "internal/weights", "internal/missing"}},

	{"models", []string{"clip/...", "vqgan/...", "torch/...", "tokenizer"}},

	{"setup/...", []string{"setup/internal/..."}}, // makes a machine ready, so it needs no C
	{"server/...", []string{"server/...", "models", "clip/...", "vqgan/...", "torch/...", "imageio", "tokenizer", "internal/atomicfile"}},
	{"cmd/...", []string{"internal/archive", "internal/atomicfile", "internal/weights", "server/...", "models", "clip/...", "vqgan/...", "torch/...", "imageio/...", "tokenizer"}},
	{"examples/...", []string{"models", "clip/...", "vqgan/...", "torch/...", "imageio", "tokenizer"}},
	{"scripts/...", []string{"scripts/parity/outputs", "models", "clip/...", "vqgan/...", "torch/...", "imageio", "tokenizer"}},

	// What tests share, which only tests import.
	{"internal/reference", []string{"torch/..."}},
	{"internal/testkit", []string{"torch/..."}},
	{"internal/testkit/checkpoints", []string{"torch", "torch/checkpoint", "torch/safetensors"}},
	{"internal/testkit/smallprior", []string{"torch/...", "tokenizer"}},
	{"internal/testkit/loaded", []string{"models", "clip", "vqgan", "torch"}},
	{"internal/layers", nil},
	{"internal/documentation", nil},
}

// A goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
}

// holds says whether the pattern stands for the package.
func holds(pattern, name string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return name == folder || below && strings.HasPrefix(name, folder+"/")
}

// layerOf is the place of the package in the table.
func layerOf(table []layer, name string) (layer, bool) {
	var best layer
	for _, l := range table {
		if holds(l.packages, name) && len(l.packages) > len(best.packages) {
			best = l
		}
	}
	return best, best.packages != ""
}

// violations are the packages that have no layer, and the imports that their layer does not allow.
// Imports by tests are free.
func violations(table []layer, packages []goPackage) []string {
	var found []string
	for _, p := range packages {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		place, known := layerOf(table, name)
		if !known {
			found = append(found, fmt.Sprintf("%s is in no layer: give it a place in internal/layers", name))
			continue
		}
	imports:
		for _, path := range p.Imports {
			imported, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			for _, allowed := range place.may {
				if holds(allowed, imported) {
					continue imports
				}
			}
			found = append(found, fmt.Sprintf("%s imports %s; it may import %q", name, imported, place.may))
		}
	}
	return found
}

// openSources opens the module's folders and Go files, as go list does in a program of its own: go test
// takes a result from its cache where nothing has changed that the test itself has opened.
func openSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && path != root &&
			(strings.HasPrefix(name, ".") || name == "build" || name == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			_, err = os.ReadFile(path)
		}
		return err
	})
	require.NoError(t, err)
}

// listPackages are the module's packages and all that they import, directly or not.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	openSources(t)
	command := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,CgoFiles", "./...")
	command.Dir = root
	command.Stderr = os.Stderr
	output, err := command.Output()
	require.NoError(t, err)
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if err == io.EOF {
			return packages
		}
		require.NoError(t, err)
		packages = append(packages, p)
	}
}

func TestPackagesImportDownwards(t *testing.T) {
	packages := listPackages(t)
	var names []string
	for _, p := range packages {
		names = append(names, p.ImportPath)
	}
	require.Contains(t, names, module+"torch")
	require.Contains(t, names, module+"cmd/clipvqgan")
	for _, violation := range violations(layers, packages) {
		t.Error(violation)
	}
}

// holdC are the packages with calls into C. All else is Go over them.
var holdC = []string{"torch", "torch/jit", "torch/cuda", "imageio/internal/cpicture"}

func TestWhichPackagesHoldC(t *testing.T) {
	for _, p := range listPackages(t) {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if ours && len(p.CgoFiles) > 0 {
			assert.Contains(t, holdC, name, "%s holds C: %q", name, p.CgoFiles)
		}
	}
}

func TestViolationsNameBothPackages(t *testing.T) {
	table := []layer{
		{"low", nil},
		{"middle/...", []string{"low"}},
		{"middle/special", []string{"low", "middle/..."}},
		{"high", []string{"middle/..."}},
	}
	packageOf := func(name string, imports ...string) goPackage {
		p := goPackage{ImportPath: module + name, Imports: []string{"fmt", "example.com/low"}}
		for _, imported := range imports {
			p.Imports = append(p.Imports, module+imported)
		}
		return p
	}
	assert.Empty(t, violations(table, []goPackage{
		packageOf("low"),
		packageOf("middle", "low"),
		packageOf("middle/part", "low"),
		packageOf("middle/special", "low", "middle/part"),
		packageOf("high", "middle", "middle/part"),
		{ImportPath: "example.com/other", Imports: []string{module + "high"}},
	}))
	assert.Equal(t, []string{
		`low imports high; it may import []`,
		`middle/part imports middle; it may import ["low"]`,
		`high imports low; it may import ["middle/..."]`,
		`middleman is in no layer: give it a place in internal/layers`,
	}, violations(table, []goPackage{
		packageOf("low", "high"),
		packageOf("middle/part", "middle", "low"),
		packageOf("high", "middle", "low"),
		packageOf("middleman"),
	}))
}
