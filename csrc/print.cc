#include "ctorch/print.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "guard.h"

using ctorch::guard;
using ctorch::guard_tensor;

namespace {

// Copies both ends of the dimensions of source, from dimension on, to target. Piece by piece, so
// that nothing is made of what lies between.
void copy_edges(const at::Tensor& target, const at::Tensor& source, int64_t dimension,
                int64_t edge_items) {
  if (dimension == source.dim()) {
    target.copy_(source);
    return;
  }
  const int64_t size = source.size(dimension);
  if (size == target.size(dimension)) {
    copy_edges(target, source, dimension + 1, edge_items);
    return;
  }
  const auto edge = [&](int64_t to, int64_t from) {
    copy_edges(target.narrow(dimension, to, edge_items), source.narrow(dimension, from, edge_items),
               dimension + 1, edge_items);
  };
  edge(0, 0);
  edge(edge_items, size - edge_items);
}

at::ScalarType widest(at::ScalarType type) {
  if (at::isComplexType(type)) return at::kComplexDouble;
  if (at::isIntegralType(type, /*includeBool=*/true)) return at::kLong;
  return at::kDouble;
}

// The graph's node, which libtorch refuses to name for some views that were written to in place.
std::string grad_function(const at::Tensor& tensor) {
  try {
    const auto& node = tensor.grad_fn();
    if (node == nullptr) return "";
    const std::string name = node->name();
    const size_t scope = name.rfind("::");
    return scope == std::string::npos ? name : name.substr(scope + 2);
  } catch (const c10::Error&) {
    return "Invalid";
  }
}

}  // namespace

ctorch_tensor_result ctorch_tensor_preview(const ctorch_tensor* tensor, int64_t edge_items) {
  return guard_tensor([&] {
    c10::NoGradGuard no_grad;
    const at::Tensor source = tensor->value.detach();
    std::vector<int64_t> sizes = source.sizes().vec();
    for (int64_t& size : sizes) {
      if (edge_items >= 0 && size > 2 * edge_items) size = 2 * edge_items;
    }
    // A copy, so that what is only marked as conjugate or negative is written out.
    const at::Tensor shown =
        at::empty(sizes, at::TensorOptions().dtype(source.dtype()).device(source.device()));
    copy_edges(shown, source, 0, edge_items);
    return shown.to(at::kCPU).to(widest(source.scalar_type()));
  });
}

ctorch_print_info ctorch_tensor_print_info(const ctorch_tensor* tensor) {
  ctorch_print_info info{};
  info.error = guard([&] {
    const at::Tensor& value = tensor->value;
    info.requires_grad = value.requires_grad();
    info.has_elements = value.layout() == at::kStrided && !value.is_meta() && !value.is_quantized();
    info.device = ctorch::copy_text(value.device().str());
    std::ostringstream layout;
    layout << value.layout();
    info.layout = ctorch::copy_text(layout.str());
    const std::string function = grad_function(value);
    if (!function.empty()) info.grad_function = ctorch::copy_text(function);
  });
  return info;
}

void ctorch_print_info_free(ctorch_print_info info) {
  std::free(info.device);
  std::free(info.layout);
  std::free(info.grad_function);
}
