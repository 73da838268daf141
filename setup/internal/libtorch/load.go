package libtorch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clipvqgan/clipvqgan/setup/internal/process"
)

const loader = `
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char** arguments) {
  if (count == 2 && dlopen(arguments[1], RTLD_NOW)) return 0;
  puts(dlerror());
  return 1;
}
`

// CheckItLoads loads the library in a small C program: a library that it needs may be missing, or
// it may be for another processor.
func (l *Libtorch) CheckItLoads(ctx context.Context, compiler []string) error {
	folder, err := os.MkdirTemp("", "libtorch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	source, program := filepath.Join(folder, "load.c"), filepath.Join(folder, "load")
	if err := os.WriteFile(source, []byte(loader), 0o600); err != nil {
		return err
	}
	compile := process.Command(ctx, compiler[0], append(slices.Clone(compiler[1:]), source, "-o", program, "-ldl")...)
	if output, err := compile.CombinedOutput(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("the C compiler %s does not work: %s", compiler[0], reason(string(output), err))
	}
	library := filepath.Join(l.LibDir, "libtorch_cpu.so")
	if output, err := process.Command(ctx, program, library).Output(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("%s: %s cannot be loaded: %s", l.Origin, library, lastLine(string(output), err))
	}
	return nil
}

// reason returns the first error in a compiler's output, or its last line.
func reason(output string, err error) string {
	if complaints := process.Complaints(output); len(complaints) > 0 {
		return complaints[0]
	}
	return lastLine(output, err)
}

// lastLine returns the last line of a program's output, or how it ended if there is none.
func lastLine(output string, err error) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if line := strings.TrimSpace(lines[len(lines)-1]); line != "" {
		return line
	}
	return err.Error()
}
