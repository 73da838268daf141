package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// grace is how long a command has after a signal to end by itself, where it has something to save.
const grace = 500 * time.Millisecond

// An interruption is the cause of the context's end at Ctrl-C or SIGTERM.
type interruption struct{ signal syscall.Signal }

// Error is what the user reads.
func (interruption) Error() string { return "interrupted" }

// status is the program's exit status for an error: the shells' number for a signal, 1 for all else.
func status(err error) int {
	stopped, wasStopped := errors.AsType[interruption](err)
	switch {
	case err == nil:
		return 0
	case wasStopped:
		return 128 + int(stopped.signal)
	}
	return 1
}

// ending is held by who ends the program, so that only one does.
var ending sync.Mutex

// exit ends the program with a status, after a line for each failure.
func exit(err error, status int) {
	ending.Lock()
	if err != nil {
		for _, line := range lines(err) {
			fmt.Fprintln(os.Stderr, "clipvqgan: "+line)
		}
	}
	os.Exit(status)
}

// A lastWord is what a command that is interrupted still has to do. Without one the program ends at once,
// whatever it is doing: waiting for a pipe, loading a model, or computing.
type lastWord struct {
	mutex sync.Mutex
	do    func() error
}

// set has do run if the command does not end in time by itself. Its error tells what was done; nil
// stands for nothing to do.
func (l *lastWord) set(do func() error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.do = do
}

// save runs a function during which the program does not end, such as one that writes a file. Its error
// is the command's last word from then on, where it has one.
func (l *lastWord) save(write func() error) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	err := write()
	if l.do != nil && err != nil {
		l.do = func() error { return err }
	}
	return err
}

// listen ends the context, and the program, at Ctrl-C and SIGTERM.
func (l *lastWord) listen(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		stopped := interruption{(<-signals).(syscall.Signal)}
		// A second one means it: the default action ends the program at once.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel(stopped)
		l.endNow(stopped)
		time.Sleep(grace)
		l.mutex.Lock() // until the end: nothing begins to be written any more
		if l.do != nil {
			exit(l.do(), status(stopped))
		}
		exit(stopped, status(stopped))
	}()
	return ctx
}

// endNow ends the program where there is nothing to do.
func (l *lastWord) endNow(stopped interruption) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.do == nil {
		exit(stopped, status(stopped))
	}
}
