// What tests of the C ABI share: expectations, and a tensor that frees itself.
#ifndef CTORCH_TESTS_SHIMS_H_
#define CTORCH_TESTS_SHIMS_H_

#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"

constexpr ctorch_device cpu{CTORCH_CPU, -1};

// Expects success.
inline void ok(ctorch_error* error) {
  if (error != nullptr) std::fprintf(stderr, "unexpected: %s\n", error->message);
  CHECK(error == nullptr);
  ctorch_error_free(error);
}

// Expects a failure, told in one line. Of this kind, unless it is ANY_KIND.
constexpr int32_t ANY_KIND = 0;
inline void fails(ctorch_error* error, int32_t kind) {
  CHECK(error != nullptr);
  if (error == nullptr) return;
  if (kind != ANY_KIND && error->kind != kind) {
    std::fprintf(stderr, "kind %d: %s\n", error->kind, error->message);
    CHECK(error->kind == kind);
  }
  CHECK(std::strlen(error->message) > 0);
  CHECK(std::strchr(error->message, '\n') == nullptr);
  CHECK(std::strstr(error->message, "Exception raised from") == nullptr);
  ctorch_error_free(error);
}

// A tensor that frees itself.
class Tensor {
 public:
  explicit Tensor(ctorch_tensor_result result) : handle_(result.tensor) { ok(result.error); }
  Tensor(const std::vector<float>& values, const std::vector<int64_t>& shape)
      : Tensor(ctorch_tensor_from_data(reinterpret_cast<const uint8_t*>(values.data()),
                                       static_cast<int64_t>(values.size() * sizeof(float)),
                                       shape.data(), static_cast<int64_t>(shape.size()),
                                       CTORCH_FLOAT32, cpu)) {}
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  ~Tensor() { ctorch_tensor_free(handle_); }

  ctorch_tensor* get() const { return handle_; }

  std::vector<float> values() const {
    const ctorch_tensor_info info = ctorch_tensor_describe(handle_);
    ok(info.error);
    std::vector<float> data(static_cast<size_t>(info.elements));
    ok(ctorch_tensor_to_data(handle_, reinterpret_cast<uint8_t*>(data.data()),
                             static_cast<int64_t>(data.size() * sizeof(float)), CTORCH_FLOAT32));
    return data;
  }

 private:
  ctorch_tensor* handle_;
};

using Floats = std::vector<float>;

#endif  // CTORCH_TESTS_SHIMS_H_
