#include "ctorch/threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <atomic>
#include <string>
#include <utility>

#include "guard.h"

namespace ctorch {
namespace {

// 0: libtorch's own choice stands.
std::atomic<int> wanted_threads{0};

// How many threads are known to have a team.
std::atomic<int> teams{0};

// Whether this thread is counted in teams. OpenMP ends a thread's team together with the thread.
struct Team {
  bool counted = false;
  void forget() {
    if (std::exchange(counted, false)) --teams;
  }
  ~Team() { forget(); }
};
thread_local Team team;

}  // namespace

// OpenMP keeps the number of threads for each calling thread, and a goroutine moves between
// threads, so each entry sees to it that its thread has the process's number. libtorch keeps the
// handler of warnings for each thread too.
void enter_thread() {
  constexpr int new_thread = -1;
  thread_local int applied = new_thread;
  const int wanted = wanted_threads.load(std::memory_order_relaxed);
  if (wanted == applied) return;
  if (applied == new_thread) collect_warnings();
  if (wanted != 0) at::set_num_threads(wanted);
  applied = wanted;
}

uint64_t& current_scope() noexcept {
  thread_local uint64_t scope = 0;
  return scope;
}

}  // namespace ctorch

using ctorch::guard;

int32_t ctorch_num_threads(void) {
  int32_t threads = 0;
  ctorch_error_free(guard([&] { threads = at::get_num_threads(); }));
  return threads;
}

ctorch_error* ctorch_set_num_threads(int32_t threads) {
  return guard([&] {
    if (threads < 1) {
      throw ctorch::Error{
          CTORCH_ERROR_INVALID,
          "the number of threads is " + std::to_string(threads) + "; it must be at least 1"};
    }
    ctorch::wanted_threads.store(threads, std::memory_order_relaxed);
    ctorch::enter_thread();
  });
}

// OpenMP keeps a team of threads for each thread that ever computed. Where the teams together have
// more threads than there are processors, all of them sleep and wake at each step instead of
// spinning for a moment, which takes a network of small layers half again as long.
void ctorch_release_team(void) {
  using Pause = int (*)(int, int);
  constexpr int soft = 1;  // omp_pause_soft
  static const auto pause = reinterpret_cast<Pause>(dlsym(RTLD_DEFAULT, "omp_pause_resource"));
  using Host = int (*)(void);
  static const auto host = reinterpret_cast<Host>(dlsym(RTLD_DEFAULT, "omp_get_initial_device"));
  if (pause != nullptr && host != nullptr) pause(soft, host());
  ctorch::team.forget();
}

void ctorch_settle_team(int32_t limit) {
  if (!ctorch::team.counted) {
    ctorch::team.counted = true;
    ++ctorch::teams;
  }
  if (ctorch::teams > limit) ctorch_release_team();
}

uint64_t ctorch_set_scope(uint64_t scope) { return std::exchange(ctorch::current_scope(), scope); }

uint64_t ctorch_current_scope(void) { return ctorch::current_scope(); }
