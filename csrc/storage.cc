#include "ctorch/storage.h"

#include <cstdint>
#include <string>

#include "guard.h"

using ctorch::guard;
using ctorch::guard_tensor;
using ctorch::int_array;

namespace {

[[noreturn]] void invalid(const std::string& message) {
  throw ctorch::Error{CTORCH_ERROR_INVALID, message};
}

const c10::Storage& storage_of(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || !tensor.has_storage()) {
    invalid("the tensor is sparse, or of another kind that has no storage");
  }
  return tensor.storage();
}

// Checks that every element is inside the storage. set_ would enlarge it instead.
void check_inside(const at::Tensor& tensor, at::ScalarType dtype, int64_t offset,
                  const int64_t* sizes, const int64_t* strides, int64_t dimensions) {
  const auto width = static_cast<int64_t>(c10::elementSize(dtype));
  const auto room = static_cast<int64_t>(storage_of(tensor).nbytes()) / width;
  if (offset < 0 || offset > room) invalid("the tensor begins outside its storage");
  bool empty = false;
  for (int64_t i = 0; i < dimensions; ++i) {
    if (sizes[i] < 0 || strides[i] < 0) invalid("a size or stride is negative");
    empty = empty || sizes[i] == 0;
  }
  if (empty) return;
  int64_t left = room - offset - 1;
  for (int64_t i = 0; i < dimensions; ++i) {
    const int64_t steps = sizes[i] - 1;
    if (steps > 0 && strides[i] > left / steps) left = -1;
    if (left < 0) break;
    left -= steps * strides[i];
  }
  if (left < 0) invalid("the tensor reaches beyond its storage");
}

}  // namespace

ctorch_storage_info ctorch_tensor_storage(const ctorch_tensor* tensor) {
  ctorch_storage_info info{};
  info.error = guard([&] {
    const at::Tensor& value = tensor->value;
    const c10::Storage& storage = storage_of(value);
    info.identity = reinterpret_cast<std::uintptr_t>(storage.unsafeGetStorageImpl());
    if (value.is_cpu()) info.data = static_cast<uint8_t*>(storage.mutable_data());
    info.bytes = static_cast<int64_t>(storage.nbytes());
    info.offset = value.storage_offset();
    info.is_marked = value.is_conj() || value.is_neg();
  });
  return info;
}

ctorch_tensor_result ctorch_tensor_plain(const ctorch_tensor* tensor) {
  return guard_tensor([&] {
    storage_of(tensor->value);
    c10::NoGradGuard no_grad;
    return tensor->value.detach().resolve_conj().resolve_neg().to(at::kCPU).contiguous();
  });
}

ctorch_tensor_result ctorch_tensor_over(const ctorch_tensor* tensor, int32_t dtype, int64_t offset,
                                        const int64_t* sizes, const int64_t* strides,
                                        int64_t dimensions, int32_t counts) {
  ctorch_tensor_result result = guard_tensor([&] {
    const at::ScalarType type = ctorch::scalar_type_of(dtype);
    check_inside(tensor->value, type, offset, sizes, strides, dimensions);
    c10::NoGradGuard no_grad;
    at::Tensor fresh = at::empty({0}, tensor->value.options().dtype(type));
    fresh.set_(tensor->value.storage(), offset, int_array(sizes, dimensions),
               int_array(strides, dimensions));
    return fresh;
  });
  if (counts != 0 && result.tensor != nullptr) {
    result.bytes = static_cast<int64_t>(tensor->value.storage().nbytes());
  }
  return result;
}
