// Package process runs programs that end, with all that they started, when a context ends.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// grace is the time that processes have to remove their temporary files after SIGTERM.
const grace = 300 * time.Millisecond

// Command is [exec.CommandContext] in a session of its own. When the context ends, all processes of
// the session end: those in process groups of their own too, as the compilers that Ninja starts.
func Command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error {
		End(command.Process.Pid)
		return nil
	}
	command.WaitDelay = 5 * time.Second // for output that a process outside the session holds open
	return command
}

// End ends all processes of a session: with SIGTERM, and those that remain with SIGKILL.
func End(session int) {
	send(session, syscall.SIGTERM)
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if len(members(session)) == 0 {
			return
		}
	}
	// One that is just being started by another is found the second time.
	for range 2 {
		send(session, syscall.SIGKILL)
	}
}

// send sends a signal to the processes of a session.
func send(session int, signal syscall.Signal) {
	syscall.Kill(-session, signal) // its first process group, where there is no /proc
	for _, process := range members(session) {
		syscall.Kill(process, signal)
	}
}

// members returns the processes of a session that have not ended.
func members(session int) (processes []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, may contain anything: proc_pid_stat(5).
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 4 || fields[0] == "Z" || fields[3] != fmt.Sprint(session) {
			continue
		}
		if process, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			processes = append(processes, process)
		}
	}
	return processes
}
