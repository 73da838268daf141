#include "callback.h"

#include <atomic>
#include <mutex>
#include <utility>

namespace ctorch {

struct ForgottenNumber {
  uint64_t value = 0;
  ForgottenNumber* next = nullptr;
};

namespace {

struct ForgottenList {
  std::mutex mutex;
  ForgottenNumber* first = nullptr;
  std::atomic<int64_t> count{0};
};

// Never destroyed: what the end of the program destroys may still come to it.
ForgottenList& forgotten() {
  static ForgottenList& list = *new ForgottenList;
  return list;
}

static_assert(sizeof(std::atomic<int64_t>) == sizeof(int64_t) &&
                  std::atomic<int64_t>::is_always_lock_free,
              "the caller reads the count as a plain number");

}  // namespace

Number::Number(uint64_t value) : value_(value), place_(new ForgottenNumber) { forgotten(); }

Number::Number(Number&& other) noexcept
    : value_(other.release()), place_(std::move(other.place_)) {}

Number::~Number() {
  if (value_ == 0) return;
  ForgottenList& list = forgotten();
  const std::lock_guard<std::mutex> lock(list.mutex);
  place_->value = value_;
  place_->next = list.first;
  list.first = place_.release();
  ++list.count;
}

CallbackError::CallbackError(int32_t kind, std::string message, uint64_t payload)
    : kind_(kind), message_(std::make_shared<const std::string>(std::move(message))) {
  if (payload != 0) payload_ = std::make_shared<Number>(payload);
}

void Callback::operator()(ctorch_call& call) const {
  function(number.value(), &call);
  if (call.failure != nullptr) throw *call.failure;
}

}  // namespace ctorch

using ctorch::guard;
using ctorch::guard_list;

ctorch_tensor_list ctorch_call_gradients(ctorch_call* call) {
  return guard_list([&] { return std::move(call->gradients); });
}

ctorch_tensor_list ctorch_call_saved(ctorch_call* call) {
  return guard_list([&] {
    if (!call->saved) throw ctorch::Error{CTORCH_ERROR_INVALID, "a hook has no saved tensors"};
    return call->saved();
  });
}

ctorch_error* ctorch_call_needed(ctorch_call* call, int32_t* needed, int64_t count) {
  return guard([&] {
    if (!call->needed) throw ctorch::Error{CTORCH_ERROR_INVALID, "a hook has no inputs"};
    if (count != static_cast<int64_t>(call->inputs)) {
      throw ctorch::Error{CTORCH_ERROR_INVALID, "the function has another number of inputs"};
    }
    for (size_t i = 0; i < call->inputs; ++i) needed[i] = call->needed(i);
  });
}

ctorch_error* ctorch_call_return(ctorch_call* call, ctorch_tensor* const* results, int64_t count) {
  return guard([&] { call->results = ctorch::tensor_vector(results, count); });
}

void ctorch_call_fail(ctorch_call* call, int32_t kind, const char* message, uint64_t payload) {
  ctorch_error_free(guard(
      [&] { call->failure = std::make_unique<ctorch::CallbackError>(kind, message, payload); }));
}

int64_t ctorch_take_forgotten(uint64_t* numbers, int64_t room) {
  ctorch::ForgottenList& list = ctorch::forgotten();
  const std::lock_guard<std::mutex> lock(list.mutex);
  int64_t taken = 0;
  while (taken < room && list.first != nullptr) {
    const std::unique_ptr<ctorch::ForgottenNumber> place(list.first);
    list.first = place->next;
    numbers[taken++] = place->value;
    --list.count;
  }
  return taken;
}

const int64_t* ctorch_forgotten_count(void) {
  return reinterpret_cast<const int64_t*>(&ctorch::forgotten().count);
}
