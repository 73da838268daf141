package torch

// #cgo noescape ctorch_current_scope
// #cgo nocallback ctorch_current_scope
// #include "ctorch/ctorch.h"
import "C"

import (
	"context"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// NumThreads returns the number of threads that one operation may use.
func NumThreads() int { return int(C.ctorch_num_threads()) }

// SetNumThreads sets, for the whole process, the number of threads that one operation may use. A
// program that runs many small models at once, such as a server, is fastest with 1.
func SetNumThreads(threads int) error {
	return takeError("SetNumThreads", C.ctorch_set_num_threads(C.int32_t(threads)))
}

// Each OS thread that computes has a team of OpenMP threads. So that hundreds of goroutines do not
// start thousands of threads, the models that run at the same time may use no more threads than
// there are processors.
var (
	processors = int64(runtime.NumCPU())
	running    = semaphore.NewWeighted(processors)
)

// takeTurn runs f when enough processors are free. It returns ctx's error if ctx ends before.
func takeTurn(ctx context.Context, f func() error) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if openScopes.find(uint64(C.ctorch_current_scope())).isInTurn() {
		return f()
	}
	threads := min(int64(NumThreads()), processors)
	if err := running.Acquire(ctx, threads); err != nil {
		return err
	}
	defer running.Release(threads)
	return f()
}

// settleTeam makes a thread that computed outside a scope keep its team of threads only if few
// others have one.
func settleTeam() { C.ctorch_settle_team(C.int32_t(processors)) }
