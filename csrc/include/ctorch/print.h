// What printing a tensor needs: the few elements that are shown, and what stands beside them.
#ifndef CTORCH_PRINT_H_
#define CTORCH_PRINT_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// The elements that are shown, as a contiguous tensor on the CPU: of each dimension that is longer
// than twice edge_items, that many at both ends; edge_items < 0 shows all. Whole numbers and bool
// come as int64, real numbers as float64, complex ones as complex128. Nothing else is copied.
CTORCH_API ctorch_tensor_result ctorch_tensor_preview(const ctorch_tensor* tensor,
                                                      int64_t edge_items);

// What is printed beside the elements. Freed with ctorch_print_info_free.
typedef struct ctorch_print_info {
  char* device;          // as "cuda:0"
  char* layout;          // as "Strided"
  char* grad_function;   // the node of the graph that made the tensor, "AddBackward0"; or NULL
  int32_t has_elements;  // not so for a tensor on the device "meta", or one that is not strided
  int32_t requires_grad;
  ctorch_error* error;
} ctorch_print_info;
CTORCH_API ctorch_print_info ctorch_tensor_print_info(const ctorch_tensor* tensor);
CTORCH_API void ctorch_print_info_free(ctorch_print_info info);

CTORCH_EXTERN_C_END

#endif  // CTORCH_PRINT_H_
