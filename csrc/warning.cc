#include "ctorch/warning.h"

#include <c10/util/Exception.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "guard.h"

namespace ctorch {
namespace {

// A loop that warns at each step, with nobody to take the warnings, must not fill the memory.
constexpr size_t most_waiting = 256;

static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t), "the caller reads it as an int32_t");

struct Queue {
  std::mutex mutex;
  std::deque<std::string> texts;
  std::atomic<int32_t> waiting{0};
};

// Never destroyed: other threads may warn while the process ends.
Queue& queue() {
  static Queue* const all = new Queue;
  return *all;
}

// It collects, since a warning arises inside calls that must not call back.
class Collector : public c10::WarningHandler {
 public:
  void process(const c10::Warning& warning) override {
    Queue& all = queue();
    const std::lock_guard<std::mutex> lock(all.mutex);
    if (all.texts.size() >= most_waiting) return;
    all.texts.push_back(one_line(warning.msg()));
    all.waiting.store(static_cast<int32_t>(all.texts.size()), std::memory_order_release);
  }
};

}  // namespace

void collect_warnings() {
  static Collector* const collector = new Collector;
  c10::WarningUtils::set_warning_handler(collector);
}

}  // namespace ctorch

const int32_t* ctorch_warnings_waiting(void) {
  return reinterpret_cast<const int32_t*>(&ctorch::queue().waiting);
}

char* ctorch_warning_take(void) {
  char* text = nullptr;
  ctorch_error_free(ctorch::guard([&] {
    auto& all = ctorch::queue();
    const std::lock_guard<std::mutex> lock(all.mutex);
    if (all.texts.empty()) return;
    const std::string oldest = std::move(all.texts.front());
    all.texts.pop_front();
    all.waiting.store(static_cast<int32_t>(all.texts.size()), std::memory_order_release);
    text = ctorch::copy_text(oldest);
  }));
  return text;
}

void ctorch_warning_free(char* text) { std::free(text); }
