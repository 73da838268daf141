// Optimisers of torch::optim. One optimiser is used by one thread at a time.
#ifndef CTORCH_OPTIM_H_
#define CTORCH_OPTIM_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

enum {
  CTORCH_SGD = 0,
  CTORCH_ADAM = 1,
  CTORCH_ADAMW = 2,
  CTORCH_RMSPROP = 3,
  CTORCH_ADAGRAD = 4,
};

// The settings of a group of parameters, each heeded by the algorithms that have it.
typedef struct ctorch_optimizer_options {
  double learning_rate;
  double weight_decay;
  double momentum;                   // SGD, RMSprop
  double dampening;                  // SGD
  double beta1;                      // Adam, AdamW
  double beta2;                      // Adam, AdamW
  double epsilon;                    // all but SGD
  double alpha;                      // RMSprop
  double learning_rate_decay;        // Adagrad
  double initial_accumulator_value;  // Adagrad
  int32_t nesterov;                  // SGD
  int32_t amsgrad;                   // Adam, AdamW
  int32_t centered;                  // RMSprop
} ctorch_optimizer_options;

typedef struct ctorch_optimizer_result {
  ctorch_optimizer* optimizer;
  ctorch_error* error;
} ctorch_optimizer_result;

// An optimiser of no parameters yet. algorithm is CTORCH_SGD and so on.
CTORCH_API ctorch_optimizer_result ctorch_optimizer_new(int32_t algorithm);
CTORCH_API void ctorch_optimizer_free(ctorch_optimizer* optimizer);

// A number that is the same for two handles of one tensor, and for no other while both live.
CTORCH_API uint64_t ctorch_parameter_identity(const ctorch_tensor* parameter);

// Adds a group of parameters: leaves, no two of which, nor of those in the optimiser already, may
// be the same. Groups and the parameters in each are counted from 0 on.
CTORCH_API ctorch_error* ctorch_optimizer_add_group(ctorch_optimizer* optimizer,
                                                    ctorch_tensor* const* parameters, int64_t count,
                                                    const ctorch_optimizer_options* options);

// Replaces a group's settings, from the next step on.
CTORCH_API ctorch_error* ctorch_optimizer_set_options(ctorch_optimizer* optimizer, int64_t group,
                                                      const ctorch_optimizer_options* options);

// Changes the parameters by their gradients.
CTORCH_API ctorch_error* ctorch_optimizer_step(ctorch_optimizer* optimizer);

// Removes the parameters' gradients, or fills them with zeros.
CTORCH_API ctorch_error* ctorch_optimizer_zero_grad(ctorch_optimizer* optimizer,
                                                    int32_t set_to_none);

// What the steps so far left for one parameter. present is 0 where that is nothing. step counts
// them (SGD does not count). The tensors, absent where the settings do without them:
//   SGD            momentum_buffer
//   Adam, AdamW    exp_avg, exp_avg_sq, max_exp_avg_sq
//   RMSprop        square_avg, momentum_buffer, grad_avg
//   Adagrad        sum
enum { CTORCH_OPTIMIZER_STATE_TENSORS = 3 };
typedef struct ctorch_optimizer_state {
  int32_t present;
  int64_t step;
  ctorch_tensor_result tensors[CTORCH_OPTIMIZER_STATE_TENSORS];
  ctorch_error* error;
} ctorch_optimizer_state;

// A copy of a parameter's state.
CTORCH_API ctorch_optimizer_state ctorch_optimizer_get_state(ctorch_optimizer* optimizer,
                                                             int64_t group, int64_t index);

// Replaces a parameter's state with copies of tensors, of which there are
// CTORCH_OPTIMIZER_STATE_TENSORS, NULL where absent, in the parameter's dtype and on its device.
// tensors NULL: as before the first step.
CTORCH_API ctorch_error* ctorch_optimizer_set_state(ctorch_optimizer* optimizer, int64_t group,
                                                    int64_t index, int64_t step,
                                                    ctorch_tensor* const* tensors);

CTORCH_EXTERN_C_END

#endif  // CTORCH_OPTIM_H_
