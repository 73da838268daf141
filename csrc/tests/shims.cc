// Calls the C ABI as Go does, errors included. Built with AddressSanitizer it shows what the shims
// leak or touch after it was freed.
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "ctorch/ctorch.h"

namespace {

constexpr ctorch_device cpu{CTORCH_CPU, -1};
constexpr ctorch_options floats{CTORCH_FLOAT32, cpu, nullptr, 0};

// Expects success.
void ok(ctorch_error* error) {
  if (error != nullptr) std::fprintf(stderr, "unexpected: %s\n", error->message);
  CHECK(error == nullptr);
  ctorch_error_free(error);
}

// Expects a failure, told in one line. Of this kind, unless it is ANY_KIND.
constexpr int32_t ANY_KIND = 0;
void fails(ctorch_error* error, int32_t kind) {
  CHECK(error != nullptr);
  if (error == nullptr) return;
  if (kind != ANY_KIND && error->kind != kind) {
    std::fprintf(stderr, "kind %d: %s\n", error->kind, error->message);
    CHECK(error->kind == kind);
  }
  CHECK(std::strlen(error->message) > 0);
  CHECK(std::strchr(error->message, '\n') == nullptr);
  CHECK(std::strstr(error->message, "Exception raised from") == nullptr);
  ctorch_error_free(error);
}

// A tensor that frees itself.
class Tensor {
 public:
  explicit Tensor(ctorch_tensor_result result) : handle_(result.tensor) { ok(result.error); }
  Tensor(const std::vector<float>& values, const std::vector<int64_t>& shape)
      : Tensor(ctorch_tensor_from_data(reinterpret_cast<const uint8_t*>(values.data()),
                                       static_cast<int64_t>(values.size() * sizeof(float)),
                                       shape.data(), static_cast<int64_t>(shape.size()),
                                       CTORCH_FLOAT32, cpu)) {}
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  ~Tensor() { ctorch_tensor_free(handle_); }

  ctorch_tensor* get() const { return handle_; }

  std::vector<float> values() const {
    const ctorch_tensor_info info = ctorch_tensor_describe(handle_);
    ok(info.error);
    std::vector<float> data(static_cast<size_t>(info.elements));
    ok(ctorch_tensor_to_data(handle_, reinterpret_cast<uint8_t*>(data.data()),
                             static_cast<int64_t>(data.size() * sizeof(float)), CTORCH_FLOAT32));
    return data;
  }

 private:
  ctorch_tensor* handle_;
};

using Floats = std::vector<float>;

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
  fails(ctorch_op_add(a.get(), b.get()).error, CTORCH_ERROR_INVALID);
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
  for (const int32_t dtype : {-1, 8, 99}) {  // 8 is PyTorch's complex32, which has no name here
    const ctorch_options odd{dtype, cpu, nullptr};
    fails(ctorch_empty(one, 1, odd).error, CTORCH_ERROR_INVALID);
    fails(ctorch_op_hann_window(4, 1, odd).error, CTORCH_ERROR_INVALID);
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
  const Tensor square(ctorch_op_mul(x.get(), x.get()));
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

ctorch_value text_value(const char* text) {
  ctorch_value value{};
  value.tag = CTORCH_VALUE_TEXT;
  value.text = const_cast<char*>(text);
  value.count = static_cast<int64_t>(std::strlen(text));
  return value;
}

ctorch_value list_value(int32_t tag, std::vector<ctorch_value>* items) {
  ctorch_value value{};
  value.tag = tag;
  value.items = items->data();
  value.count = static_cast<int64_t>(items->size());
  return value;
}

void test_values_cross(ctorch_module* module) {
  const Tensor x({1, 2}, {2});
  ctorch_value tensor{};
  tensor.tag = CTORCH_VALUE_TENSOR;
  tensor.tensor.tensor = x.get();
  std::vector<ctorch_value> numbers(2);
  numbers[0].tag = numbers[1].tag = CTORCH_VALUE_INTEGER;
  numbers[0].integer = 3;
  numbers[1].integer = 4;
  std::vector<ctorch_value> pair(2);
  pair[0] = text_value("key");
  pair[1].tag = CTORCH_VALUE_NUMBER;
  pair[1].number = 0.5;
  const ctorch_value arguments[] = {tensor, list_value(CTORCH_VALUE_LIST, &numbers),
                                    list_value(CTORCH_VALUE_TUPLE, &pair), ctorch_value{}};
  const ctorch_value_result result = ctorch_module_call(module, "describe", arguments, 4);
  ok(result.error);
  const ctorch_value& dict = result.value;
  CHECK(dict.tag == CTORCH_VALUE_DICT && dict.count == 1);
  if (dict.tag == CTORCH_VALUE_DICT && dict.count == 1) {
    CHECK(std::string(dict.items[0].text, static_cast<size_t>(dict.items[0].count)) == "key");
    const ctorch_value& tuple = dict.items[1];
    CHECK(tuple.tag == CTORCH_VALUE_TUPLE && tuple.count == 5);
    CHECK((Tensor(tuple.items[0].tensor).values() == Floats{8, 9}));
    CHECK(tuple.items[1].integer == 7);
    CHECK(tuple.items[2].number == 0.5);
    CHECK(tuple.items[3].tag == CTORCH_VALUE_BOOL && tuple.items[3].integer == 1);
    CHECK(tuple.items[4].tag == CTORCH_VALUE_LIST && tuple.items[4].count == 2);
  }
  ctorch_value_free(result.value);

  fails(ctorch_module_call(module, "describe", arguments, 1).error, CTORCH_ERROR_INVALID);
  CHECK(ctorch_module_has_method(module, "describe") == 1);
  CHECK(ctorch_module_has_method(module, "absent") == 0);
  fails(ctorch_module_call(module, "absent", arguments, 1).error, ANY_KIND);
  const ctorch_value_result raised = ctorch_module_call(module, "fail", &tensor, 1);
  CHECK(raised.error != nullptr);
  if (raised.error != nullptr) {
    CHECK(std::strstr(raised.error->message, "this method always fails") != nullptr);
  }
  fails(raised.error, ANY_KIND);
}

void test_module() {
  const std::string path = std::string(CTORCH_TESTDATA) + "/values.pt";
  ctorch_extra_file files[] = {{"note.txt", nullptr, 0}, {"absent.txt", nullptr, 0}};
  const ctorch_module_result loaded = ctorch_module_load(path.c_str(), cpu, files, 2);
  ok(loaded.error);
  if (loaded.module == nullptr) return;
  CHECK(files[0].contents != nullptr &&
        std::string(files[0].contents, static_cast<size_t>(files[0].bytes)) ==
            "a file beside the code");
  CHECK(files[1].contents == nullptr);
  ctorch_extra_free(files, 2);

  test_values_cross(loaded.module);
  const ctorch_value_result parameters = ctorch_module_tensors(loaded.module, CTORCH_PARAMETERS);
  ok(parameters.error);
  CHECK(parameters.value.count == 1);
  if (parameters.value.count == 1) {
    CHECK((Tensor(parameters.value.items[0].items[1].tensor).values() == Floats{2}));
  }
  ctorch_value_free(parameters.value);
  ctorch_module_free(loaded.module);
}

void test_what_is_no_archive_is_an_error() {
  const std::string path = std::string(CTORCH_TESTDATA) + "/values.pt";
  fails(ctorch_module_load((path + ".absent").c_str(), cpu, nullptr, 0).error, ANY_KIND);

  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  CHECK(whole.size() > 1000);
  for (size_t kept = 0; kept < whole.size(); kept += 97) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<long>(kept));
    const ctorch_module_result result =
        ctorch_module_load_data(cut.data(), static_cast<int64_t>(cut.size()), cpu, nullptr, 0);
    CHECK(result.module == nullptr);
    fails(result.error, ANY_KIND);
  }
}

void test_many_threads_fail_on_their_own() {
  std::vector<std::thread> threads;
  for (int64_t i = 1; i <= 8; ++i) {
    threads.emplace_back([i] {
      const std::string wanted = "(" + std::to_string(i + 100) + ")";
      const Tensor a(Floats(static_cast<size_t>(i + 100), 1), {i + 100});
      const Tensor b({1, 2}, {2});
      for (int turn = 0; turn < 50; ++turn) {
        const ctorch_tensor_result result = ctorch_op_add(a.get(), b.get());
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
  ctorch_module_free(nullptr);
  ctorch_optimizer_free(nullptr);
  ctorch_generator_free(nullptr);
  ctorch_inference_leave(nullptr);
  ctorch_error_free(nullptr);
  ctorch_value_free(ctorch_value{});
  ctorch_extra_free(nullptr, 0);
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
  test_module();
  test_what_is_no_archive_is_an_error();
  test_many_threads_fail_on_their_own();
  test_nothing_is_freed_without_harm();
  std::printf("%d failed\n", failures().load());
  return failures() == 0 ? 0 : 1;
}
