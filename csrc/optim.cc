#include "ctorch/optim.h"

#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "guard.h"

struct ctorch_optimizer {
  int32_t algorithm;
  std::unique_ptr<torch::optim::Optimizer> value;
};

namespace {

using ctorch::guard;
using Settings = ctorch_optimizer_options;
using Slots = std::array<at::Tensor, CTORCH_OPTIMIZER_STATE_TENSORS>;

[[noreturn]] void refuse(std::string message) {
  throw ctorch::Error{CTORCH_ERROR_INVALID, std::move(message)};
}

// For each algorithm: its classes, its settings, and a parameter's state, out of its class (take)
// and into it (give).
struct SGD {
  using Class = torch::optim::SGD;
  using State = torch::optim::SGDParamState;
  static torch::optim::SGDOptions options(const Settings& from) {
    return torch::optim::SGDOptions(from.learning_rate)
        .momentum(from.momentum)
        .dampening(from.dampening)
        .weight_decay(from.weight_decay)
        .nesterov(from.nesterov != 0);
  }
  static int64_t take(const State& state, Slots& slots) {
    slots[0] = state.momentum_buffer();
    return 0;
  }
  static void give(State& state, int64_t, const Slots& slots) { state.momentum_buffer(slots[0]); }
};

template <class ClassType, class OptionsType, class StateType>
struct AdamLike {
  using Class = ClassType;
  using State = StateType;
  static OptionsType options(const Settings& from) {
    return OptionsType(from.learning_rate)
        .betas({from.beta1, from.beta2})
        .eps(from.epsilon)
        .weight_decay(from.weight_decay)
        .amsgrad(from.amsgrad != 0);
  }
  static int64_t take(const State& state, Slots& slots) {
    slots = {state.exp_avg(), state.exp_avg_sq(), state.max_exp_avg_sq()};
    return state.step();
  }
  static void give(State& state, int64_t step, const Slots& slots) {
    state.step(step);
    state.exp_avg(slots[0]);
    state.exp_avg_sq(slots[1]);
    state.max_exp_avg_sq(slots[2]);
  }
};
using Adam = AdamLike<torch::optim::Adam, torch::optim::AdamOptions, torch::optim::AdamParamState>;
using AdamW =
    AdamLike<torch::optim::AdamW, torch::optim::AdamWOptions, torch::optim::AdamWParamState>;

struct RMSprop {
  using Class = torch::optim::RMSprop;
  using State = torch::optim::RMSpropParamState;
  static torch::optim::RMSpropOptions options(const Settings& from) {
    return torch::optim::RMSpropOptions(from.learning_rate)
        .alpha(from.alpha)
        .eps(from.epsilon)
        .weight_decay(from.weight_decay)
        .momentum(from.momentum)
        .centered(from.centered != 0);
  }
  static int64_t take(const State& state, Slots& slots) {
    slots = {state.square_avg(), state.momentum_buffer(), state.grad_avg()};
    return state.step();
  }
  static void give(State& state, int64_t step, const Slots& slots) {
    state.step(step);
    state.square_avg(slots[0]);
    state.momentum_buffer(slots[1]);
    state.grad_avg(slots[2]);
  }
};

struct Adagrad {
  using Class = torch::optim::Adagrad;
  using State = torch::optim::AdagradParamState;
  static torch::optim::AdagradOptions options(const Settings& from) {
    return torch::optim::AdagradOptions(from.learning_rate)
        .lr_decay(from.learning_rate_decay)
        .weight_decay(from.weight_decay)
        .initial_accumulator_value(from.initial_accumulator_value)
        .eps(from.epsilon);
  }
  static int64_t take(const State& state, Slots& slots) {
    slots[0] = state.sum();
    return state.step();
  }
  static void give(State& state, int64_t step, const Slots& slots) {
    state.step(step);
    state.sum(slots[0]);
  }
};

// Calls body with the algorithm of that number.
template <class Body>
void with(int32_t algorithm, Body&& body) {
  switch (algorithm) {
    case CTORCH_SGD:
      return body(SGD{});
    case CTORCH_ADAM:
      return body(Adam{});
    case CTORCH_ADAMW:
      return body(AdamW{});
    case CTORCH_RMSPROP:
      return body(RMSprop{});
    case CTORCH_ADAGRAD:
      return body(Adagrad{});
    default:
      refuse("there is no optimizer of number " + std::to_string(algorithm));
  }
}

torch::optim::OptimizerParamGroup& group_of(ctorch_optimizer* optimizer, int64_t group) {
  auto& groups = optimizer->value->param_groups();
  if (group < 0 || group >= static_cast<int64_t>(groups.size())) {
    refuse("there is no group " + std::to_string(group) + " among " +
           std::to_string(groups.size()));
  }
  return groups[static_cast<size_t>(group)];
}

const at::Tensor& parameter_of(ctorch_optimizer* optimizer, int64_t group, int64_t index) {
  const auto& parameters = group_of(optimizer, group).params();
  if (index < 0 || index >= static_cast<int64_t>(parameters.size())) {
    refuse("there is no parameter " + std::to_string(index) + " in group " + std::to_string(group) +
           " of " + std::to_string(parameters.size()));
  }
  return parameters[static_cast<size_t>(index)];
}

std::unique_ptr<torch::optim::OptimizerOptions> options_for(int32_t algorithm,
                                                            const Settings& settings) {
  std::unique_ptr<torch::optim::OptimizerOptions> made;
  with(algorithm, [&](auto kind) {
    auto options = kind.options(settings);
    made = std::make_unique<decltype(options)>(std::move(options));
  });
  return made;
}

// The state before the first step: none, but for Adagrad, whose class makes it when it is
// constructed and expects it in each step.
void reset(ctorch_optimizer* optimizer, const at::Tensor& parameter,
           const torch::optim::OptimizerOptions& options) {
  auto& states = optimizer->value->state();
  states.erase(parameter.unsafeGetTensorImpl());
  if (optimizer->algorithm != CTORCH_ADAGRAD) return;
  const auto& settings = static_cast<const torch::optim::AdagradOptions&>(options);
  auto state = std::make_unique<torch::optim::AdagradParamState>();
  state->sum(at::full_like(parameter.detach(), settings.initial_accumulator_value()));
  states[parameter.unsafeGetTensorImpl()] = std::move(state);
}

}  // namespace

ctorch_optimizer_result ctorch_optimizer_new(int32_t algorithm) {
  ctorch_optimizer_result result{};
  result.error = guard([&] {
    with(algorithm, [&](auto kind) {
      // Each group brings its own settings, so these are never used; they need to be valid.
      Settings settings{};
      settings.learning_rate = 1;
      result.optimizer = new ctorch_optimizer{
          algorithm, std::make_unique<typename decltype(kind)::Class>(
                         std::vector<torch::optim::OptimizerParamGroup>{}, kind.options(settings))};
    });
  });
  return result;
}

uint64_t ctorch_parameter_identity(const ctorch_tensor* parameter) {
  return reinterpret_cast<uintptr_t>(parameter->value.unsafeGetTensorImpl());
}

void ctorch_optimizer_free(ctorch_optimizer* optimizer) {
  ctorch_error_free(guard([&] { delete optimizer; }));
}

ctorch_error* ctorch_optimizer_add_group(ctorch_optimizer* optimizer,
                                         ctorch_tensor* const* parameters, int64_t count,
                                         const ctorch_optimizer_options* options) {
  return guard([&] {
    auto tensors = ctorch::tensor_vector(parameters, count);
    auto settings = options_for(optimizer->algorithm, *options);
    optimizer->value->add_param_group(torch::optim::OptimizerParamGroup(tensors));
    // Options that come with the group would be mixed with the defaults: newer libtorch takes a
    // value that equals its constructor's for one that was not given.
    auto& group = optimizer->value->param_groups().back();
    group.set_options(std::move(settings));
    for (const auto& tensor : tensors) reset(optimizer, tensor, group.options());
  });
}

ctorch_error* ctorch_optimizer_set_options(ctorch_optimizer* optimizer, int64_t group,
                                           const ctorch_optimizer_options* options) {
  return guard(
      [&] { group_of(optimizer, group).set_options(options_for(optimizer->algorithm, *options)); });
}

ctorch_error* ctorch_optimizer_step(ctorch_optimizer* optimizer) {
  return guard([&] { optimizer->value->step(); });
}

ctorch_error* ctorch_optimizer_zero_grad(ctorch_optimizer* optimizer, int32_t set_to_none) {
  return guard([&] { optimizer->value->zero_grad(set_to_none != 0); });
}

ctorch_optimizer_state ctorch_optimizer_get_state(ctorch_optimizer* optimizer, int64_t group,
                                                  int64_t index) {
  ctorch_optimizer_state result{};
  Slots slots;
  result.error = guard([&] {
    const auto& states = optimizer->value->state();
    const auto found = states.find(parameter_of(optimizer, group, index).unsafeGetTensorImpl());
    if (found == states.end()) return;
    with(optimizer->algorithm, [&](auto kind) {
      using State = typename decltype(kind)::State;
      result.step = kind.take(static_cast<const State&>(*found->second), slots);
    });
    for (auto& slot : slots) {
      if (slot.defined()) slot = slot.detach().clone();
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].defined()) result.tensors[i] = ctorch::hand_over(std::move(slots[i]));
    }
    result.present = 1;
  });
  return result;
}

ctorch_error* ctorch_optimizer_set_state(ctorch_optimizer* optimizer, int64_t group, int64_t index,
                                         int64_t step, ctorch_tensor* const* tensors) {
  return guard([&] {
    const auto& parameter = parameter_of(optimizer, group, index);
    if (tensors == nullptr) {
      reset(optimizer, parameter, group_of(optimizer, group).options());
      return;
    }
    Slots slots;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (tensors[i] == nullptr) continue;
      slots[i] = tensors[i]->value.detach().to(parameter.options().requires_grad(false),
                                               /*non_blocking=*/false, /*copy=*/true);
    }
    with(optimizer->algorithm, [&](auto kind) {
      auto state = std::make_unique<typename decltype(kind)::State>();
      kind.give(*state, step, slots);
      optimizer->value->state()[parameter.unsafeGetTensorImpl()] = std::move(state);
    });
  });
}
