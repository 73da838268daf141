package libctorch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/setup/internal/console"
	"github.com/clipvqgan/clipvqgan/setup/internal/install"
	"github.com/clipvqgan/clipvqgan/setup/internal/libtorch"
	"github.com/clipvqgan/clipvqgan/setup/internal/standin"
)

// cmake is a stand-in: the arguments go to the file calls beside the builds; in its three calls it looks
// at the source, builds, and installs what was built.
const cmake = `echo "$@" >>"$CALLS"
case "$1" in
-G) [ -f "$4/csrc/a.cc" ] && [ -f "$4/libtorch.cmake" ] || { echo "no source"; exit 1; } ;;
--build) echo "[1/2] Building"; %s ;;
--install) /bin/mkdir -p "$4/lib" && echo library >"$4/lib/libctorch.so" ;;
esac`

type fixture struct {
	Build
	calls string
}

// newBuild is a build with a cmake whose --build runs a script.
func newBuild(t *testing.T, script string) *fixture {
	t.Helper()
	t.Setenv("CC", "")
	t.Setenv("CXX", "")
	t.Setenv("PATH", standin.Tools(t, map[string]string{
		"c++": "", "cc": "", "ninja": "", "cmake": strings.Replace(cmake, "%s", script, 1),
	}))
	calls := filepath.Join(t.TempDir(), "calls")
	t.Setenv("CALLS", calls)
	tools, err := FindTools(false)
	require.NoError(t, err)
	torch := t.TempDir()
	standin.Write(t, torch, standin.Libtorch("2.13.0", standin.CXX11ABI))
	found, err := libtorch.Inspect(torch, "LIBTORCH")
	require.NoError(t, err)
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	require.NoError(t, err)
	t.Cleanup(func() { said.Close() })
	return &fixture{Build{
		Sources:  fstest.MapFS{"CMakeLists.txt": {Data: []byte("project")}, "csrc/a.cc": {Data: []byte("code")}},
		Version:  "v1.2.3",
		Libtorch: found,
		Tools:    tools,
		Folder:   filepath.Join(t.TempDir(), "a folder"),
		Tell:     console.New(said),
	}, calls}
}

// names are what lies in the folder of builds.
func (f *fixture) names(t *testing.T) (names []string) {
	entries, err := os.ReadDir(f.Folder)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestMakeBuildsOnce(t *testing.T) {
	f := newBuild(t, "true")
	prefix, err := f.Make(t.Context())
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(prefix, "lib", "libctorch.so"))
	assert.Regexp(t, `^v1\.2\.3-libtorch-2\.13\.0-[0-9a-f]{12}$`, filepath.Base(prefix))
	calls, err := os.ReadFile(f.calls)
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(calls), "\n"), string(calls))
	assert.Contains(t, string(calls), "-G Ninja ")
	assert.Equal(t, []string{".lock", "build.log", filepath.Base(prefix)}, f.names(t))

	again, err := f.Make(t.Context())
	require.NoError(t, err)
	assert.Equal(t, prefix, again)
	after, err := os.ReadFile(f.calls)
	require.NoError(t, err)
	assert.Equal(t, calls, after, "nothing ran")

	f.Again = true
	again, err = f.Make(t.Context())
	require.NoError(t, err)
	assert.Equal(t, prefix, again)
	assert.FileExists(t, filepath.Join(prefix, "lib", "libctorch.so"))
	after, err = os.ReadFile(f.calls)
	require.NoError(t, err)
	assert.Equal(t, 6, strings.Count(string(after), "\n"), string(after))
}

func TestWhatChangesTheLibraryGivesItAnotherFolder(t *testing.T) {
	f := newBuild(t, "true")
	prefixes := map[string]bool{}
	add := func() {
		prefix, err := f.Prefix()
		require.NoError(t, err)
		prefixes[prefix] = true
	}
	add()
	add()
	require.Len(t, prefixes, 1)
	f.Version = "v1.2.4"
	add()
	f.Sources = fstest.MapFS{"CMakeLists.txt": {Data: []byte("other")}}
	add()
	t.Setenv("CXXFLAGS", "-march=native")
	add()
	f.Libtorch.LibDir = "/elsewhere"
	add()
	assert.Len(t, prefixes, 5)
}

func TestBuildsThatFail(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"compiler": {`echo "[2/2] x"; echo "/a/b.cc:3:1: error: no such name"; echo "more errors"; exit 1`,
			"libctorch was not built: /a/b.cc:3:1: error: no such name (all that was said is in "},
		"several": {`echo "[2/9] Building CXX object error.cc.o"; echo "/a/error.cc:3:1: error: no such name: it is gone"; echo "/a/b.cc:9:2: error: another"; exit 1`,
			"libctorch was not built: /a/error.cc:3:1: error: no such name: it is gone (all that was said is in "},
		"CMake":    {`echo "CMake Error at CMakeLists.txt:1 (message):"; echo "  it is too old"; exit 1`, "(message): it is too old"},
		"disk":     {`echo "fatal error: error writing: No space left on device"; exit 1`, syscall.ENOSPC.Error()},
		"no words": {"exit 3", "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newBuild(t, test.script)
			said := filepath.Join(t.TempDir(), "said")
			file, err := os.Create(said)
			require.NoError(t, err)
			defer file.Close()
			f.Tell = console.New(file)
			_, err = f.Make(t.Context())
			require.ErrorContains(t, err, test.want)
			if text, err := os.ReadFile(said); name == "several" {
				require.NoError(t, err)
				assert.Contains(t, string(text), "\n  /a/error.cc:3:1: error: no such name: it is gone\n  /a/b.cc:9:2: error: another\n")
			}
			assert.NotContains(t, err.Error(), "\n")
			assert.Equal(t, []string{".lock", "build.log"}, f.names(t), "nothing is left that looks whole")
			log, err := os.ReadFile(filepath.Join(f.Folder, "build.log"))
			require.NoError(t, err)
			assert.Contains(t, string(log), "[1/2] Building")
		})
	}
}

func TestTooLittleRoomToBuild(t *testing.T) {
	f := newBuild(t, "true")
	before := install.Room
	install.Room = func(string) (int64, error) { return 1e6, nil }
	t.Cleanup(func() { install.Room = before })
	_, err := f.Make(t.Context())
	assert.ErrorContains(t, err, "has 0.0 GB free, and 0.7 GB are needed")
}

// TestABuildThatIsInterrupted ends with all that it started.
func TestABuildThatIsInterrupted(t *testing.T) {
	f := newBuild(t, `/bin/sleep 600 & echo $! >"$CALLS.begun"; wait`)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for {
			if text, err := os.ReadFile(f.calls + ".begun"); err == nil && len(text) > 0 {
				cancel(stop)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err := f.Make(ctx) // which would wait for the sleeping child, as that has the output open
	assert.ErrorIs(t, err, stop)
	child, err := os.ReadFile(f.calls + ".begun")
	require.NoError(t, err)
	state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat")
	assert.True(t, err != nil || strings.Contains(string(state), ") Z "), "%s", state)
	assert.Equal(t, []string{".lock", "build.log"}, f.names(t))
}

func TestFindTools(t *testing.T) {
	t.Setenv("CC", "")
	t.Setenv("CXX", "")
	for _, test := range []struct {
		have, want string
		needNinja  bool
	}{
		{"cmake ninja", "no C++ compiler: c++ or g++ or clang++ is not on the PATH", false},
		{"c++ cmake ninja", "no C compiler", false},
		{"c++ cc ninja", "no cmake", false},
		{"c++ cc cmake make", "no ninja", true},
		{"c++ cc cmake", "neither ninja nor make", false},
	} {
		scripts := map[string]string{}
		for name := range strings.FieldsSeq(test.have) {
			scripts[name] = ""
		}
		t.Setenv("PATH", standin.Tools(t, scripts))
		_, err := FindTools(test.needNinja)
		assert.ErrorContains(t, err, test.want)
		assert.ErrorContains(t, err, "apt install")
	}

	t.Setenv("PATH", standin.Tools(t, map[string]string{"g++": "", "clang": "", "cmake": "", "make": ""}))
	tools, err := FindTools(false)
	require.NoError(t, err)
	assert.Equal(t, Tools{C: []string{"clang"}, Generator: "Unix Makefiles"}, tools, "make does where there is no Ninja")

	t.Setenv("CC", "clang -m64")
	tools, err = FindTools(false)
	require.NoError(t, err)
	assert.Equal(t, []string{"clang", "-m64"}, tools.C)
	t.Setenv("CXX", "g++-99 -m64")
	_, err = FindTools(false)
	assert.ErrorContains(t, err, "g++-99 is not on the PATH")
}

func TestExports(t *testing.T) {
	t.Setenv("CGO_LDFLAGS", "")
	t.Setenv("PKG_CONFIG_PATH", "")
	assert.Equal(t, "export CGO_LDFLAGS='-O2 -g -L/c/v1/lib -Wl,-rpath,/c/v1/lib'\n"+
		"export PKG_CONFIG_PATH='/c/v1/lib/pkgconfig'\n", Exports("/c/v1"))

	// What was there stays, but for what another version had said.
	t.Setenv("CGO_LDFLAGS", `-s "-L/a b" -L/c/v0/lib -Wl,-rpath,/c/v0/lib`)
	t.Setenv("PKG_CONFIG_PATH", "/c/v0/lib/pkgconfig:/usr/share/pkgconfig")
	assert.Equal(t, `export CGO_LDFLAGS='-s "-L/a b" -L/c/v1/lib -Wl,-rpath,/c/v1/lib'`+"\n"+
		"export PKG_CONFIG_PATH='/c/v1/lib/pkgconfig:/usr/share/pkgconfig'\n", Exports("/c/v1"))

	t.Setenv("CGO_LDFLAGS", "-g")
	assert.Contains(t, Exports("/it's here/v1"), `'-g "-L/it'\''s here/v1/lib" "-Wl,-rpath,/it'\''s here/v1/lib"'`)
}
