// What the generated operators are written with, beside guard.h: arguments that may be absent, and
// results that are not one tensor.
#ifndef CTORCH_OPERATOR_ARGUMENTS_H_
#define CTORCH_OPERATOR_ARGUMENTS_H_

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "ctorch/base.h"
#include "guard.h"

namespace ctorch {

// Runs body, which finds a truth value.
template <class Body>
ctorch_bool_result guard_bool(Body&& body) noexcept {
  ctorch_bool_result result{};
  result.error = guard([&] { result.value = body(); });
  return result;
}

// Runs body, which makes a tuple of at most four tensors.
template <class Body>
ctorch_tensor_results guard_results(Body&& body) noexcept {
  ctorch_tensor_results results{};
  results.error = guard([&] {
    std::apply(
        [&](auto&&... tensors) {
          auto* item = results.items;
          ((*item++ = hand_over(std::move(tensors))), ...);
        },
        body());
  });
  if (results.error != nullptr) {
    for (auto& item : results.items) {
      delete item.tensor;
      item = {};
    }
  }
  return results;
}

// Kernels ask whether an optional tensor is there, so NULL is no undefined tensor here.
inline std::optional<at::Tensor> maybe(const ctorch_tensor* tensor) {
  if (tensor == nullptr) return std::nullopt;
  return tensor->value;
}

inline std::optional<int64_t> maybe(const int64_t* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

inline std::optional<double> maybe(const double* value) {
  if (value == nullptr) return std::nullopt;
  return *value;
}

inline std::optional<std::string_view> maybe_text(const char* text) {
  if (*text == '\0') return std::nullopt;
  return text;
}

inline at::OptionalIntArrayRef maybe_array(const int64_t* values, int64_t count) {
  if (values == nullptr) return std::nullopt;
  return int_array(values, count);
}

}  // namespace ctorch

#endif  // CTORCH_OPERATOR_ARGUMENTS_H_
