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

// grace is the time that a command with something to save has after a signal to end by itself.
const grace = 500 * time.Millisecond

// An interruption is the cause with which the context ends at Ctrl-C or SIGTERM.
type interruption struct{ signal syscall.Signal }

// Error returns the message for the user.
func (interruption) Error() string { return "interrupted" }

// status returns the program's exit status for an error: for a signal the shells' number, else 1.
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

// ending is locked by the goroutine that ends the program.
var ending sync.Mutex

// exit prints a line for each failure and ends the program with a status.
func exit(err error, status int) {
	ending.Lock()
	if err != nil {
		for _, line := range lines(err) {
			fmt.Fprintln(os.Stderr, "clipvqgan: "+line)
		}
	}
	os.Exit(status)
}

// A lastWord is what an interrupted command still has to do. Without one the program ends at once,
// even while it waits for a pipe, loads a model or computes.
type lastWord struct {
	mutex sync.Mutex
	do    func() error
}

// set sets the function to run if the command does not end in time by itself. Its error is printed;
// it is nil if there was nothing to do.
func (l *lastWord) set(do func() error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.do = do
}

// save runs a function, such as one that writes a file, during which the program does not end. Its
// error, if not nil, becomes the command's last word.
func (l *lastWord) save(write func() error) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	err := write()
	if l.do != nil && err != nil {
		l.do = func() error { return err }
	}
	return err
}

// finish is save for a command's last piece of work, after which it has no last word.
func (l *lastWord) finish(write func() error) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.do = nil
	return write()
}

// listen ends the context, and the program, at Ctrl-C and SIGTERM.
func (l *lastWord) listen(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		stopped := interruption{(<-signals).(syscall.Signal)}
		// A second signal ends the program at once, by the default action.
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel(stopped)
		l.endNow(stopped)
		time.Sleep(grace)
		l.mutex.Lock() // for good: no more writing starts
		if l.do != nil {
			exit(l.do(), status(stopped))
		}
		exit(stopped, status(stopped))
	}()
	return ctx
}

// endNow ends the program if there is nothing to do.
func (l *lastWord) endNow(stopped interruption) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.do == nil {
		exit(stopped, status(stopped))
	}
}
