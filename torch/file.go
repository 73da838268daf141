package torch

import (
	"fmt"
	"os"
	"path/filepath"
)

// temporaryBeside makes an empty file in path's folder, to be renamed to path when it is whole.
func temporaryBeside(path string) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", fmt.Errorf("torch: cannot write %s: %w", path, err)
	}
	defer file.Close()
	if err := file.Chmod(0o644); err != nil {
		return "", fmt.Errorf("torch: cannot write %s: %w", path, err)
	}
	return file.Name(), nil
}
