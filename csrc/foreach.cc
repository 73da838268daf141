#include "ctorch/foreach.h"

#include "guard.h"

using ctorch::guard;
using ctorch::guard_list;
using ctorch::tensor_vector;

ctorch_tensor_list ctorch_foreach_norm(ctorch_tensor* const* tensors, int64_t count, double order) {
  return guard_list([&] { return at::_foreach_norm(tensor_vector(tensors, count), order); });
}

ctorch_error* ctorch_foreach_mul_in_place(ctorch_tensor* const* tensors, int64_t count,
                                          const ctorch_tensor* factor) {
  return guard([&] { at::_foreach_mul_(tensor_vector(tensors, count), factor->value); });
}

ctorch_error* ctorch_foreach_clamp_in_place(ctorch_tensor* const* tensors, int64_t count,
                                            double min, double max) {
  return guard([&] {
    const auto values = tensor_vector(tensors, count);
    at::_foreach_clamp_min_(values, min);
    at::_foreach_clamp_max_(values, max);
  });
}
