#include "ctorch/indexing.h"

#include <ATen/TensorIndexing.h>

#include <utility>
#include <vector>

#include "guard.h"

using at::indexing::TensorIndex;
using ctorch::guard;
using ctorch::guard_tensor;
using ctorch::scalar_of;

namespace {

TensorIndex one_index(const ctorch_index& index) {
  switch (index.kind) {
    case CTORCH_INDEX_INTEGER:
      return TensorIndex(index.start);
    case CTORCH_INDEX_SLICE:
      return TensorIndex(at::indexing::Slice(index.start, index.stop, index.step));
    case CTORCH_INDEX_TENSOR:
      return TensorIndex(index.tensor->value);
    case CTORCH_INDEX_ELLIPSIS:
      return TensorIndex(at::indexing::Ellipsis);
    case CTORCH_INDEX_NEW_AXIS:
      return TensorIndex(at::indexing::None);
    case CTORCH_INDEX_BOOL:
      return TensorIndex(index.start != 0);
    default:
      throw ctorch::Error{CTORCH_ERROR_INVALID, "an index of an unknown kind"};
  }
}

std::vector<TensorIndex> index_vector(const ctorch_index* indices, int64_t count) {
  std::vector<TensorIndex> all;
  all.reserve(static_cast<size_t>(count));
  bool ellipsis = false;
  for (int64_t i = 0; i < count; ++i) {
    // libtorch would read beyond the dimensions.
    if (indices[i].kind == CTORCH_INDEX_ELLIPSIS && std::exchange(ellipsis, true)) {
      throw ctorch::Error{CTORCH_ERROR_INVALID, "there is more than one ellipsis"};
    }
    all.push_back(one_index(indices[i]));
  }
  return all;
}

}  // namespace

ctorch_tensor_result ctorch_tensor_get_item(const ctorch_tensor* tensor,
                                            const ctorch_index* indices, int64_t count) {
  return guard_tensor(
      [&] { return at::indexing::get_item(tensor->value, index_vector(indices, count)); });
}

ctorch_error* ctorch_tensor_set_item(ctorch_tensor* tensor, const ctorch_index* indices,
                                     int64_t count, const ctorch_tensor* value) {
  return guard(
      [&] { at::indexing::set_item(tensor->value, index_vector(indices, count), value->value); });
}

ctorch_error* ctorch_tensor_set_item_number(ctorch_tensor* tensor, const ctorch_index* indices,
                                            int64_t count, ctorch_number value) {
  return guard([&] {
    const at::Tensor number = at::indexing::scalarToTensor(
        scalar_of(value), tensor->value.options(), tensor->value.device());
    at::indexing::set_item(tensor->value, index_vector(indices, count), number);
  });
}
