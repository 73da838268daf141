// Python's x[...]: whole numbers, slices, masks and tensors of indices in one expression.
#ifndef CTORCH_INDEXING_H_
#define CTORCH_INDEXING_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

enum {
  CTORCH_INDEX_INTEGER = 0,   // x[start]
  CTORCH_INDEX_SLICE = 1,     // x[start:stop:step]
  CTORCH_INDEX_TENSOR = 2,    // x[tensor]: indices, or a mask of bool
  CTORCH_INDEX_ELLIPSIS = 3,  // x[...], at most once
  CTORCH_INDEX_NEW_AXIS = 4,  // x[None]
  CTORCH_INDEX_BOOL = 5,      // x[True] or x[False]: start is 1 or 0
};

// One of the indices between the brackets.
typedef struct ctorch_index {
  int32_t kind;
  int64_t start;
  int64_t stop;
  int64_t step;
  const ctorch_tensor* tensor;
} ctorch_index;

// x[indices]: a view where there is neither a tensor nor a bool among them.
CTORCH_API ctorch_tensor_result ctorch_tensor_get_item(const ctorch_tensor* tensor,
                                                       const ctorch_index* indices, int64_t count);
// x[indices] = value, a tensor that broadcasts.
CTORCH_API ctorch_error* ctorch_tensor_set_item(ctorch_tensor* tensor, const ctorch_index* indices,
                                                int64_t count, const ctorch_tensor* value);

// x[indices] = value, a number that becomes one of the tensor's dtype.
CTORCH_API ctorch_error* ctorch_tensor_set_item_number(ctorch_tensor* tensor,
                                                       const ctorch_index* indices, int64_t count,
                                                       ctorch_number value);

CTORCH_EXTERN_C_END

#endif  // CTORCH_INDEXING_H_
