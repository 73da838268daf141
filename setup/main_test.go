package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clipvqgan/clipvqgan/setup/internal/console"
	"github.com/clipvqgan/clipvqgan/setup/internal/install"
	"github.com/clipvqgan/clipvqgan/setup/internal/pins"
	"github.com/clipvqgan/clipvqgan/setup/internal/standin"
	"github.com/clipvqgan/clipvqgan/setup/internal/wheel"
)

// program is the built program.
var program string

func TestMain(m *testing.M) {
	os.Exit(buildProgram(m))
}

func buildProgram(m *testing.M) int {
	folder, err := os.MkdirTemp("", "setup")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "setup")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(output))
	}
	return m.Run()
}

// A machine is a folder with a blank in its name, where the program finds all that it needs but a
// libtorch.
type machine struct {
	t                                  *testing.T
	folder, home, installDir, buildDir string
}

func newMachine(t *testing.T) *machine {
	folder := filepath.Join(t.TempDir(), "a machine")
	m := &machine{t, folder, filepath.Join(folder, "home"), filepath.Join(folder, "libtorch"), filepath.Join(folder, "build")}
	require.NoError(t, os.MkdirAll(m.home, 0o755))
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "XDG_") {
			t.Setenv(name, "")
		}
	}
	for _, name := range []string{"LIBTORCH", "CC", "CXX", "CGO_LDFLAGS", "PKG_CONFIG_PATH", "HTTP_PROXY", "http_proxy", "MAKEFLAGS"} {
		t.Setenv(name, "")
	}
	t.Setenv("LIBTORCH_CUDA", "0")
	t.Setenv("HOME", m.home)
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_NO_INDEX", "1")
	m.tools("c++", "cc", "cmake", "ninja")
	return m
}

// tools makes these the only programs on the path.
func (m *machine) tools(names ...string) {
	scripts := map[string]string{}
	for _, name := range names {
		scripts[name] = map[string]string{"cc": standin.Compiler}[name]
	}
	m.t.Setenv("PATH", standin.Tools(m.t, scripts))
}

func (m *machine) command(arguments ...string) *exec.Cmd {
	return exec.Command(program, append([]string{"-build-dir", m.buildDir, "-install-dir", m.installDir}, arguments...)...)
}

// run runs the program as make does.
func (m *machine) run(arguments ...string) (said string, status int) {
	command := m.command(arguments...)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	err := command.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		require.NoError(m.t, err)
	}
	assert.Empty(m.t, out.String())
	return problems.String(), command.ProcessState.ExitCode()
}

// assertFails wants one clear line at the end, and nothing written.
func (m *machine) assertFails(said string, status int, want string) {
	m.t.Helper()
	assert.Equal(m.t, 1, status, said)
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	assert.Equal(m.t, 1, strings.Count("\n"+said, "\nerror: "), said)
	assert.True(m.t, strings.HasPrefix(lines[len(lines)-1], "error: "), said)
	assert.Contains(m.t, lines[len(lines)-1], want)
	assert.NoFileExists(m.t, filepath.Join(m.buildDir, "libtorch.cmake"))
	assert.Empty(m.t, m.left())
}

// left are the names in the folder of installations, but for the lock.
func (m *machine) left() (names []string) {
	entries, err := os.ReadDir(m.installDir)
	if !os.IsNotExist(err) {
		require.NoError(m.t, err)
	}
	for _, entry := range entries {
		if entry.Name() != ".lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func (m *machine) libtorch(name, version, abi string) string {
	folder := filepath.Join(m.folder, name)
	standin.Write(m.t, folder, standin.Libtorch(version, abi))
	return folder
}

func TestWhatTheMachineLacks(t *testing.T) {
	for _, test := range []struct{ have, want string }{
		{"cmake ninja", "no C++ compiler"},
		{"c++ cmake ninja", "no C compiler"},
		{"c++ cc ninja", "no cmake"},
		{"c++ cc cmake", "no ninja"},
	} {
		m := newMachine(t)
		m.tools(strings.Fields(test.have)...)
		said, status := m.run()
		m.assertFails(said, status, test.want)
	}
}

func TestNoNetwork(t *testing.T) {
	m := newMachine(t)
	t.Setenv("PIP_NO_INDEX", "")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple") // nothing listens on the discard port
	said, status := m.run()
	m.assertFails(said, status, "libtorch was not installed: no network: 127.0.0.1:9 is not reached (dial tcp")
}

func TestNoIndex(t *testing.T) {
	m := newMachine(t)
	said, status := m.run()
	m.assertFails(said, status, "libtorch was not installed: pip's configuration forbids package indexes (PIP_NO_INDEX), and no find-links are set: "+
		"unset PIP_NO_INDEX, set PIP_FIND_LINKS to a folder with the wheels, or set LIBTORCH")
	links := t.TempDir()
	t.Setenv("PIP_FIND_LINKS", links)
	said, status = m.run()
	m.assertFails(said, status, "and its find-links ("+links+") have no torch==2.")
}

func TestWrongUse(t *testing.T) {
	m := newMachine(t)
	said, status := m.run("-pins", "middle")
	assert.Equal(t, 2, status)
	assert.Equal(t, "error: -pins is \"middle\", wanted default, oldest or newest\n", said)
	said, status = m.run("nonsense")
	assert.Equal(t, 2, status)
	assert.Equal(t, "error: \"nonsense\" was given, and setup takes flags alone: see -help\n", said)
	t.Setenv("LIBTORCH_CUDA", "yes")
	said, status = m.run()
	m.assertFails(said, status, "0 or 1")
	said, status = m.run("-nonsense")
	assert.Equal(t, 2, status)
	assert.Equal(t, "error: flag provided but not defined: -nonsense; -help shows all flags\n", said)
}

// TestHelpIsComplete: it has each flag and each variable that is read.
func TestHelpIsComplete(t *testing.T) {
	newMachine(t)
	out, err := exec.Command(program, "-help").Output()
	require.NoError(t, err)
	assert.Equal(t, help, string(out))
	source, err := os.ReadFile("options.go")
	require.NoError(t, err)
	flags := regexp.MustCompile(`flags\.\w+Var\(&o\.\w+, ("[a-z-]+")`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, flags, 5)
	for _, flag := range flags {
		name, err := strconv.Unquote(flag[1])
		require.NoError(t, err)
		assert.Regexp(t, `(?m)^  -`+name+` `, help)
	}
	for line := range strings.Lines(help) {
		assert.LessOrEqual(t, len(line), 107, line)
	}
}

func TestLibtorchIsNamed(t *testing.T) {
	headless := standin.Libtorch("2.13.0", standin.CXX11ABI)
	delete(headless, "include/ATen/ATen.h")
	for name, test := range map[string]struct {
		prepare func(m *machine) string
		want    string
	}{
		"nonsense":   {func(m *machine) string { return filepath.Join(m.folder, "nowhere") }, "there is no directory"},
		"no library": {func(m *machine) string { return m.folder }, "lib/libtorch_cpu.so is missing"},
		"no headers": {func(m *machine) string { standin.Write(t, m.folder, headless); return m.folder }, "include/ATen/ATen.h is missing"},
		"too old":    {func(m *machine) string { return m.libtorch("a", "2.6.1", standin.CXX11ABI) }, "libtorch 2.6.1"},
		"oldest":     {func(m *machine) string { return m.libtorch("a", "2.6.1", standin.CXX11ABI) }, "2.7 is the oldest"},
		"old ABI":    {func(m *machine) string { return m.libtorch("a", "2.7.0", standin.OldABI) }, "ABI from before C++11"},
		"does not load": {func(m *machine) string {
			loading := strings.Replace(standin.Compiler, "exit 0", "echo it lacks libx.so; exit 1", 1)
			t.Setenv("PATH", standin.Tools(t, map[string]string{"c++": "", "cmake": "", "ninja": "", "cc": loading}))
			return m.libtorch("a", "2.13.0", standin.CXX11ABI)
		}, "libtorch_cpu.so cannot be loaded: it lacks libx.so"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			t.Setenv("LIBTORCH", test.prepare(m))
			said, status := m.run()
			m.assertFails(said, status, test.want)
		})
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	m := newMachine(t)
	folder := m.libtorch("a", "2.99.0", standin.CXX11ABI)
	t.Setenv("LIBTORCH", folder)
	said, status := m.run()
	require.Equal(t, 0, status, said)
	assert.Equal(t, "libtorch 2.99.0 is newer than 2.15, the newest that was tested: trying it\n"+
		"Using libtorch 2.99.0 (LIBTORCH): "+folder+"\n", said)
	times := func() (times []time.Time) {
		for _, name := range []string{"libtorch.json", "libtorch.cmake"} {
			info, err := os.Stat(filepath.Join(m.buildDir, name))
			require.NoError(t, err)
			times = append(times, info.ModTime())
		}
		return times
	}
	before := times()
	said, status = m.run()
	assert.Equal(t, 0, status)
	assert.Empty(t, said)
	assert.Equal(t, before, times())
	text, err := os.ReadFile(filepath.Join(m.buildDir, "libtorch.cmake"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "set(LIBTORCH_LIB_DIR [==["+folder+"/lib]==])")
}

// TestAnOldTorchOfPythonIsPassedOver.
func TestAnOldTorchOfPythonIsPassedOver(t *testing.T) {
	m := newMachine(t)
	m.libtorch("site/torch", "2.1.0", standin.CXX11ABI)
	t.Setenv("PATH", standin.Tools(t, map[string]string{
		"c++": "", "cc": standin.Compiler, "cmake": "", "ninja": "", "python3": `echo /usr/bin/python3; echo "` + m.folder + `/site/torch"`,
	}))
	said, status := m.run()
	m.assertFails(said, status, "forbids package indexes (PIP_NO_INDEX)")
	assert.Contains(t, said, "not used: the torch of /usr/bin/python3: libtorch 2.1.0")

	folder := m.libtorch("site/torch", "2.13.0", standin.CXX11ABI)
	said, status = m.run()
	assert.Equal(t, 0, status)
	assert.Equal(t, "Using libtorch 2.13.0 (the torch of /usr/bin/python3): "+folder+"\n", said)
}

// An index is a server of wheels, and their pins.
type index struct {
	*machine
	*httptest.Server
	wheels map[string][]byte // by project
	names  map[string]string // of files
	asked  int
}

// newIndex puts small wheels of torch, "runtime" and, for CUDA, "solver" in the pins' place.
func newIndex(t *testing.T) *index {
	platforms, err := wheel.ThisMachine()
	if err != nil {
		t.Skip(err)
	}
	i := &index{machine: newMachine(t), wheels: map[string][]byte{}, names: map[string]string{}}
	files := map[string]string{
		"torch/lib/libtorch_python.so": "", "torch/lib/libtorch_cuda.so": "", "torch/__init__.py": "",
		wheel.OperatorDeclarations: "", "torch-2.13.0.dist-info/LICENSE": "BSD",
	}
	for name, content := range standin.Libtorch("2.13.0", standin.CXX11ABI) {
		files["torch/"+name] = content
	}
	set := pins.Set{
		CPU: i.add("torch", "2.13.0", "cp312-cp312-"+platforms[0], files) +
			i.add("runtime", "1.0", "py3-none-"+platforms[0], map[string]string{"nvidia/cu13/lib/libcudart.so.13": "", "nvidia/cu13/include/cuda.h": ""}),
		CUDA: i.add("solver", "2.0", "py3-none-"+platforms[0], map[string]string{"nvidia/cu13/lib/libcusolver.so.12": ""}),
	}
	before := namedPins
	namedPins = func(string) (pins.Set, error) { return set, nil }
	t.Cleanup(func() { namedPins = before })
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	t.Setenv("PIP_NO_INDEX", "")
	t.Setenv("PIP_INDEX_URL", i.URL+"/simple")
	return i
}

// add makes a wheel, and gives the line that pins it.
func (i *index) add(project, version, tag string, files map[string]string) string {
	var content bytes.Buffer
	archive := zip.NewWriter(&content)
	for name, text := range files {
		file, err := archive.Create(name)
		require.NoError(i.t, err)
		fmt.Fprint(file, text)
	}
	require.NoError(i.t, archive.Close())
	i.wheels[project] = content.Bytes()
	i.names[project] = project + "-" + version + "-" + tag + ".whl"
	return fmt.Sprintf("%s==%s --hash=sha256:%s\n", project, version, sum(content.Bytes()))
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func (i *index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.asked++
	folder, name := filepath.Split(strings.Trim(r.URL.Path, "/"))
	project, _, _ := strings.Cut(name, "-")
	content, known := i.wheels[project]
	switch {
	case !known:
		http.NotFound(w, r)
	case folder == "simple/":
		fmt.Fprintf(w, `<a href="../../files/%s">a</a>`, i.names[project])
	default:
		w.Write(content)
	}
}

// install runs the program's work in this process, where the pins are the index's.
func (i *index) install() (said string, err error) {
	file, err := os.CreateTemp(i.t.TempDir(), "said")
	require.NoError(i.t, err)
	defer file.Close()
	err = run(i.t.Context(), []string{"-build-dir", i.buildDir, "-install-dir", i.installDir}, console.New(file))
	text, readErr := os.ReadFile(file.Name())
	require.NoError(i.t, readErr)
	return string(text), err
}

func (i *index) installed(version string) (names []string) {
	root := filepath.Join(i.installDir, version)
	filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, err := filepath.Rel(root, path)
			require.NoError(i.t, err)
			names = append(names, name)
		}
		return nil
	})
	return names
}

func TestOnlyWhatIsNeededIsInstalled(t *testing.T) {
	i := newIndex(t)
	said, err := i.install()
	require.NoError(t, err)
	want := []string{"pins", "torch-2.13.0.dist-info/LICENSE", "nvidia/cu13/lib/libcudart.so.13", wheel.OperatorDeclarations}
	for name := range standin.Libtorch("2.13.0", standin.CXX11ABI) {
		want = append(want, "torch/"+name)
	}
	assert.ElementsMatch(t, want, i.installed("2.13.0"))
	assert.Equal(t, []string{"2.13.0"}, i.left())
	assert.Contains(t, said, "Installed libtorch 2.13.0")
	assert.Contains(t, said, "  runtime 1.0 (0.0 MB)\n")

	asked := i.asked
	said, err = i.install()
	require.NoError(t, err)
	assert.Empty(t, said, "a second run finds it")
	assert.Equal(t, asked, i.asked)
}

func TestOtherPinsAreInstalledAnew(t *testing.T) {
	i := newIndex(t)
	_, err := i.install()
	require.NoError(t, err)
	set, err := namedPins("default")
	require.NoError(t, err)
	set.CPU += "# another line\n"
	namedPins = func(string) (pins.Set, error) { return set, nil }
	said, err := i.install()
	require.NoError(t, err)
	assert.Contains(t, said, "Installed libtorch 2.13.0")
}

func TestCUDALibrariesWhereThereIsAGPU(t *testing.T) {
	i := newIndex(t)
	t.Setenv("LIBTORCH_CUDA", "1")
	_, err := i.install()
	require.NoError(t, err)
	assert.Contains(t, i.installed("2.13.0-cuda"), "torch/lib/libtorch_cuda.so")
	assert.Contains(t, i.installed("2.13.0-cuda"), "nvidia/cu13/lib/libcusolver.so.12")
	// It serves when the GPU is away too.
	t.Setenv("LIBTORCH_CUDA", "0")
	_, err = i.install()
	require.NoError(t, err)
	assert.Equal(t, []string{"2.13.0-cuda"}, i.left())
}

func TestInstallationsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		harm func(i *index)
		want string
	}{
		"wrong hash":    {func(i *index) { i.wheels["runtime"] = []byte("another") }, "broken download"},
		"not there":     {func(i *index) { delete(i.wheels, "torch") }, "the package index has no torch==2.13.0 for this machine"},
		"other version": {func(i *index) { i.names["torch"] = strings.ReplaceAll(i.names["torch"], "2.13.0", "2.13.1") }, "has no torch==2.13.0"},
		"no room":       {func(i *index) { setRoom(i.t, func(string) (int64, error) { return 1e6, nil }) }, "has 0.0 GB free, and 1.3 GB are needed"},
		"the disk fills": {func(i *index) {
			setRoom(i.t, func(string) (int64, error) { return 0, fmt.Errorf("write x: %w", syscall.ENOSPC) })
		}, "libtorch was not installed: the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIndex(t)
			test.harm(i)
			said, err := i.install()
			require.Error(t, err)
			i.assertFails(said+"error: "+explain(err)+"\n", 1, test.want)
		})
	}
}

func setRoom(t *testing.T, room func(string) (int64, error)) {
	before := install.Room
	install.Room = room
	t.Cleanup(func() { install.Room = before })
}

func TestKilledBefore(t *testing.T) {
	i := newIndex(t)
	require.NoError(t, os.MkdirAll(filepath.Join(i.installDir, ".partial-dead", "u"), 0o755))
	_, err := i.install()
	require.NoError(t, err)
	assert.Equal(t, []string{"2.13.0"}, i.left())
}

// TestASignalEndsADownload, with the shells' status for it; what is there of the file stays for the next
// run and is not taken for the whole.
func TestASignalEndsADownload(t *testing.T) {
	set, err := pins.Named("default")
	require.NoError(t, err)
	all, err := set.Pins(false)
	require.NoError(t, err)
	platforms, err := wheel.ThisMachine()
	if err != nil {
		t.Skip(err)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		m := newMachine(t)
		begun := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name := all[0].Name + "-" + all[0].Version + "-cp312-cp312-" + platforms[0] + ".whl"
			if !strings.HasSuffix(r.URL.Path, ".whl") {
				fmt.Fprintf(w, `<a href="%s#sha256=%s">a</a>`, name, all[0].SHA256[0])
				return
			}
			w.Header().Set("Content-Length", "1000000")
			fmt.Fprint(w, "the beginning")
			w.(http.Flusher).Flush()
			close(begun)
			<-r.Context().Done()
		}))
		t.Setenv("PIP_NO_INDEX", "")
		t.Setenv("PIP_INDEX_URL", server.URL)
		command := m.command()
		var said bytes.Buffer
		command.Stderr = &said
		require.NoError(t, command.Start())
		<-begun
		part := filepath.Join(m.installDir, ".wheels", all[0].SHA256[0]+".whl.part")
		require.Eventually(t, func() bool { data, _ := os.ReadFile(part); return string(data) == "the beginning" },
			time.Minute, 5*time.Millisecond)
		require.NoError(t, command.Process.Signal(signal))
		assert.Error(t, command.Wait())
		assert.Equal(t, want, command.ProcessState.ExitCode())
		assert.Contains(t, said.String(), "interrupted: nothing half-done was taken for whole\n")
		assert.Equal(t, []string{".wheels"}, m.left())
		server.Close()
	}
}

// TestTheLibraryIsBuiltOnce, with a stand-in for CMake that installs an empty library.
func TestTheLibraryIsBuiltOnce(t *testing.T) {
	m := newMachine(t)
	t.Setenv("LIBTORCH", m.libtorch("a", "2.13.0", standin.CXX11ABI))
	t.Setenv("PATH", standin.Tools(t, map[string]string{
		"c++": "", "cc": standin.Compiler, "make": "", "cmake": `[ "$1" = --install ] && /bin/mkdir -p "$4/lib"; exit 0`,
	}))
	output := func() (said, printed string) {
		command := exec.Command(program)
		var out, problems bytes.Buffer
		command.Stdout, command.Stderr = &out, &problems
		require.NoError(t, command.Run(), &problems)
		return problems.String(), out.String()
	}
	said, printed := output()
	assert.Contains(t, said, "Using libtorch 2.13.0 (LIBTORCH)")
	assert.Contains(t, said, "Built libctorch in ")
	prefixes, err := filepath.Glob(filepath.Join(m.home, ".cache", "clipvqgan", "libctorch", "*-libtorch-2.13.0-*"))
	require.NoError(t, err)
	require.Len(t, prefixes, 1)
	assert.Equal(t, fmt.Sprintf("export CGO_LDFLAGS='-O2 -g \"-L%[1]s/lib\" \"-Wl,-rpath,%[1]s/lib\"'\n"+
		"export PKG_CONFIG_PATH='%[1]s/lib/pkgconfig'\n", prefixes[0]), printed)

	said, again := output()
	assert.Empty(t, said)
	assert.Equal(t, printed, again)
}
