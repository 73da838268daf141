// Calls the C ABI as Go does, errors included. Built with AddressSanitizer it shows what the shims
// leak or touch after it was freed.
#include "shims.h"

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ctorch/ctorch.h"

namespace {

constexpr ctorch_options floats{CTORCH_FLOAT32, cpu, nullptr, 0};

void test_data_goes_in_and_out() {
  const Tensor x({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK((x.values() == Floats{1, 2, 3, 4, 5, 6}));
  int64_t sizes[2], strides[2];
  ok(ctorch_tensor_shape(x.get(), sizes, strides, 2));
  CHECK(sizes[0] == 2 && sizes[1] == 3 && strides[0] == 3 && strides[1] == 1);

  const Tensor empty(Floats{}, {0, 3});
  CHECK(empty.values().empty());
}

void test_misuse_is_an_error() {
  const Tensor a(Floats(6, 1), {2, 3});
  const Tensor b(Floats(8, 1), {2, 4});
  fails(ctorch_op_add_Tensor(a.get(), b.get()).error, CTORCH_ERROR_INVALID);
  fails(ctorch_op_matmul(a.get(), a.get()).error, CTORCH_ERROR_INVALID);

  float room[6];
  auto* data = reinterpret_cast<uint8_t*>(room);
  fails(ctorch_tensor_to_data(a.get(), data, sizeof(room) - 1, CTORCH_FLOAT32),
        CTORCH_ERROR_INVALID);
  fails(ctorch_tensor_to_data(a.get(), data, sizeof(room), CTORCH_INT32), CTORCH_ERROR_INVALID);

  fails(ctorch_tensor_set_data(a.get(), data, sizeof(room) - 1, CTORCH_FLOAT32),
        CTORCH_ERROR_INVALID);
  fails(ctorch_tensor_set_data(a.get(), data, sizeof(room), CTORCH_INT32), CTORCH_ERROR_INVALID);

  const int64_t too_many[] = {7};
  fails(ctorch_tensor_from_data(data, sizeof(room), too_many, 1, CTORCH_FLOAT32, cpu).error,
        CTORCH_ERROR_INVALID);
  const int64_t negative[] = {-1};
  fails(ctorch_empty(negative, 1, floats).error, CTORCH_ERROR_INVALID);
  fails(ctorch_tensor_item(a.get()).error, CTORCH_ERROR_INVALID);

  const int64_t one[] = {1};
  for (const int32_t dtype : {-1, 99}) {
    const ctorch_options odd{dtype, cpu, nullptr, 0};
    fails(ctorch_empty(one, 1, odd).error, CTORCH_ERROR_INVALID);
    fails(ctorch_op_hann_window_periodic(4, 1, odd).error, CTORCH_ERROR_INVALID);
  }
}

void test_too_much_memory_is_an_error() {
  const int64_t huge[] = {int64_t{1} << 45};
  fails(ctorch_empty(huge, 1, floats).error, CTORCH_ERROR_OUT_OF_MEMORY);
}

void test_absent_device_is_an_error() {
  if (ctorch_cuda_device_count() > 0) return;
  const int64_t shape[] = {1};
  const ctorch_options on_cuda{CTORCH_FLOAT32, {CTORCH_CUDA, 0}, nullptr, 0};
  fails(ctorch_empty(shape, 1, on_cuda).error, CTORCH_ERROR_DEVICE);
}

void test_gradients() {
  const Tensor x({1, 2, 3}, {3});
  ok(ctorch_tensor_set_requires_grad(x.get(), 1));
  const Tensor square(ctorch_op_mul_Tensor(x.get(), x.get()));
  const Tensor sum(ctorch_op_sum(square.get()));
  ctorch_tensor* sums[] = {sum.get()};

  ctorch_tensor_result none = ctorch_tensor_grad(x.get());
  CHECK(none.tensor == nullptr);
  ok(none.error);

  ok(ctorch_backward(sums, 1, nullptr, 0, 0));
  CHECK((Tensor(ctorch_tensor_grad(x.get())).values() == Floats{2, 4, 6}));
  // The graph is gone.
  fails(ctorch_backward(sums, 1, nullptr, 0, 0), CTORCH_ERROR_INVALID);
  ok(ctorch_tensor_set_grad(x.get(), nullptr));

  const Tensor other(ctorch_op_sum(x.get()));
  const Tensor apart({1}, {1});
  ok(ctorch_tensor_set_requires_grad(apart.get(), 1));
  ctorch_tensor* outputs[] = {other.get()};
  ctorch_tensor* inputs[] = {x.get(), apart.get()};
  const ctorch_tensor_list list = ctorch_grad(outputs, 1, inputs, 2, nullptr, 0, 0, 1);
  ok(list.error);
  CHECK(list.count == 2);
  if (list.count == 2) {
    CHECK((Tensor(list.items[0]).values() == Floats{1, 1, 1}));
    CHECK(list.items[1].tensor == nullptr);
  }
  ctorch_tensor_list_free(list.items);
}

void test_gradient_of_what_needs_none_is_an_error() {
  const Tensor x({1}, {1});
  ctorch_tensor* outputs[] = {x.get()};
  fails(ctorch_backward(outputs, 1, nullptr, 0, 0), CTORCH_ERROR_INVALID);
}

void test_modes_are_of_the_thread() {
  CHECK(ctorch_set_grad_mode(0) == 1);
  std::thread([] { CHECK(ctorch_grad_mode() == 1); }).join();
  CHECK(ctorch_set_grad_mode(1) == 0);

  ctorch_inference_guard* guard = ctorch_inference_enter(1);
  CHECK(ctorch_grad_mode() == 0);
  ctorch_inference_leave(guard);
  CHECK(ctorch_grad_mode() == 1);
}

void test_generator_gives_the_same_numbers_again() {
  const ctorch_generator_result made = ctorch_generator_new(cpu, 7);
  ok(made.error);
  const ctorch_options drawn{CTORCH_FLOAT32, cpu, made.generator, 0};
  const int64_t shape[] = {8};
  const Tensor state(ctorch_generator_state(made.generator));
  const Tensor first(ctorch_randn(shape, 1, drawn));
  const Tensor second(ctorch_randn(shape, 1, drawn));
  ok(ctorch_generator_set_state(made.generator, state.get()));
  const Tensor again(ctorch_randn(shape, 1, drawn));
  CHECK(first.values() == again.values());
  CHECK(first.values() != second.values());
  fails(ctorch_generator_set_state(made.generator, first.get()), CTORCH_ERROR_INVALID);
  ctorch_generator_free(made.generator);
}

void test_many_threads_fail_on_their_own() {
  std::vector<std::thread> threads;
  for (int64_t i = 1; i <= 8; ++i) {
    threads.emplace_back([i] {
      const std::string wanted = "(" + std::to_string(i + 100) + ")";
      const Tensor a(Floats(static_cast<size_t>(i + 100), 1), {i + 100});
      const Tensor b({1, 2}, {2});
      for (int turn = 0; turn < 50; ++turn) {
        const ctorch_tensor_result result = ctorch_op_add_Tensor(a.get(), b.get());
        CHECK(result.error != nullptr &&
              std::strstr(result.error->message, wanted.c_str()) != nullptr);
        ctorch_error_free(result.error);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void test_nothing_is_freed_without_harm() {
  ctorch_tensor_free(nullptr);
  ctorch_tensor_list_free(nullptr);
  ctorch_generator_free(nullptr);
  ctorch_inference_leave(nullptr);
  ctorch_error_free(nullptr);
}

}  // namespace

int main() {
  test_data_goes_in_and_out();
  test_misuse_is_an_error();
  test_too_much_memory_is_an_error();
  test_absent_device_is_an_error();
  test_gradients();
  test_gradient_of_what_needs_none_is_an_error();
  test_modes_are_of_the_thread();
  test_generator_gives_the_same_numbers_again();
  test_many_threads_fail_on_their_own();
  test_nothing_is_freed_without_harm();
  std::printf("%d failed\n", failures().load());
  return failures() == 0 ? 0 : 1;
}
