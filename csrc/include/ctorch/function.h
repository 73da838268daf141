// Operations with a derivative that the caller defines, and hooks on gradients.
#ifndef CTORCH_FUNCTION_H_
#define CTORCH_FUNCTION_H_

#include "base.h"
#include "callback.h"

CTORCH_EXTERN_C_BEGIN

// How many tensors of each sort ctorch_function_apply is given, in this order.
typedef struct ctorch_function_counts {
  int64_t inputs;              // NULL ones among them are absent
  int64_t outputs;             // what the forward made of them; NULL ones are absent
  int64_t saved;               // for ctorch_call_saved; NULL ones are absent
  int64_t non_differentiable;  // of the outputs
  int64_t dirty;               // inputs that the forward changed in place, which are outputs too
} ctorch_function_counts;

// Records that the outputs were computed from the inputs, so that the backward pass asks callback
// for the inputs' gradients, and returns the outputs with their history. number 0 records nothing.
// materialize says that undefined gradients are handed to the callback as zeros.
//
// name is what errors call the function. number belongs to libtorch from here on, failure
// included: it turns up in ctorch_take_forgotten.
CTORCH_API ctorch_tensor_list ctorch_function_apply(const char* name, ctorch_callback callback,
                                                    uint64_t number, ctorch_tensor* const* tensors,
                                                    ctorch_function_counts counts,
                                                    int32_t materialize);

// A hook on a tensor's gradient. Freeing the handle leaves the hook where it is.
typedef struct ctorch_hook ctorch_hook;
typedef struct ctorch_hook_result {
  ctorch_hook* hook;
  ctorch_error* error;
} ctorch_hook_result;

// Has callback called with each gradient of the tensor before it goes on; number as above.
CTORCH_API ctorch_hook_result ctorch_tensor_register_hook(ctorch_tensor* tensor,
                                                          ctorch_callback callback,
                                                          uint64_t number);

// Ends the calls. Removing it again does nothing.
CTORCH_API ctorch_error* ctorch_hook_remove(ctorch_hook* hook);

CTORCH_API void ctorch_hook_free(ctorch_hook* hook);

CTORCH_EXTERN_C_END

#endif  // CTORCH_FUNCTION_H_
