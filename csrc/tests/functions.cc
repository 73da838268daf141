// Custom functions and hooks, with callbacks as Go's: numbers that stand for what is to be called.
#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"
#include "numbers.h"

namespace {

constexpr ctorch_device cpu{CTORCH_CPU, -1};
using Floats = std::vector<float>;

void ok(ctorch_error* error) {
  if (error != nullptr) std::fprintf(stderr, "unexpected: %s\n", error->message);
  CHECK(error == nullptr);
  ctorch_error_free(error);
}

ctorch_tensor* made(ctorch_tensor_result result) {
  ok(result.error);
  return result.tensor;
}

ctorch_tensor* only(ctorch_tensor_list list) {
  ok(list.error);
  CHECK(list.count == 1);
  ctorch_tensor* tensor = list.count == 1 ? list.items[0].tensor : nullptr;
  ctorch_tensor_list_free(list.items);
  return tensor;
}

ctorch_tensor* leaf(const Floats& values) {
  const int64_t size = static_cast<int64_t>(values.size());
  ctorch_tensor* tensor =
      made(ctorch_tensor_from_data(reinterpret_cast<const uint8_t*>(values.data()),
                                   size * int64_t{sizeof(float)}, &size, 1, CTORCH_FLOAT32, cpu));
  ok(ctorch_tensor_set_requires_grad(tensor, 1));
  return tensor;
}

Floats values(ctorch_tensor* tensor) {
  Floats data(static_cast<size_t>(ctorch_tensor_describe(tensor).elements));
  ok(ctorch_tensor_to_data(tensor, reinterpret_cast<uint8_t*>(data.data()),
                           static_cast<int64_t>(data.size() * sizeof(float)), CTORCH_FLOAT32));
  return data;
}

Floats gradient_of(ctorch_tensor* tensor) {
  ctorch_tensor* gradient = made(ctorch_tensor_grad(tensor));
  Floats data = values(gradient);
  ctorch_tensor_free(gradient);
  return data;
}

std::vector<uint64_t> forgotten() {
  std::vector<uint64_t> all;
  uint64_t some[2];
  while (const int64_t count = ctorch_take_forgotten(some, 2)) {
    all.insert(all.end(), some, some + count);
  }
  CHECK(__atomic_load_n(ctorch_forgotten_count(), __ATOMIC_SEQ_CST) == 0);
  return all;
}
using Numbers = std::vector<uint64_t>;

// The square of x, as the caller computes it; callback is for its backward.
ctorch_tensor* square(ctorch_tensor* x, ctorch_callback callback, uint64_t number) {
  const int32_t mode = ctorch_set_grad_mode(0);
  ctorch_tensor* y = made(ctorch_op_mul_Tensor(x, x));
  ctorch_set_grad_mode(mode);
  ctorch_tensor* const tensors[] = {x, y, x};
  ctorch_tensor* result =
      only(ctorch_function_apply("Square", callback, number, tensors, {1, 1, 1, 0, 0}, 1));
  ctorch_tensor_free(y);
  return result;
}

void backward(ctorch_tensor* y) {
  ctorch_tensor* sum = made(ctorch_op_sum(y));
  ok(ctorch_backward(&sum, 1, nullptr, 0, 0));
  ctorch_tensor_free(sum);
}

// Expects the backward pass to fail, and returns the error's payload.
uint64_t backward_fails(ctorch_tensor* y, const char* text) {
  ctorch_tensor* sum = made(ctorch_op_sum(y));
  ctorch_error* error = ctorch_backward(&sum, 1, nullptr, 0, 0);
  CHECK(error != nullptr);
  uint64_t payload = 0;
  if (error != nullptr) {
    if (std::strstr(error->message, text) == nullptr) {
      std::fprintf(stderr, "the message: %s\n", error->message);
      CHECK(false);
    }
    payload = error->payload;
  }
  ctorch_error_free(error);
  ctorch_tensor_free(sum);
  return payload;
}

// gradient * x * 2
void square_backward(uint64_t number, ctorch_call* call) {
  CHECK(number == 7);
  int32_t needed = 0;
  ok(ctorch_call_needed(call, &needed, 1));
  CHECK(needed == 1);
  ctorch_error* wrong = ctorch_call_needed(call, &needed, 3);
  CHECK(wrong != nullptr);
  ctorch_error_free(wrong);
  ctorch_tensor_list saved = ctorch_call_saved(call);
  if (saved.error != nullptr) {
    ctorch_call_fail(call, saved.error->kind, saved.error->message, 0);
    ctorch_error_free(saved.error);
    return;
  }
  ctorch_tensor* gradient = only(ctorch_call_gradients(call));
  ctorch_tensor* x = only(saved);
  ctorch_tensor* once = made(ctorch_op_mul_Tensor(gradient, x));
  ctorch_tensor* twice = made(ctorch_op_add_Tensor(once, once));
  ok(ctorch_call_return(call, &twice, 1));
  ctorch_tensor_free(twice);
  ctorch_tensor_free(once);
  ctorch_tensor_free(x);
  ctorch_tensor_free(gradient);
}

void test_function() {
  ctorch_tensor* x = leaf({1, 2, 3});
  ctorch_tensor* y = square(x, square_backward, 7);
  CHECK((values(y) == Floats{1, 4, 9}));
  backward(y);
  CHECK((gradient_of(x) == Floats{2, 4, 6}));
  CHECK(forgotten().empty());
  CHECK(backward_fails(y, "a second time") == 0);
  ctorch_tensor_free(y);
  CHECK((forgotten() == Numbers{7}));
  ctorch_tensor_free(x);
}

void test_second_derivative() {
  ctorch_tensor* x = leaf({1, 2, 3});
  ctorch_tensor* y = square(x, square_backward, 7);
  ctorch_tensor* sum = made(ctorch_op_sum(y));
  ctorch_tensor* first = only(ctorch_grad(&sum, 1, &x, 1, nullptr, 1, 1, 0));
  backward(first);
  CHECK((gradient_of(x) == Floats{2, 2, 2}));
  for (ctorch_tensor* tensor : {first, sum, y, x}) ctorch_tensor_free(tensor);
  CHECK((forgotten() == Numbers{7}));
}

void test_nothing_is_recorded_for_number_0() {
  ctorch_tensor* x = leaf({2});
  ctorch_tensor* y = square(x, square_backward, 0);
  CHECK(ctorch_tensor_describe(y).requires_grad == 0);
  ctorch_tensor_free(y);
  ctorch_tensor_free(x);
  CHECK(forgotten().empty());
}

void failing_backward(uint64_t number, ctorch_call* call) {
  ctorch_call_fail(call, CTORCH_ERROR_DEVICE, "it failed\non purpose", number + 1);
}
void idle_backward(uint64_t, ctorch_call*) {}
void wrong_shape_backward(uint64_t, ctorch_call* call) {
  ctorch_tensor* wrong = leaf({1, 2});
  ok(ctorch_call_return(call, &wrong, 1));
  ctorch_tensor_free(wrong);
}

void test_failures_come_out_of_the_pass() {
  ctorch_tensor* x = leaf({1, 2, 3});
  ctorch_tensor* y = square(x, failing_backward, 20);
  CHECK(backward_fails(y, "it failed on purpose") == 21);
  ctorch_tensor_free(y);
  CHECK((forgotten() == Numbers{20}));  // 21 was given to us

  y = square(x, idle_backward, 30);
  CHECK(backward_fails(y, "SquareBackward returned 0 gradients for 1 input") == 0);
  ctorch_tensor_free(y);
  y = square(x, wrong_shape_backward, 31);
  CHECK(backward_fails(y, "SquareBackward returned an invalid gradient") == 0);
  ctorch_tensor_free(y);
  CHECK((forgotten() == Numbers{31, 30}));
  ctorch_tensor_free(x);
}

void test_a_failure_to_record_forgets_the_number() {
  ctorch_tensor* x = leaf({1});
  // A leaf cannot be changed in place.
  ctorch_tensor* const tensors[] = {x, x, x};
  const ctorch_tensor_list list =
      ctorch_function_apply("InPlace", square_backward, 40, tensors, {1, 1, 0, 0, 1}, 1);
  CHECK(list.error != nullptr);
  ctorch_error_free(list.error);
  ctorch_tensor_list_free(list.items);
  CHECK((forgotten() == Numbers{40}));
  ctorch_tensor_free(x);
}

void test_saved_tensors_are_checked() {
  ctorch_tensor* x = leaf({1});
  ctorch_tensor* doubled = made(ctorch_op_add_Tensor(x, x));
  ctorch_tensor* y = square(doubled, square_backward, 7);
  const int32_t mode = ctorch_set_grad_mode(0);
  ctorch_tensor* factor = made(ctorch_op_sum(doubled));
  ok(ctorch_op__foreach_mul__Tensor(&doubled, 1, factor));
  ctorch_set_grad_mode(mode);
  backward_fails(y, "modified by an inplace operation");
  for (ctorch_tensor* tensor : {factor, y, doubled, x}) ctorch_tensor_free(tensor);
  CHECK((forgotten() == Numbers{7}));
}

// A hook that doubles the gradient, and one that removes itself in its first call.
std::map<uint64_t, int> calls;
void doubling(uint64_t number, ctorch_call* call) {
  ++calls[number];
  ctorch_tensor* gradient = only(ctorch_call_gradients(call));
  ctorch_tensor* twice = made(ctorch_op_add_Tensor(gradient, gradient));
  ok(ctorch_call_return(call, &twice, 1));
  ctorch_tensor_free(twice);
  ctorch_tensor_free(gradient);
  ctorch_tensor_list saved = ctorch_call_saved(call);
  CHECK(saved.error != nullptr);
  ctorch_error_free(saved.error);
}
ctorch_hook* once_hook = nullptr;
void once(uint64_t number, ctorch_call*) {
  ++calls[number];
  ok(ctorch_hook_remove(once_hook));
}

void test_hooks() {
  calls.clear();
  ctorch_tensor* x = leaf({1, 2});
  const ctorch_hook_result first = ctorch_tensor_register_hook(x, doubling, 60);
  ok(first.error);
  const ctorch_hook_result second = ctorch_tensor_register_hook(x, once, 61);
  ok(second.error);
  once_hook = second.hook;
  for (int pass = 0; pass < 2; ++pass) {
    ctorch_tensor* y = made(ctorch_op_add_Tensor(x, x));
    backward(y);
    ctorch_tensor_free(y);
  }
  CHECK((gradient_of(x) == Floats{8, 8}));
  CHECK(calls[60] == 2 && calls[61] == 1);
  CHECK((forgotten() == Numbers{61}));
  ok(ctorch_hook_remove(second.hook));
  ctorch_hook_free(second.hook);
  ctorch_tensor_free(x);
  CHECK((forgotten() == Numbers{60}));
  ok(ctorch_hook_remove(first.hook));  // its tensor is gone
  ctorch_hook_free(first.hook);
  ctorch_hook_free(nullptr);

  const float value = 1;
  ctorch_tensor* plain = made(ctorch_tensor_from_data(
      reinterpret_cast<const uint8_t*>(&value), sizeof(value), nullptr, 0, CTORCH_FLOAT32, cpu));
  const ctorch_hook_result none = ctorch_tensor_register_hook(plain, doubling, 62);
  CHECK(none.error != nullptr && none.hook == nullptr);
  ctorch_error_free(none.error);
  CHECK((forgotten() == Numbers{62}));
  ctorch_tensor_free(plain);
}

// Each backward starts another pass, until libtorch goes on on threads of its own.
constexpr uint64_t deepest = 1100;
std::atomic<bool> other_thread{false};
std::thread::id first_thread;
void nesting(uint64_t number, ctorch_call* call) {
  if (std::this_thread::get_id() != first_thread) other_thread = true;
  if (number < deepest) {
    ctorch_set_grad_mode(1);
    ctorch_tensor* x = leaf({1});
    ctorch_tensor* y = square(x, nesting, number + 1);
    backward(y);
    ctorch_tensor_free(y);
    ctorch_tensor_free(x);
    ctorch_set_grad_mode(0);
  }
  ctorch_tensor* gradient = only(ctorch_call_gradients(call));
  ok(ctorch_call_return(call, &gradient, 1));
  ctorch_tensor_free(gradient);
}

void test_nested_passes() {
  first_thread = std::this_thread::get_id();
  ctorch_tensor* x = leaf({1});
  ctorch_tensor* y = square(x, nesting, 1000);
  backward(y);
  CHECK((gradient_of(x) == Floats{1}));
  CHECK(other_thread);
  ctorch_tensor_free(y);
  ctorch_tensor_free(x);
  CHECK(forgotten().size() == deepest - 1000 + 1);
}

void test_many_threads() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int turn = 0; turn < 50; ++turn) {
        ctorch_tensor* x = leaf({1, 2});
        ctorch_tensor* y = square(x, square_backward, 7);
        backward(y);
        CHECK((gradient_of(x) == Floats{2, 4}));
        ctorch_tensor_free(y);
        ctorch_tensor_free(x);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(forgotten().size() == 8 * 50);
}

void test_graph_and_gradient_helpers() {
  ctorch_tensor* x = leaf({3, 4});
  ctorch_tensor* y = made(ctorch_op_add_Tensor(x, x));
  CHECK(ctorch_tensor_retains_grad(y) == 0);
  ok(ctorch_tensor_retain_grad(y));
  CHECK(ctorch_tensor_retains_grad(y) == 1);
  backward(y);
  CHECK((gradient_of(y) == Floats{1, 1}));
  ok(ctorch_tensor_detach_in_place(y));
  CHECK(ctorch_tensor_describe(y).is_leaf == 1);

  CHECK(ctorch_anomaly_mode() == 0);
  ctorch_set_anomaly_mode(1);
  CHECK(ctorch_anomaly_mode() == 1);
  ctorch_set_anomaly_mode(0);

  ctorch_tensor* tensors[] = {x, y};
  const int32_t mode = ctorch_set_grad_mode(0);
  const ctorch_tensor_list norms = ctorch_op__foreach_norm_Scalar(tensors, 2, whole(2));
  ok(norms.error);
  CHECK(norms.count == 2 && values(norms.items[0].tensor) == Floats{5} &&
        values(norms.items[1].tensor) == Floats{10});
  ok(ctorch_op__foreach_mul__Tensor(tensors, 2, norms.items[0].tensor));
  CHECK((values(x) == Floats{15, 20}));
  ok(ctorch_op__foreach_clamp_min__Scalar(tensors, 2, whole(-1)));
  ok(ctorch_op__foreach_clamp_max__Scalar(tensors, 2, whole(16)));
  CHECK((values(x) == Floats{15, 16} && values(y) == Floats{16, 16}));
  ctorch_set_grad_mode(mode);
  for (int64_t i = 0; i < norms.count; ++i) ctorch_tensor_free(norms.items[i].tensor);
  ctorch_tensor_list_free(norms.items);
  ctorch_tensor_free(y);
  ctorch_tensor_free(x);
}

}  // namespace

int main() {
  test_function();
  test_second_derivative();
  test_nothing_is_recorded_for_number_0();
  test_failures_come_out_of_the_pass();
  test_a_failure_to_record_forgets_the_number();
  test_saved_tensors_are_checked();
  test_hooks();
  test_nested_passes();
  test_many_threads();
  test_graph_and_gradient_helpers();
  std::printf("%d failed\n", failures().load());
  return failures() == 0 ? 0 : 1;
}
