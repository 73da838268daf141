// What operators cost in C++, the measure for scripts/benchmark/benchmark_overhead.py: each line is
// an operator's name and the nanoseconds that one call of it takes, the freeing of its result
// included.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

// Calls are timed in batches, of which the median counts: other programs on the machine disturb
// some.
constexpr int64_t batches = 41;

template <class Call>
void measure(const char* name, int64_t calls, Call&& call) {
  const int64_t each = std::max<int64_t>(calls / batches, 1);
  std::vector<double> times;
  for (int64_t batch = 0; batch <= std::min(batches, calls); ++batch) {
    const auto started = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < each; ++i) call();
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - started;
    if (batch > 0) times.push_back(took.count() / static_cast<double>(each));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  std::printf("%s %.1f\n", name, times[times.size() / 2]);
}

// An operator whose results are freed at once, and one whose results are freed a hundred at a time,
// which takes memory that is not in the first cache.
template <class Call>
void operation(const std::string& name, int64_t calls, Call&& call) {
  measure((name + "/close").c_str(), calls, [&] { call(); });
  constexpr size_t together = 100;
  std::vector<at::Tensor> results;
  results.reserve(together);
  measure((name + "/scope").c_str(), calls, [&] {
    if (results.size() == together) results.clear();
    results.push_back(call());
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t calls = argc > 1 ? std::atoll(argv[1]) : 200000;
  const int64_t large_calls = argc > 2 ? std::atoll(argv[2]) : 20;
  at::set_num_threads(argc > 3 ? std::atoi(argv[3]) : 1);
  const at::Tensor x = at::zeros({1}), y = at::zeros({1});
  operation("add", calls, [&] { return at::add(x, y); });
  measure("add_in_place/close", calls, [&] { x.add_(y); });
  operation("view", calls, [&] { return x.view({1, 1}); });
  operation("exp", calls, [&] { return at::exp(x); });
  operation("sum", calls, [&] { return at::sum(x); });
  const at::Tensor a = at::zeros({1, 1}), b = at::zeros({1, 1});
  operation("matmul", calls, [&] { return at::matmul(a, b); });
  const at::Tensor u = at::randn({4096, 4096}), v = at::randn({4096, 4096});
  measure("large_add/close", large_calls, [&] { at::add(u, v); });
  measure("large_exp/close", large_calls, [&] { at::exp(u); });
  const at::Tensor p = at::randn({1024, 1024}), q = at::randn({1024, 1024});
  measure("large_matmul/close", large_calls, [&] { at::matmul(p, q); });
}
