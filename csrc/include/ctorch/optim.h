// Optimisers of torch::optim.
#ifndef CTORCH_OPTIM_H_
#define CTORCH_OPTIM_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

typedef struct ctorch_optimizer_result {
  ctorch_optimizer* optimizer;
  ctorch_error* error;
} ctorch_optimizer_result;

CTORCH_API ctorch_optimizer_result ctorch_sgd_new(ctorch_tensor* const* parameters, int64_t count,
                                                  double learning_rate, double momentum,
                                                  double dampening, double weight_decay,
                                                  int32_t nesterov);
CTORCH_API ctorch_optimizer_result ctorch_adam_new(ctorch_tensor* const* parameters, int64_t count,
                                                   double learning_rate, double beta1, double beta2,
                                                   double epsilon, double weight_decay,
                                                   int32_t amsgrad);
CTORCH_API ctorch_optimizer_result ctorch_adamw_new(ctorch_tensor* const* parameters, int64_t count,
                                                    double learning_rate, double beta1,
                                                    double beta2, double epsilon,
                                                    double weight_decay, int32_t amsgrad);
CTORCH_API void ctorch_optimizer_free(ctorch_optimizer* optimizer);

// Changes the parameters by their gradients.
CTORCH_API ctorch_error* ctorch_optimizer_step(ctorch_optimizer* optimizer);
// Removes the parameters' gradients.
CTORCH_API ctorch_error* ctorch_optimizer_zero_grad(ctorch_optimizer* optimizer);
CTORCH_API ctorch_error* ctorch_optimizer_set_learning_rate(ctorch_optimizer* optimizer,
                                                            double learning_rate);

CTORCH_EXTERN_C_END

#endif  // CTORCH_OPTIM_H_
