// Loads, calls and saves TorchScript modules as Go does, errors included.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "ctorch/ctorch.h"
#include "shims.h"

namespace {

const std::string archive = std::string(CTORCH_TESTDATA) + "/values.pt";

// A module that frees itself.
class Module {
 public:
  explicit Module(ctorch_module_result result) : handle_(result.module) { ok(result.error); }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module() { ctorch_module_free(handle_); }
  ctorch_module* get() const { return handle_; }

 private:
  ctorch_module* handle_;
};

ctorch_module_result load() { return ctorch_module_load(archive.c_str(), cpu); }

std::string text_of(const ctorch_value& value) {
  return value.text == nullptr ? "" : std::string(value.text, static_cast<size_t>(value.count));
}

ctorch_value tensor_value(const Tensor& tensor) {
  ctorch_value value{};
  value.tag = CTORCH_VALUE_TENSOR;
  value.tensor.tensor = tensor.get();
  return value;
}

ctorch_value text_value(const char* text) {
  ctorch_value value{};
  value.tag = CTORCH_VALUE_TEXT;
  value.text = const_cast<char*>(text);
  value.count = static_cast<int64_t>(std::strlen(text));
  return value;
}

ctorch_value integer_value(int64_t integer) {
  ctorch_value value{};
  value.tag = CTORCH_VALUE_INTEGER;
  value.integer = integer;
  return value;
}

ctorch_value number_value(double number) {
  ctorch_value value{};
  value.tag = CTORCH_VALUE_NUMBER;
  value.number = number;
  return value;
}

ctorch_value nested_value(int32_t tag, std::vector<ctorch_value>* items) {
  ctorch_value value{};
  value.tag = tag;
  value.items = items->data();
  value.count = static_cast<int64_t>(items->size());
  return value;
}

ctorch_value_result call(const Module& module, const char* method,
                         const std::vector<ctorch_value>& arguments,
                         const std::vector<ctorch_value>& named = {}) {
  return ctorch_module_call(module.get(), method, arguments.data(),
                            static_cast<int64_t>(arguments.size()), named.data(),
                            static_cast<int64_t>(named.size() / 2));
}

// The tensor in a value, which is freed.
std::vector<float> taken(ctorch_value* value) {
  const Tensor tensor(value->tensor);
  value->tensor.tensor = nullptr;
  return tensor.values();
}

void test_values_cross() {
  const Module module(load());
  const Tensor x({1, 2}, {2});
  std::vector<ctorch_value> numbers = {integer_value(3), integer_value(4)};
  std::vector<ctorch_value> pair = {text_value("key"), number_value(0.5)};
  const std::vector<ctorch_value> arguments = {
      tensor_value(x), nested_value(CTORCH_VALUE_LIST, &numbers),
      nested_value(CTORCH_VALUE_TUPLE, &pair), ctorch_value{}};
  ctorch_value_result result = call(module, "describe", arguments);
  ok(result.error);
  ctorch_value& dict = result.value;
  CHECK(dict.tag == CTORCH_VALUE_DICT && dict.count == 1);
  if (dict.tag == CTORCH_VALUE_DICT && dict.count == 1) {
    CHECK(text_of(dict.items[0]) == "key");
    ctorch_value& tuple = dict.items[1];
    CHECK(tuple.tag == CTORCH_VALUE_TUPLE && tuple.count == 5);
    CHECK((taken(&tuple.items[0]) == Floats{8, 9}));
    CHECK(tuple.items[1].integer == 7);
    CHECK(tuple.items[2].number == 0.5);
    CHECK(tuple.items[3].tag == CTORCH_VALUE_BOOL && tuple.items[3].integer == 1);
    CHECK(tuple.items[4].tag == CTORCH_VALUE_LIST && tuple.items[4].count == 2);
    CHECK(tuple.items[4].element == CTORCH_VALUE_TEXT);
  }
  ctorch_value_free(&result.value);
  ctorch_value_free(&result.value);
  CHECK(result.value.tag == CTORCH_VALUE_NONE);

  // What is not taken is freed with the rest.
  result = call(module, "describe", arguments);
  ok(result.error);
  ctorch_value_free(&result.value);

  // By name.
  result = call(module, "forward", {}, {text_value("x"), tensor_value(x)});
  ok(result.error);
  CHECK((taken(&result.value) == Floats{2, 4}));
  ctorch_value_free(&result.value);
}

void test_misuse_of_methods_is_an_error() {
  const Module module(load());
  const Tensor x({1, 2}, {2});
  const ctorch_value tensor = tensor_value(x);
  fails(call(module, "describe", {tensor}).error, CTORCH_ERROR_INVALID);
  fails(call(module, "forward", {tensor, tensor}).error, CTORCH_ERROR_INVALID);
  fails(call(module, "forward", {text_value("x")}).error, CTORCH_ERROR_INVALID);
  fails(call(module, "forward", {tensor}, {text_value("y"), tensor}).error, CTORCH_ERROR_INVALID);
  fails(call(module, "absent", {tensor}).error, CTORCH_ERROR_MODEL);
  ctorch_value unknown{};
  unknown.tag = 77;
  fails(call(module, "forward", {unknown}).error, CTORCH_ERROR_INVALID);
  const ctorch_value_result raised = call(module, "fail", {tensor});
  CHECK(raised.error != nullptr &&
        std::strstr(raised.error->message, "this method always fails") != nullptr);
  fails(raised.error, CTORCH_ERROR_MODEL);
  CHECK(ctorch_module_has_method(module.get(), "describe") == 1);
  CHECK(ctorch_module_has_method(module.get(), "absent") == 0);
}

void test_parts() {
  const Module module(load());
  ctorch_value_result parts = ctorch_module_members(module.get(), CTORCH_PARAMETERS);
  ok(parts.error);
  CHECK(parts.value.count == 1);
  if (parts.value.count == 1) CHECK((taken(&parts.value.items[0].items[1]) == Floats{2}));
  ctorch_value_free(&parts.value);
  for (const int32_t which : {CTORCH_BUFFERS, CTORCH_MODULES, CTORCH_CHILDREN, CTORCH_ATTRIBUTES}) {
    parts = ctorch_module_members(module.get(), which);
    ok(parts.error);
    ctorch_value_free(&parts.value);
  }
  fails(ctorch_module_members(module.get(), 99).error, CTORCH_ERROR_INVALID);
  parts = ctorch_module_methods(module.get());
  ok(parts.error);
  CHECK(parts.value.count >= 3);
  ctorch_value_free(&parts.value);

  const Tensor five({5}, {1});
  const ctorch_value value = tensor_value(five);
  ok(ctorch_module_set_attribute(module.get(), "scale", &value));
  ctorch_value_result scale = ctorch_module_attribute(module.get(), "scale");
  ok(scale.error);
  CHECK((taken(&scale.value) == Floats{5}));
  ctorch_value_free(&scale.value);
  fails(ctorch_module_attribute(module.get(), "absent").error, CTORCH_ERROR_MODEL);
  fails(ctorch_module_attribute(module.get(), "scale.absent").error, CTORCH_ERROR_MODEL);
  const ctorch_value text = text_value("fast");
  fails(ctorch_module_set_attribute(module.get(), "scale", &text), CTORCH_ERROR_INVALID);
}

void test_changes() {
  const Module module(load());
  ok(ctorch_module_train(module.get(), 1));
  CHECK(ctorch_module_is_training(module.get()) == 1);
  fails(ctorch_module_freeze(module.get(), nullptr, 0).error, CTORCH_ERROR_INVALID);
  ok(ctorch_module_train(module.get(), 0));
  const char* names[] = {"describe"};
  const Module frozen(ctorch_module_freeze(module.get(), names, 1));
  CHECK(ctorch_module_has_method(frozen.get(), "describe") == 1);
  CHECK(ctorch_module_has_method(frozen.get(), "forward") == 1);
  CHECK(ctorch_module_has_method(frozen.get(), "fail") == 0);
  fails(ctorch_module_train(frozen.get(), 1), CTORCH_ERROR_INVALID);
  const Module fast(ctorch_module_optimize_for_inference(module.get(), names, 1));
  const Module copy(ctorch_module_clone(module.get()));
  ok(ctorch_module_to(copy.get(), CTORCH_FLOAT64, &cpu));
  ok(ctorch_module_set_requires_grad(copy.get(), 1));
  ok(ctorch_module_zero_grad(copy.get()));
  ok(ctorch_module_channels_last(copy.get()));
}

std::string file_contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

void test_saved_module_loads() {
  const Module module(load());
  const ctorch_extra_file files[] = {{"note.txt", "text", 4}};
  char path[] = "/tmp/ctorch_module_XXXXXX";
  const int descriptor = mkstemp(path);
  CHECK(descriptor >= 0);
  ok(ctorch_module_save(module.get(), descriptor, files, 1));
  close(descriptor);
  const std::string data = file_contents(path);
  CHECK(data.find("extra/note.txt") != std::string::npos);
  const Module again(ctorch_module_load_data(reinterpret_cast<const uint8_t*>(data.data()),
                                             static_cast<int64_t>(data.size()), cpu));
  CHECK(ctorch_module_has_method(again.get(), "describe") == 1);

  const int read_only = open(path, O_RDONLY);
  fails(ctorch_module_save(module.get(), read_only, nullptr, 0), CTORCH_ERROR_OTHER);
  close(read_only);
  unlink(path);
}

void test_what_is_no_archive_is_an_error() {
  fails(ctorch_module_load((archive + ".absent").c_str(), cpu).error, CTORCH_ERROR_MODEL);
  const std::string whole = file_contents(archive);
  CHECK(whole.size() > 1000);
  for (size_t kept = 0; kept < whole.size(); kept += 97) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<long>(kept));
    const ctorch_module_result result =
        ctorch_module_load_data(cut.data(), static_cast<int64_t>(cut.size()), cpu);
    CHECK(result.module == nullptr);
    fails(result.error, CTORCH_ERROR_MODEL);
  }
}

// What libtorch warns of waits, whichever thread it is on.
void test_warnings_wait() {
  CHECK(*ctorch_warnings_waiting() == 0);
  CHECK(ctorch_warning_take() == nullptr);
  const Module module(load());
  const auto warn = [&] {
    ctorch_value_result result = call(module, "warn", {text_value("beware\nof it")});
    ok(result.error);
    ctorch_value_free(&result.value);
  };
  warn();
  std::thread(warn).join();
  CHECK(*ctorch_warnings_waiting() == 2);
  for (int i = 0; i < 2; ++i) {
    char* text = ctorch_warning_take();
    CHECK(text != nullptr && std::strstr(text, "beware of it") != nullptr);
    ctorch_warning_free(text);
  }
  CHECK(*ctorch_warnings_waiting() == 0);
  for (int i = 0; i < 1000; ++i) warn();
  CHECK(*ctorch_warnings_waiting() == 256);
  while (char* text = ctorch_warning_take()) ctorch_warning_free(text);
}

void test_nothing_is_freed_without_harm() {
  ctorch_module_free(nullptr);
  ctorch_warning_free(nullptr);
  ctorch_value none{};
  ctorch_value_free(&none);
}

}  // namespace

int main() {
  test_values_cross();
  test_misuse_of_methods_is_an_error();
  test_parts();
  test_changes();
  test_saved_module_loads();
  test_what_is_no_archive_is_an_error();
  test_warnings_wait();
  test_nothing_is_freed_without_harm();
  std::printf("%d failed\n", failures().load());
  return failures() == 0 ? 0 : 1;
}
