// What every shim is written with: the handles' contents, and the guard around each entry.
#ifndef CTORCH_GUARD_H_
#define CTORCH_GUARD_H_

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctorch/base.h"

struct ctorch_tensor {
  at::Tensor value;
};

struct ctorch_generator {
  at::Generator value;
};

namespace ctorch {

// An error of ours, with a kind that libtorch's exceptions do not tell.
struct Error {
  int32_t kind;
  std::string message;
};

// The exception in flight as an error for the caller. Only inside a catch block.
ctorch_error* current_exception() noexcept;

// A number with its noun: "1 byte", "2 bytes".
std::string counted(int64_t number, const char* noun);

// Brings the calling thread in line with the process's settings (the number of threads, where
// warnings go).
void enter_thread();

// Has the calling thread's warnings collected instead of written to stderr.
void collect_warnings();

// The text in one line, without libtorch's stack trace.
std::string one_line(std::string text);

// Gives a text to the caller, who frees it with free.
char* copy_text(const std::string& text);

// The scope of the calling thread.
uint64_t& current_scope() noexcept;

// Runs body, and turns whatever it throws into an error.
template <class Body>
ctorch_error* guard(Body&& body) noexcept {
  try {
    enter_thread();
    body();
    return nullptr;
  } catch (...) {
    return current_exception();
  }
}

// Gives a tensor to the caller. An undefined tensor is an absent result.
ctorch_tensor_result hand_over(at::Tensor tensor);

// The same for a new tensor that something else, which ends with the call, still refers to.
ctorch_tensor_result hand_over_copy(at::Tensor tensor);

// Runs body, which makes a tensor.
template <class Body>
ctorch_tensor_result guard_tensor(Body&& body) noexcept {
  ctorch_tensor_result result{};
  result.error = guard([&] { result = hand_over(body()); });
  return result;
}

// Gives tensors to the caller, each by give.
ctorch_tensor_list hand_over_list(std::vector<at::Tensor> tensors,
                                  ctorch_tensor_result (*give)(at::Tensor) = hand_over);

// Runs body, which makes a list of tensors.
template <class Body>
ctorch_tensor_list guard_list(Body&& body) noexcept {
  ctorch_tensor_list result{};
  result.error = guard([&] { result = hand_over_list(body()); });
  return result;
}

// The tensor behind a handle that may be NULL: an undefined one.
inline at::Tensor optional_tensor(const ctorch_tensor* tensor) {
  return tensor == nullptr ? at::Tensor() : tensor->value;
}

std::vector<at::Tensor> tensor_vector(ctorch_tensor* const* tensors, int64_t count);

inline at::IntArrayRef int_array(const int64_t* values, int64_t count) {
  return at::IntArrayRef(values, static_cast<size_t>(count));
}

inline at::Device device_of(ctorch_device device) {
  return at::Device(static_cast<at::DeviceType>(device.type),
                    static_cast<at::DeviceIndex>(device.index));
}

// PyTorch's number of a dtype, which may be one that this libtorch does not have.
inline at::ScalarType scalar_type_of(int32_t dtype) {
  if (dtype < 0 || dtype >= static_cast<int32_t>(at::ScalarType::Undefined)) {
    throw Error{CTORCH_ERROR_INVALID, "this libtorch has no dtype " + std::to_string(dtype)};
  }
  const auto type = static_cast<at::ScalarType>(dtype);
  if (at::isQIntType(type)) {
    throw Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                "quantized tensors need a scale and a zero point, and cannot be made"};
  }
  return type;
}

inline at::TensorOptions options_of(const ctorch_options& options) {
  return at::TensorOptions()
      .dtype(scalar_type_of(options.dtype))
      .device(device_of(options.device))
      .pinned_memory(options.pinned != 0);
}

inline std::optional<at::Generator> generator_of(const ctorch_generator* generator) {
  if (generator == nullptr) return std::nullopt;
  return generator->value;
}

// The number as libtorch has it. Its kind takes part in what dtype comes out.
inline at::Scalar scalar_of(const ctorch_number& number) {
  switch (number.kind) {
    case CTORCH_NUMBER_INTEGER:
      return at::Scalar(number.integer);
    case CTORCH_NUMBER_UNSIGNED:
      return at::Scalar(static_cast<uint64_t>(number.integer));
    case CTORCH_NUMBER_BOOL:
      return at::Scalar(number.integer != 0);
    case CTORCH_NUMBER_REAL:
      return at::Scalar(number.real);
    default:
      return at::Scalar(c10::complex<double>(number.real, number.imaginary));
  }
}

}  // namespace ctorch

#endif  // CTORCH_GUARD_H_
