// One call for a list of tensors: on CUDA, a kernel or two for all of them.
#ifndef CTORCH_FOREACH_H_
#define CTORCH_FOREACH_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// The norm of order order (infinity: the largest absolute value) of each tensor.
CTORCH_API ctorch_tensor_list ctorch_foreach_norm(ctorch_tensor* const* tensors, int64_t count,
                                                  double order);

// Multiplies each tensor, in place, by the tensor factor of one element.
CTORCH_API ctorch_error* ctorch_foreach_mul_in_place(ctorch_tensor* const* tensors, int64_t count,
                                                     const ctorch_tensor* factor);

// Holds each tensor's elements, in place, in [min, max].
CTORCH_API ctorch_error* ctorch_foreach_clamp_in_place(ctorch_tensor* const* tensors, int64_t count,
                                                       double min, double max);

CTORCH_EXTERN_C_END

#endif  // CTORCH_FOREACH_H_
