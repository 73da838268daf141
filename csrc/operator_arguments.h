// What the generated operators are written with, beside guard.h: arguments that may be absent, and
// results that are not one tensor.
#ifndef CTORCH_OPERATOR_ARGUMENTS_H_
#define CTORCH_OPERATOR_ARGUMENTS_H_

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "ctorch/operators.h"
#include "guard.h"

namespace ctorch {

// Runs body, which finds a truth value.
template <class Body>
ctorch_bool_result guard_bool(Body&& body) noexcept {
  ctorch_bool_result result{};
  result.error = guard([&] { result.value = body(); });
  return result;
}

// A tuple of tensors as a list.
template <class... Tensors>
std::vector<at::Tensor> in_vector(std::tuple<Tensors...> results) {
  return std::apply(
      [](auto&&... tensors) { return std::vector<at::Tensor>{std::move(tensors)...}; },
      std::move(results));
}

// Kernels ask whether an optional tensor is there, so NULL is no undefined tensor here.
inline std::optional<at::Tensor> maybe(const ctorch_tensor* tensor) {
  if (tensor == nullptr) return std::nullopt;
  return tensor->value;
}

inline std::optional<double> maybe(const double* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

inline std::optional<int64_t> maybe(const int64_t* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

inline at::OptionalIntArrayRef maybe_array(const int64_t* values, int64_t count) {
  if (values == nullptr) return std::nullopt;
  return int_array(values, count);
}

}  // namespace ctorch

#endif  // CTORCH_OPERATOR_ARGUMENTS_H_
