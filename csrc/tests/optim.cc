// The optimisers, through the C ABI alone.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"

namespace {

void ok(ctorch_error* error) {
  CHECK(error == nullptr);
  if (error != nullptr) std::fprintf(stderr, "%s\n", error->message);
  ctorch_error_free(error);
}

void fails(ctorch_error* error, const char* with) {
  CHECK(error != nullptr && error->kind == CTORCH_ERROR_INVALID);
  CHECK(error != nullptr && std::strstr(error->message, with) != nullptr);
  ctorch_error_free(error);
}

// A double tensor.
struct Tensor {
  ctorch_tensor* handle = nullptr;
  explicit Tensor(const std::vector<double>& values) {
    const int64_t shape[] = {static_cast<int64_t>(values.size())};
    const ctorch_tensor_result made =
        ctorch_tensor_from_data(reinterpret_cast<const uint8_t*>(values.data()),
                                static_cast<int64_t>(values.size() * sizeof(double)), shape, 1,
                                CTORCH_FLOAT64, ctorch_device{CTORCH_CPU, -1});
    ok(made.error);
    handle = made.tensor;
  }
  explicit Tensor(ctorch_tensor_result made) : handle(made.tensor) { ok(made.error); }
  ~Tensor() { ctorch_tensor_free(handle); }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  double first() const {
    const ctorch_tensor_result head = ctorch_op_select(handle, 0, 0);
    ok(head.error);
    const ctorch_item item = ctorch_tensor_item(head.tensor);
    ok(item.error);
    ctorch_tensor_free(head.tensor);
    return item.number;
  }
};

ctorch_optimizer_options plain() {
  ctorch_optimizer_options options{};
  options.learning_rate = 0.1;
  options.beta1 = 0.9;
  options.beta2 = 0.999;
  options.epsilon = 1e-8;
  options.alpha = 0.99;
  return options;
}

struct Optimizer {
  ctorch_optimizer* handle;
  explicit Optimizer(int32_t algorithm) {
    const ctorch_optimizer_result made = ctorch_optimizer_new(algorithm);
    ok(made.error);
    handle = made.optimizer;
  }
  ~Optimizer() { ctorch_optimizer_free(handle); }
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  ctorch_error* add(ctorch_tensor* parameter, const ctorch_optimizer_options& options) {
    return ctorch_optimizer_add_group(handle, &parameter, 1, &options);
  }
  // A step on the parameter's square.
  void step(ctorch_tensor* parameter) {
    ok(ctorch_optimizer_zero_grad(handle, 1));
    const ctorch_tensor_result square = ctorch_op_mul(parameter, parameter);
    ok(square.error);
    ctorch_tensor* squares[] = {square.tensor};
    ok(ctorch_backward(squares, 1, nullptr, 0, 0));
    ctorch_tensor_free(square.tensor);
    ok(ctorch_optimizer_step(handle));
  }
};

ctorch_tensor* trained(const Tensor& tensor) {
  ok(ctorch_tensor_set_requires_grad(tensor.handle, 1));
  return tensor.handle;
}

const int32_t algorithms[] = {CTORCH_SGD, CTORCH_ADAM, CTORCH_ADAMW, CTORCH_RMSPROP,
                              CTORCH_ADAGRAD};

// An optimiser that was given another's state goes on as that one does.
void test_state_is_carried_over() {
  for (const int32_t algorithm : algorithms) {
    ctorch_optimizer_options options = plain();
    options.momentum = 0.5;
    options.amsgrad = 1;
    options.centered = 1;
    const Tensor x({5});
    Optimizer first(algorithm);
    ok(first.add(trained(x), options));
    for (int step = 0; step < 3; ++step) first.step(x.handle);

    const Tensor y({x.first()});
    Optimizer second(algorithm);
    ok(second.add(trained(y), options));
    const ctorch_optimizer_state state = ctorch_optimizer_get_state(first.handle, 0, 0);
    ok(state.error);
    CHECK(state.present == 1);
    CHECK(state.step == (algorithm == CTORCH_SGD ? 0 : 3));
    ctorch_tensor* tensors[CTORCH_OPTIMIZER_STATE_TENSORS];
    for (int i = 0; i < CTORCH_OPTIMIZER_STATE_TENSORS; ++i) tensors[i] = state.tensors[i].tensor;
    CHECK(tensors[0] != nullptr);
    ok(ctorch_optimizer_set_state(second.handle, 0, 0, state.step, tensors));
    for (ctorch_tensor* tensor : tensors) ctorch_tensor_free(tensor);
    first.step(x.handle);
    second.step(y.handle);
    CHECK(x.first() == y.first());

    // Without its state it begins anew, and goes elsewhere.
    ok(ctorch_optimizer_set_state(second.handle, 0, 0, 0, nullptr));
    const ctorch_optimizer_state none = ctorch_optimizer_get_state(second.handle, 0, 0);
    ok(none.error);
    CHECK(none.present == (algorithm == CTORCH_ADAGRAD ? 1 : 0));
    for (const auto& tensor : none.tensors) ctorch_tensor_free(tensor.tensor);
    first.step(x.handle);
    second.step(y.handle);
    CHECK(x.first() != y.first());
  }
}

// A group that asks for what libtorch takes for "not given" gets it.
void test_each_group_has_its_own_settings() {
  const Tensor x({5});
  const Tensor y({5});
  Optimizer adam(CTORCH_ADAM);
  ok(adam.add(trained(x), plain()));
  ctorch_optimizer_options slow = plain();
  slow.learning_rate = 0.001;
  ok(adam.add(trained(y), slow));
  adam.step(x.handle);
  CHECK(std::fabs(x.first() - 4.9) < 1e-6);
  adam.step(y.handle);
  CHECK(std::fabs(y.first() - 4.999) < 1e-6);
  slow.learning_rate = 0;
  ok(ctorch_optimizer_set_options(adam.handle, 1, &slow));
  adam.step(y.handle);
  CHECK(std::fabs(y.first() - 4.999) < 1e-6);
}

void test_gradients_are_removed_or_zeroed() {
  const Tensor x({5});
  Optimizer sgd(CTORCH_SGD);
  ok(sgd.add(trained(x), plain()));
  sgd.step(x.handle);
  ok(ctorch_optimizer_zero_grad(sgd.handle, 0));
  {
    const Tensor gradient(ctorch_tensor_grad(x.handle));
    CHECK(gradient.handle != nullptr && gradient.first() == 0);
  }
  ok(ctorch_optimizer_zero_grad(sgd.handle, 1));
  CHECK(ctorch_tensor_grad(x.handle).tensor == nullptr);
}

void test_misuse_is_an_error() {
  fails(ctorch_optimizer_new(99).error, "no optimizer of number 99");
  const Tensor x({5});
  for (const int32_t algorithm : algorithms) {
    Optimizer optimizer(algorithm);
    const ctorch_optimizer_options options = plain();
    ok(optimizer.add(trained(x), options));
    const Tensor result(ctorch_op_mul(x.handle, x.handle));
    fails(optimizer.add(result.handle, options), "leaf");
    fails(ctorch_optimizer_set_options(optimizer.handle, 1, &options), "no group 1");
    fails(ctorch_optimizer_get_state(optimizer.handle, 0, 1).error, "no parameter 1");
    fails(ctorch_optimizer_set_state(optimizer.handle, -1, 0, 0, nullptr), "no group -1");
  }
  // What a step needs and the state does not have.
  Optimizer adam(CTORCH_ADAM);
  ok(adam.add(x.handle, plain()));
  adam.step(x.handle);
  ctorch_tensor* nothing[CTORCH_OPTIMIZER_STATE_TENSORS] = {};
  ok(ctorch_optimizer_set_state(adam.handle, 0, 0, 1, nothing));
  ctorch_error* error = ctorch_optimizer_step(adam.handle);
  CHECK(error != nullptr);
  ctorch_error_free(error);
  ctorch_optimizer_free(nullptr);
}

void test_identity_is_of_the_tensor() {
  const Tensor x({5});
  const Tensor y({5});
  const Tensor alias(ctorch_tensor_alias(x.handle));
  CHECK(ctorch_parameter_identity(x.handle) == ctorch_parameter_identity(alias.handle));
  CHECK(ctorch_parameter_identity(x.handle) != ctorch_parameter_identity(y.handle));
}

}  // namespace

int main() {
  test_state_is_carried_over();
  test_each_group_has_its_own_settings();
  test_gradients_are_removed_or_zeroed();
  test_misuse_is_an_error();
  test_identity_is_of_the_tensor();
  std::printf("%d failed\n", failures().load());
  return failures() == 0 ? 0 : 1;
}
