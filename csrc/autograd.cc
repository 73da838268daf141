#include "ctorch/autograd.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <optional>
#include <string>
#include <vector>

#include "guard.h"

using ctorch::guard;
using ctorch::guard_list;
using ctorch::guard_tensor;
using ctorch::optional_tensor;
using ctorch::tensor_vector;

struct ctorch_inference_guard {
  explicit ctorch_inference_guard(bool enabled) : mode(enabled) {}
  c10::InferenceMode mode;
};

namespace {

// libtorch takes either no gradients or one for each output, undefined ones standing for ones.
std::vector<at::Tensor> gradient_vector(ctorch_tensor* const* gradients, int64_t count) {
  if (gradients == nullptr) return {};
  return tensor_vector(gradients, count);
}

}  // namespace

ctorch_error* ctorch_tensor_set_requires_grad(ctorch_tensor* tensor, int32_t requires_grad) {
  return guard([&] { tensor->value.set_requires_grad(requires_grad != 0); });
}

ctorch_tensor_result ctorch_tensor_grad(const ctorch_tensor* tensor) {
  return guard_tensor([&] { return tensor->value.grad(); });
}

ctorch_tensor_list ctorch_tensors_grads(ctorch_tensor* const* tensors, int64_t count) {
  return guard_list([&] {
    std::vector<at::Tensor> gradients;
    gradients.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) gradients.push_back(tensors[i]->value.grad());
    return gradients;
  });
}

ctorch_error* ctorch_tensor_set_grad(ctorch_tensor* tensor, const ctorch_tensor* grad) {
  return guard([&] {
    const at::Tensor gradient = optional_tensor(grad);
    const auto check = [&](const char* what, bool same) {
      if (same) return;
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          "the gradient's " + std::string(what) + " is not the tensor's"};
    };
    if (gradient.defined()) {
      check("shape", gradient.sizes() == tensor->value.sizes());
      check("dtype", gradient.scalar_type() == tensor->value.scalar_type());
      check("device", gradient.device() == tensor->value.device());
    }
    tensor->value.mutable_grad() = gradient;
  });
}

ctorch_error* ctorch_tensor_retain_grad(ctorch_tensor* tensor) {
  return guard([&] { tensor->value.retain_grad(); });
}

int32_t ctorch_tensor_retains_grad(const ctorch_tensor* tensor) {
  int32_t retains = 0;
  ctorch_error_free(guard([&] { retains = tensor->value.retains_grad(); }));
  return retains;
}

ctorch_error* ctorch_tensor_detach_in_place(ctorch_tensor* tensor) {
  return guard([&] { tensor->value.detach_(); });
}

int32_t ctorch_anomaly_mode(void) { return torch::autograd::AnomalyMode::is_enabled(); }

void ctorch_set_anomaly_mode(int32_t enabled) {
  torch::autograd::AnomalyMode::set_enabled(enabled != 0);
}

ctorch_error* ctorch_backward(ctorch_tensor* const* tensors, int64_t count,
                              ctorch_tensor* const* gradients, int32_t retain_graph,
                              int32_t create_graph) {
  return guard([&] {
    torch::autograd::backward(tensor_vector(tensors, count), gradient_vector(gradients, count),
                              retain_graph != 0, create_graph != 0);
  });
}

ctorch_tensor_list ctorch_grad(ctorch_tensor* const* outputs, int64_t output_count,
                               ctorch_tensor* const* inputs, int64_t input_count,
                               ctorch_tensor* const* gradients, int32_t retain_graph,
                               int32_t create_graph, int32_t allow_unused) {
  return guard_list([&] {
    return torch::autograd::grad(tensor_vector(outputs, output_count),
                                 tensor_vector(inputs, input_count),
                                 gradient_vector(gradients, output_count), retain_graph != 0,
                                 create_graph != 0, allow_unused != 0);
  });
}

int32_t ctorch_grad_mode(void) { return c10::GradMode::is_enabled(); }

int32_t ctorch_set_grad_mode(int32_t enabled) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(enabled != 0);
  return before;
}

ctorch_inference_guard* ctorch_inference_enter(int32_t enabled) {
  return new (std::nothrow) ctorch_inference_guard(enabled != 0);
}

void ctorch_inference_leave(ctorch_inference_guard* guard) { delete guard; }
