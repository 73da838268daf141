#include "ctorch/optim.h"

#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>

#include <memory>
#include <utility>

#include "guard.h"

struct ctorch_optimizer {
  std::unique_ptr<torch::optim::Optimizer> value;
};

namespace {

using ctorch::guard;

template <class Optimizer, class Options>
ctorch_optimizer_result make(ctorch_tensor* const* parameters, int64_t count, Options&& options) {
  ctorch_optimizer_result result{};
  result.error = guard([&] {
    result.optimizer = new ctorch_optimizer{
        std::make_unique<Optimizer>(ctorch::tensor_vector(parameters, count), options())};
  });
  return result;
}

}  // namespace

ctorch_optimizer_result ctorch_sgd_new(ctorch_tensor* const* parameters, int64_t count,
                                       double learning_rate, double momentum, double dampening,
                                       double weight_decay, int32_t nesterov) {
  return make<torch::optim::SGD>(parameters, count, [&] {
    return torch::optim::SGDOptions(learning_rate)
        .momentum(momentum)
        .dampening(dampening)
        .weight_decay(weight_decay)
        .nesterov(nesterov != 0);
  });
}

ctorch_optimizer_result ctorch_adam_new(ctorch_tensor* const* parameters, int64_t count,
                                        double learning_rate, double beta1, double beta2,
                                        double epsilon, double weight_decay, int32_t amsgrad) {
  return make<torch::optim::Adam>(parameters, count, [&] {
    return torch::optim::AdamOptions(learning_rate)
        .betas({beta1, beta2})
        .eps(epsilon)
        .weight_decay(weight_decay)
        .amsgrad(amsgrad != 0);
  });
}

ctorch_optimizer_result ctorch_adamw_new(ctorch_tensor* const* parameters, int64_t count,
                                         double learning_rate, double beta1, double beta2,
                                         double epsilon, double weight_decay, int32_t amsgrad) {
  return make<torch::optim::AdamW>(parameters, count, [&] {
    return torch::optim::AdamWOptions(learning_rate)
        .betas({beta1, beta2})
        .eps(epsilon)
        .weight_decay(weight_decay)
        .amsgrad(amsgrad != 0);
  });
}

void ctorch_optimizer_free(ctorch_optimizer* optimizer) {
  ctorch_error_free(guard([&] { delete optimizer; }));
}

ctorch_error* ctorch_optimizer_step(ctorch_optimizer* optimizer) {
  return guard([&] { optimizer->value->step(); });
}

ctorch_error* ctorch_optimizer_zero_grad(ctorch_optimizer* optimizer) {
  return guard([&] { optimizer->value->zero_grad(); });
}

ctorch_error* ctorch_optimizer_set_learning_rate(ctorch_optimizer* optimizer,
                                                 double learning_rate) {
  return guard([&] {
    for (auto& group : optimizer->value->param_groups()) group.options().set_lr(learning_rate);
  });
}
