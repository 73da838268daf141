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

// NumThreads is how many threads one operation may use.
func NumThreads() int { return int(C.ctorch_num_threads()) }

// SetNumThreads sets how many threads one operation may use, whichever goroutine calls it. A
// program that runs many small models at once, such as a server, gets most out of 1.
func SetNumThreads(threads int) error {
	return takeError("SetNumThreads", C.ctorch_set_num_threads(C.int32_t(threads)))
}

// A call into C holds an OS thread, and each OS thread that computes has a team of OpenMP threads.
// So that hundreds of goroutines do not make thousands of threads, which would only disturb each
// other, no more models run at once than there are processors for: each takes as many as one
// operation may use.
var (
	processors = int64(runtime.NumCPU())
	running    = semaphore.NewWeighted(processors)
)

// takeTurn runs f when its turn comes, or hands back ctx's error where ctx ends before.
func takeTurn(ctx context.Context, f func() error) error {
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

// settleTeam sees to it that a thread that computed outside a scope keeps its team of threads only
// where few others have one.
func settleTeam() { C.ctorch_settle_team(C.int32_t(processors)) }
