// Gradients, and the modes of the calling thread.
#ifndef CTORCH_AUTOGRAD_H_
#define CTORCH_AUTOGRAD_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

CTORCH_API ctorch_error* ctorch_tensor_set_requires_grad(ctorch_tensor* tensor,
                                                         int32_t requires_grad);

// The gradient gathered in a leaf; tensor and error are both NULL where there is none.
CTORCH_API ctorch_tensor_result ctorch_tensor_grad(const ctorch_tensor* tensor);

// The gradients of several tensors, in order, absent where there is none.
CTORCH_API ctorch_tensor_list ctorch_tensors_grads(ctorch_tensor* const* tensors, int64_t count);

// Sets the gradient; NULL removes it.
CTORCH_API ctorch_error* ctorch_tensor_set_grad(ctorch_tensor* tensor, const ctorch_tensor* grad);

// Gathers a gradient in a tensor that is no leaf too.
CTORCH_API ctorch_error* ctorch_tensor_retain_grad(ctorch_tensor* tensor);
CTORCH_API int32_t ctorch_tensor_retains_grad(const ctorch_tensor* tensor);

// Takes a tensor out of the graph, in place. Fails for views.
CTORCH_API ctorch_error* ctorch_tensor_detach_in_place(ctorch_tensor* tensor);

// Whether backward passes look for NaN in what each node returns, of the whole process.
CTORCH_API int32_t ctorch_anomaly_mode(void);
CTORCH_API void ctorch_set_anomaly_mode(int32_t enabled);

// Adds to the leaves' gradients those of the given tensors, each with the gradient that reaches
// it (NULL, or NULL in its place: ones, for a single element).
CTORCH_API ctorch_error* ctorch_backward(ctorch_tensor* const* tensors, int64_t count,
                                         ctorch_tensor* const* gradients, int32_t retain_graph,
                                         int32_t create_graph);

// The gradients of outputs in inputs, without touching any leaf's gradient. With allow_unused, an
// input that the outputs do not depend on has an absent result.
CTORCH_API ctorch_tensor_list ctorch_grad(ctorch_tensor* const* outputs, int64_t output_count,
                                          ctorch_tensor* const* inputs, int64_t input_count,
                                          ctorch_tensor* const* gradients, int32_t retain_graph,
                                          int32_t create_graph, int32_t allow_unused);

// Whether operations on this thread are recorded; setting it hands back what it was.
CTORCH_API int32_t ctorch_grad_mode(void);
CTORCH_API int32_t ctorch_set_grad_mode(int32_t enabled);

// Enters inference mode on this thread. The guard is freed on the same thread, in reverse order.
typedef struct ctorch_inference_guard ctorch_inference_guard;
CTORCH_API ctorch_inference_guard* ctorch_inference_enter(int32_t enabled);
CTORCH_API void ctorch_inference_leave(ctorch_inference_guard* guard);

CTORCH_EXTERN_C_END

#endif  // CTORCH_AUTOGRAD_H_
