// Overhead is the Go side of scripts/benchmark/benchmark_overhead.py: each line is an operator's name, how its
// result was freed, and the nanoseconds that one call took.
package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/clipvqgan/clipvqgan/torch"
)

// perScope is how many operators share a scope, as in a step of a model.
const perScope = 100

// batches is in how many parts calls are timed. Their median counts: other programs on the machine
// disturb some.
const batches = 41

func measure(name, freeing string, calls int, call func(n int)) {
	each := max(calls/batches, 1)
	var times []float64
	call(each)
	for range min(batches, calls) {
		started := time.Now()
		call(each)
		times = append(times, float64(time.Since(started).Nanoseconds())/float64(each))
	}
	slices.Sort(times)
	fmt.Printf("%s/%s %.1f\n", name, freeing, times[len(times)/2])
}

// operator measures f with each of the three ways in which its result may be freed.
func operator(name string, calls int, f func() *torch.Tensor) {
	measure(name, "close", calls, func(n int) {
		for range n {
			f().Close()
		}
	})
	measure(name, "scope", calls, func(n int) {
		for done := 0; done < n; done += perScope {
			torch.Scope(func(*torch.TensorScope) {
				for range min(perScope, n-done) {
					f()
				}
			})
		}
	})
	measure(name, "collected", calls, func(n int) {
		for range n {
			f()
		}
	})
}

func argument(i, standard int) int {
	if len(os.Args) <= i {
		return standard
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "%q is no number of calls or threads\n", os.Args[i])
		os.Exit(1)
	}
	return n
}

func main() {
	calls, largeCalls, threads := argument(1, 200_000), argument(2, 20), argument(3, 1)
	if err := torch.SetNumThreads(threads); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	x, y := torch.Zeros(torch.Shape{1}), torch.Zeros(torch.Shape{1})
	operator("add", calls, func() *torch.Tensor { return x.Add(y) })
	measure("add_in_place", "close", calls, func(n int) {
		for range n {
			x.AddInPlace(y)
		}
	})
	operator("view", calls, func() *torch.Tensor { return x.View(torch.Shape{1, 1}) })
	operator("exp", calls, func() *torch.Tensor { return x.Exp() })
	operator("sum", calls, func() *torch.Tensor { return x.Sum() })
	a, b := torch.Zeros(torch.Shape{1, 1}), torch.Zeros(torch.Shape{1, 1})
	operator("matmul", calls, func() *torch.Tensor { return a.MatMul(b) })
	u, v := torch.RandN(torch.Shape{4096, 4096}), torch.RandN(torch.Shape{4096, 4096})
	large := func(name string, f func() *torch.Tensor) {
		measure(name, "close", largeCalls, func(n int) {
			for range n {
				f().Close()
			}
		})
	}
	large("large_add", func() *torch.Tensor { return u.Add(v) })
	large("large_exp", func() *torch.Tensor { return u.Exp() })
	p, q := torch.RandN(torch.Shape{1024, 1024}), torch.RandN(torch.Shape{1024, 1024})
	large("large_matmul", func() *torch.Tensor { return p.MatMul(q) })
}
