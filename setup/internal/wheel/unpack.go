package wheel

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// OperatorDeclarations is the file that the generator of operators reads.
const OperatorDeclarations = "torchgen/packaged/ATen/native/native_functions.yaml"

var (
	license      = regexp.MustCompile(`\.dist-info/.*(LICENSE|NOTICE|License)`)
	pythonsOwn   = regexp.MustCompile(`^lib(torch_python|torch_global_deps|shm)`)
	cudaLibrary  = regexp.MustCompile(`cuda|nvrtc|nvshmem`)
	besideItself = regexp.MustCompile(`^(nvidia/.*|cusparselt|torch\.libs)(/lib)?/[^/]*\.so[^/]*$`)
)

// IsWanted reports whether a file of a wheel is needed to compile with libtorch and to run it.
func IsWanted(name string, cuda bool) bool {
	if license.MatchString(name) || strings.HasPrefix(name, "torch/include/") || name == OperatorDeclarations {
		return true
	}
	if file, ok := strings.CutPrefix(name, "torch/lib/"); ok {
		if !strings.Contains(file, ".so") || pythonsOwn.MatchString(file) {
			return false
		}
		return cuda || !cudaLibrary.MatchString(file)
	}
	// NVIDIA's wheels are unpacked beside the torch folder, where the RPATH of libtorch's libraries
	// points.
	return besideItself.MatchString(name)
}

// Unpack writes the needed files of a wheel to a folder.
func Unpack(ctx context.Context, path, folder string, cuda bool) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	defer archive.Close()
	for _, file := range archive.File {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if strings.HasSuffix(file.Name, "/") || !IsWanted(file.Name, cuda) || !filepath.IsLocal(file.Name) {
			continue
		}
		if err := extract(ctx, file, filepath.Join(folder, file.Name)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

func extract(ctx context.Context, file *zip.File, path string) error {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, reader{ctx, content}); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// A reader ends with its context, since libtorch's largest file takes seconds.
type reader struct {
	ctx context.Context
	in  io.Reader
}

func (r reader) Read(data []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.in.Read(data)
}
