#include "ctorch/tensor.h"

#include <c10/core/GradMode.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "guard.h"

namespace ctorch {
namespace {

// The bytes that a new tensor adds to the process: none where it shares its storage with another
// tensor. An output that autograd saved shares it with the graph alone.
int64_t added_bytes(const at::Tensor& tensor) {
  if (!tensor.has_storage()) return 0;
  const auto& storage = tensor.storage();
  const bool shared = storage.use_count() > 1 && (!tensor.grad_fn() || tensor.is_view());
  return shared ? 0 : static_cast<int64_t>(storage.nbytes());
}

ctorch_tensor* handle_for(at::Tensor tensor) { return new ctorch_tensor{std::move(tensor)}; }

}  // namespace

ctorch_tensor_result hand_over(at::Tensor tensor) {
  // An operator that hands back its own argument adds nothing.
  const bool new_tensor = tensor.use_count() == 1;
  ctorch_tensor_result result = hand_over_copy(std::move(tensor));
  if (!new_tensor) result.bytes = 0;
  return result;
}

ctorch_tensor_result hand_over_copy(at::Tensor tensor) {
  ctorch_tensor_result result{};
  result.scope = current_scope();
  if (!tensor.defined()) return result;
  result.bytes = added_bytes(tensor);
  result.memory = tensor.is_cuda() ? CTORCH_CUDA : CTORCH_CPU;
  result.tensor = handle_for(std::move(tensor));
  return result;
}

ctorch_tensor_list hand_over_list(std::vector<at::Tensor> tensors,
                                  ctorch_tensor_result (*give)(at::Tensor)) {
  ctorch_tensor_list result{};
  result.items = new ctorch_tensor_result[tensors.size()]();
  result.count = static_cast<int64_t>(tensors.size());
  try {
    for (size_t i = 0; i < tensors.size(); ++i) {
      result.items[i] = give(std::move(tensors[i]));
    }
  } catch (...) {
    for (int64_t i = 0; i < result.count; ++i) delete result.items[i].tensor;
    delete[] result.items;
    throw;
  }
  return result;
}

std::vector<at::Tensor> tensor_vector(ctorch_tensor* const* tensors, int64_t count) {
  std::vector<at::Tensor> values;
  values.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values.push_back(optional_tensor(tensors[i]));
  return values;
}

}  // namespace ctorch

using ctorch::generator_of;
using ctorch::guard;
using ctorch::guard_tensor;
using ctorch::int_array;
using ctorch::options_of;
using ctorch::scalar_of;

void ctorch_tensor_list_free(ctorch_tensor_result* items) { delete[] items; }

void ctorch_tensor_free(ctorch_tensor* tensor) {
  // Freeing a graph's last tensor runs destructors that can throw; there is nobody to tell.
  try {
    delete tensor;
  } catch (...) {
  }
}

void ctorch_tensors_free(ctorch_tensor* const* tensors, int64_t count) {
  for (int64_t i = 0; i < count; ++i) ctorch_tensor_free(tensors[i]);
}

uint64_t ctorch_tensor_identity(const ctorch_tensor* tensor) {
  return reinterpret_cast<uintptr_t>(tensor->value.unsafeGetTensorImpl());
}

int32_t ctorch_dtype_count(void) { return static_cast<int32_t>(at::ScalarType::Undefined); }

ctorch_tensor_result ctorch_tensor_from_data(const uint8_t* data, int64_t bytes,
                                             const int64_t* shape, int64_t dimensions,
                                             int32_t dtype, ctorch_device device) {
  return guard_tensor([&] {
    const auto options = at::TensorOptions().dtype(ctorch::scalar_type_of(dtype));
    at::Tensor tensor = at::empty(int_array(shape, dimensions), options);
    if (static_cast<int64_t>(tensor.nbytes()) != bytes) {
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          "the shape needs " +
                              ctorch::counted(static_cast<int64_t>(tensor.nbytes()), "byte") +
                              ", the data has " + std::to_string(bytes)};
    }
    if (bytes > 0) std::memcpy(tensor.data_ptr(), data, static_cast<size_t>(bytes));
    return device.type == CTORCH_CPU ? tensor : tensor.to(ctorch::device_of(device));
  });
}

namespace {

// Throws where data of that dtype and size is not what a tensor holds.
void need_fit(const at::Tensor& tensor, int64_t bytes, int32_t dtype) {
  if (static_cast<int32_t>(tensor.scalar_type()) != dtype) {
    throw ctorch::Error{CTORCH_ERROR_INVALID, std::string("the tensor's elements are ") +
                                                  at::toString(tensor.scalar_type()) + ", not " +
                                                  at::toString(static_cast<at::ScalarType>(dtype))};
  }
  const int64_t wanted = tensor.numel() * static_cast<int64_t>(tensor.element_size());
  if (wanted != bytes) {
    throw ctorch::Error{CTORCH_ERROR_INVALID, "the tensor has " + ctorch::counted(wanted, "byte") +
                                                  ", there is room for " + std::to_string(bytes)};
  }
}

}  // namespace

ctorch_error* ctorch_tensor_set_data(ctorch_tensor* tensor, const uint8_t* data, int64_t bytes,
                                     int32_t dtype) {
  return guard([&] {
    const at::Tensor& target = tensor->value;
    need_fit(target, bytes, dtype);
    if (bytes == 0) return;
    // libtorch's copy also refuses what must not be written to, and tells autograd of it.
    const at::Tensor source = at::from_blob(const_cast<uint8_t*>(data), target.sizes(),
                                            target.options().device(at::kCPU).pinned_memory(false));
    tensor->value.copy_(source);
  });
}

ctorch_error* ctorch_tensor_to_data(const ctorch_tensor* tensor, uint8_t* data, int64_t bytes,
                                    int32_t dtype) {
  return guard([&] {
    const at::Tensor& source = tensor->value;
    need_fit(source, bytes, dtype);
    if (bytes == 0) return;
    c10::NoGradGuard no_grad;
    // A conjugate or negative may be a mark on the tensor instead of its elements.
    const at::Tensor plain = source.detach().resolve_conj().resolve_neg();
    const at::Tensor host = plain.to(at::kCPU).contiguous();
    std::memcpy(data, host.data_ptr(), static_cast<size_t>(bytes));
  });
}

ctorch_tensor_result ctorch_empty(const int64_t* shape, int64_t dimensions,
                                  ctorch_options options) {
  return guard_tensor([&] { return at::empty(int_array(shape, dimensions), options_of(options)); });
}

ctorch_tensor_result ctorch_full(const int64_t* shape, int64_t dimensions, ctorch_number value,
                                 ctorch_options options) {
  return guard_tensor([&] {
    return at::full(int_array(shape, dimensions), scalar_of(value), options_of(options));
  });
}

ctorch_tensor_result ctorch_arange(ctorch_number start, ctorch_number end, ctorch_number step,
                                   ctorch_options options) {
  return guard_tensor([&] {
    return at::arange(scalar_of(start), scalar_of(end), scalar_of(step), options_of(options));
  });
}

ctorch_tensor_result ctorch_linspace(ctorch_number start, ctorch_number end, int64_t count,
                                     ctorch_options options) {
  return guard_tensor(
      [&] { return at::linspace(scalar_of(start), scalar_of(end), count, options_of(options)); });
}

ctorch_tensor_result ctorch_eye(int64_t n, int64_t m, ctorch_options options) {
  return guard_tensor([&] { return at::eye(n, m, options_of(options)); });
}

ctorch_tensor_result ctorch_rand(const int64_t* shape, int64_t dimensions, ctorch_options options) {
  return guard_tensor([&] {
    return at::rand(int_array(shape, dimensions), generator_of(options.generator),
                    options_of(options));
  });
}

ctorch_tensor_result ctorch_randn(const int64_t* shape, int64_t dimensions,
                                  ctorch_options options) {
  return guard_tensor([&] {
    return at::randn(int_array(shape, dimensions), generator_of(options.generator),
                     options_of(options));
  });
}

ctorch_tensor_result ctorch_randint(int64_t low, int64_t high, const int64_t* shape,
                                    int64_t dimensions, ctorch_options options) {
  return guard_tensor([&] {
    return at::randint(low, high, int_array(shape, dimensions), generator_of(options.generator),
                       options_of(options));
  });
}

ctorch_tensor_result ctorch_randperm(int64_t n, ctorch_options options) {
  return guard_tensor(
      [&] { return at::randperm(n, generator_of(options.generator), options_of(options)); });
}

ctorch_tensor_result ctorch_tensor_to(const ctorch_tensor* tensor, int32_t dtype,
                                      const ctorch_device* device, int32_t non_blocking) {
  return guard_tensor([&] {
    const at::Tensor& value = tensor->value;
    const auto type = dtype < 0 ? value.scalar_type() : ctorch::scalar_type_of(dtype);
    const auto place = device == nullptr ? value.device() : ctorch::device_of(*device);
    return value.to(place, type, non_blocking != 0);
  });
}

ctorch_error* ctorch_tensor_copy(ctorch_tensor* tensor, const ctorch_tensor* source,
                                 int32_t non_blocking) {
  return guard([&] { tensor->value.copy_(source->value, non_blocking != 0); });
}

ctorch_tensor_info ctorch_tensor_describe(const ctorch_tensor* tensor) {
  ctorch_tensor_info info{};
  info.error = guard([&] {
    const at::Tensor& value = tensor->value;
    info.dtype = static_cast<int32_t>(value.scalar_type());
    info.device.type = static_cast<int32_t>(value.device().type());
    info.device.index = value.device().index();
    info.dimensions = value.dim();
    info.elements = value.numel();
    info.element_size = static_cast<int64_t>(value.element_size());
    info.requires_grad = value.requires_grad();
    info.is_leaf = value.is_leaf();
    info.is_contiguous = value.is_contiguous();
  });
  return info;
}

ctorch_error* ctorch_tensor_shape(const ctorch_tensor* tensor, int64_t* sizes, int64_t* strides,
                                  int64_t dimensions) {
  return guard([&] {
    const at::Tensor& value = tensor->value;
    if (value.dim() != dimensions) {
      throw ctorch::Error{CTORCH_ERROR_INVALID, "the tensor has " +
                                                    ctorch::counted(value.dim(), "dimension") +
                                                    ", not " + std::to_string(dimensions)};
    }
    for (int64_t i = 0; i < dimensions; ++i) {
      sizes[i] = value.size(i);
      if (strides != nullptr) strides[i] = value.stride(i);
    }
  });
}

ctorch_item ctorch_tensor_item(const ctorch_tensor* tensor) {
  ctorch_item item{};
  item.error = guard([&] {
    const at::Scalar scalar = tensor->value.item();
    item.is_integer = scalar.isIntegral(/*includeBool=*/true);
    if (item.is_integer) item.integer = scalar.toLong();
    if (scalar.isComplex()) {
      const auto number = scalar.toComplexDouble();
      item.number = number.real();
      item.imaginary = number.imag();
    } else {
      item.number = scalar.toDouble();
    }
  });
  return item;
}

ctorch_tensor_result ctorch_tensor_alias(const ctorch_tensor* tensor) {
  return guard_tensor([&] { return tensor->value; });
}

namespace {

c10::List<std::optional<at::Tensor>> index_list(ctorch_tensor* const* indices, int64_t count) {
  c10::List<std::optional<at::Tensor>> list;
  list.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] == nullptr) {
      list.push_back(std::nullopt);
    } else {
      list.push_back(indices[i]->value);
    }
  }
  return list;
}

}  // namespace

ctorch_tensor_result ctorch_tensor_index(const ctorch_tensor* tensor, ctorch_tensor* const* indices,
                                         int64_t count) {
  return guard_tensor([&] { return at::index(tensor->value, index_list(indices, count)); });
}

ctorch_error* ctorch_tensor_index_put(ctorch_tensor* tensor, ctorch_tensor* const* indices,
                                      int64_t count, const ctorch_tensor* values,
                                      int32_t accumulate) {
  return guard([&] {
    at::index_put_(tensor->value, index_list(indices, count), values->value, accumulate != 0);
  });
}
