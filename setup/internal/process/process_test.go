package process

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A parent starts two children in process groups of their own, as Ninja does, and waits for them. One
// ignores SIGTERM.
const role = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "parent":
		for _, child := range []string{"a", "b"} {
			command := exec.Command(os.Args[0])
			command.Env = append(os.Environ(), role+"="+child)
			command.Stdout = os.Stdout
			command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := command.Start(); err != nil {
				panic(err)
			}
		}
	case "b":
		signal.Ignore(syscall.SIGTERM)
	case "":
		os.Exit(m.Run())
	}
	if name := os.Getenv(role); name != "parent" {
		if err := os.WriteFile(name+".new", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			panic(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			panic(err)
		}
	}
	time.Sleep(10 * time.Minute)
}

// TestEndWithGroupsOfTheirOwn ends all of them, within a second on an idle machine.
func TestEndWithGroupsOfTheirOwn(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	command := Command(ctx, os.Args[0])
	command.Env = append(os.Environ(), role+"=parent")
	command.Dir = folder
	var output bytes.Buffer
	command.Stdout = &output // which the children hold open
	require.NoError(t, command.Start())
	var children []int
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(folder, name)
		require.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, time.Minute, 5*time.Millisecond)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		child, err := strconv.Atoi(string(text))
		require.NoError(t, err)
		group, err := syscall.Getpgid(child)
		require.NoError(t, err)
		require.NotEqual(t, command.Process.Pid, group)
		children = append(children, child)
	}
	require.NotEmpty(t, members(command.Process.Pid))
	cancel()
	assert.Error(t, command.Wait())
	assert.Eventually(t, func() bool { return len(members(command.Process.Pid)) == 0 }, 10*time.Second, 5*time.Millisecond)
	for _, child := range children {
		state, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat")
		assert.True(t, err != nil || strings.Contains(string(state), ") Z "), "%s", state)
	}
}

func TestComplaints(t *testing.T) {
	for want, output := range map[string]string{
		"/a/error.cc:3:1: error: no ‘such’ name: it is “gone”|/a/b.cc:9:2: fatal error: x.h: No such file": `[1/9] Building CXX object error.cc.o
FAILED: error.cc.o
/a/error.cc: In function 'int f()':
/a/error.cc:3:1: error: no ‘such’ name: it is “gone”
    3 | gone
/a/b.cc:9:2: fatal error: x.h: No such file
compilation terminated.`,
		"CMake Error at CMakeLists.txt:3 (project): The CMAKE_CXX_COMPILER: /none is not a full path.|CMake Error: last": `-- Checking
CMake Error at CMakeLists.txt:3 (project):
  The CMAKE_CXX_COMPILER:

    /none

  is not a full path.


-- Configuring incomplete, errors occurred!
CMake Error: last`,
		"g++: error: unknown -fa": `CMake Error at a.cmake:63 (message):
  The C++ compiler is not able to compile a simple test program.

    FAILED: a.o
    g++: error: unknown -fa

  CMake will not be able to generate this project.`,
		"/usr/bin/ld: a.o: undefined reference to 'f'|collect2: error: ld returned 1 exit status": `/usr/bin/ld: a.o: undefined reference to 'f'
collect2: error: ld returned 1 exit status`,
		"make: *** [all] Error 2": "nothing\nmake: *** [all] Error 2",
		"":                        "nothing",
	} {
		assert.Equal(t, want, strings.Join(Complaints(output), "|"))
	}
}
