#include <c10/util/intrusive_ptr.h>

#include <atomic>
#include <memory>
#include <utility>

#include "callback.h"
#include "ctorch/function.h"
#include "guard.h"

namespace {

// What the hook in the graph and its handle share.
struct HookState {
  explicit HookState(ctorch::Callback callback) : callback(std::move(callback)) {}
  ctorch::Callback callback;
  std::atomic<bool> removed{false};
};

// state is a copy, which lives on where the callback removes the hook that is being called.
at::Tensor call_hook(std::shared_ptr<HookState> state, const at::Tensor& gradient) {
  if (state->removed || !gradient.defined()) return {};
  ctorch_call call;
  call.gradients = {gradient};
  state->callback(call);
  return call.results.empty() ? at::Tensor() : std::move(call.results.front());
}

using WeakTensor = c10::weak_intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>;

}  // namespace

struct ctorch_hook {
  // Weak, both: the caller may hold the handle in the callback itself.
  WeakTensor tensor;
  std::weak_ptr<HookState> state;
  unsigned position;
};

using ctorch::guard;

ctorch_hook_result ctorch_tensor_register_hook(ctorch_tensor* tensor, ctorch_callback callback,
                                               uint64_t number) {
  ctorch_hook_result result{};
  result.error = guard([&] {
    ctorch::Number owned(number);
    const auto state = std::make_shared<HookState>(ctorch::Callback{callback, std::move(owned)});
    const unsigned position = tensor->value.register_hook(
        [state](const at::Tensor& gradient) { return call_hook(state, gradient); });
    result.hook = new ctorch_hook{WeakTensor(tensor->value.getIntrusivePtr()), state, position};
  });
  return result;
}

ctorch_error* ctorch_hook_remove(ctorch_hook* hook) {
  return guard([&] {
    const std::shared_ptr<HookState> state = hook->state.lock();
    if (state == nullptr || state->removed.exchange(true)) return;
    // Where the tensor is gone, the graph may still hold the hook, which does nothing now.
    if (auto tensor = hook->tensor.lock())
      at::Tensor(std::move(tensor)).remove_hook(hook->position);
  });
}

void ctorch_hook_free(ctorch_hook* hook) { delete hook; }
