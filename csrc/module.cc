#include "ctorch/module.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdlib>
#include <cstring>
#include <istream>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <vector>

#include "guard.h"

struct ctorch_module {
  torch::jit::Module value;
};

namespace {

using c10::IValue;
using ctorch::guard;

char* copy_text(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

ctorch_value* new_items(size_t count) {
  auto* items = static_cast<ctorch_value*>(std::calloc(count + 1, sizeof(ctorch_value)));
  if (items == nullptr) throw std::bad_alloc();
  return items;
}

// --- from the ABI to libtorch ---

IValue to_ivalue(const ctorch_value& value);

// TorchScript's lists are typed: a list of tensors is no list of anything.
IValue to_list(const ctorch_value& value) {
  const auto all = [&](int32_t tag) {
    for (int64_t i = 0; i < value.count; ++i) {
      if (value.items[i].tag != tag) return false;
    }
    return value.count > 0;
  };
  const auto fill = [&](auto list, auto convert) {
    list.reserve(static_cast<size_t>(value.count));
    for (int64_t i = 0; i < value.count; ++i) list.push_back(convert(value.items[i]));
    return IValue(list);
  };
  if (value.count == 0 || all(CTORCH_VALUE_TENSOR)) {
    return fill(c10::List<at::Tensor>(),
                [](const ctorch_value& item) { return item.tensor.tensor->value; });
  }
  if (all(CTORCH_VALUE_INTEGER)) {
    return fill(c10::List<int64_t>(), [](const ctorch_value& item) { return item.integer; });
  }
  if (all(CTORCH_VALUE_NUMBER)) {
    return fill(c10::List<double>(), [](const ctorch_value& item) { return item.number; });
  }
  if (all(CTORCH_VALUE_BOOL)) {
    return fill(c10::List<bool>(), [](const ctorch_value& item) { return item.integer != 0; });
  }
  if (all(CTORCH_VALUE_TEXT)) {
    return fill(c10::List<std::string>(), [](const ctorch_value& item) {
      return std::string(item.text, static_cast<size_t>(item.count));
    });
  }
  std::vector<IValue> items;
  for (int64_t i = 0; i < value.count; ++i) items.push_back(to_ivalue(value.items[i]));
  c10::impl::GenericList list(items[0].type());
  for (auto& item : items) list.push_back(std::move(item));
  return list;
}

IValue to_dict(const ctorch_value& value) {
  if (value.count == 0) {
    return c10::impl::GenericDict(c10::StringType::get(), c10::TensorType::get());
  }
  std::vector<IValue> items;
  for (int64_t i = 0; i < 2 * value.count; ++i) items.push_back(to_ivalue(value.items[i]));
  c10::impl::GenericDict dict(items[0].type(), items[1].type());
  for (size_t i = 0; i < items.size(); i += 2) dict.insert(items[i], items[i + 1]);
  return dict;
}

IValue to_ivalue(const ctorch_value& value) {
  switch (value.tag) {
    case CTORCH_VALUE_NONE:
      return IValue();
    case CTORCH_VALUE_TENSOR:
      return value.tensor.tensor->value;
    case CTORCH_VALUE_INTEGER:
      return value.integer;
    case CTORCH_VALUE_NUMBER:
      return value.number;
    case CTORCH_VALUE_BOOL:
      return value.integer != 0;
    case CTORCH_VALUE_TEXT:
      return std::string(value.text, static_cast<size_t>(value.count));
    case CTORCH_VALUE_TUPLE: {
      std::vector<IValue> items;
      for (int64_t i = 0; i < value.count; ++i) items.push_back(to_ivalue(value.items[i]));
      return c10::ivalue::Tuple::create(std::move(items));
    }
    case CTORCH_VALUE_LIST:
      return to_list(value);
    case CTORCH_VALUE_DICT:
      return to_dict(value);
    default:
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          "a value has the unknown tag " + std::to_string(value.tag)};
  }
}

// --- from libtorch to the ABI ---

void from_ivalue(const IValue& source, ctorch_value* value);

void from_items(const std::vector<IValue>& items, ctorch_value* value) {
  value->items = new_items(items.size());
  for (size_t i = 0; i < items.size(); ++i) from_ivalue(items[i], &value->items[i]);
}

void from_text(const std::string& text, ctorch_value* value) {
  value->tag = CTORCH_VALUE_TEXT;
  value->text = copy_text(text);
  value->count = static_cast<int64_t>(text.size());
}

void from_ivalue(const IValue& source, ctorch_value* value) {
  if (source.isNone()) {
    value->tag = CTORCH_VALUE_NONE;
  } else if (source.isTensor()) {
    value->tag = CTORCH_VALUE_TENSOR;
    value->tensor = ctorch::hand_over_copy(source.toTensor());
  } else if (source.isInt()) {
    value->tag = CTORCH_VALUE_INTEGER;
    value->integer = source.toInt();
  } else if (source.isDouble()) {
    value->tag = CTORCH_VALUE_NUMBER;
    value->number = source.toDouble();
  } else if (source.isBool()) {
    value->tag = CTORCH_VALUE_BOOL;
    value->integer = source.toBool();
  } else if (source.isString()) {
    from_text(source.toStringRef(), value);
  } else if (source.isDevice()) {
    from_text(source.toDevice().str(), value);
  } else if (source.isTuple()) {
    const auto& elements = source.toTupleRef().elements();
    value->tag = CTORCH_VALUE_TUPLE;
    value->count = static_cast<int64_t>(elements.size());
    from_items(std::vector<IValue>(elements.begin(), elements.end()), value);
  } else if (source.isList()) {
    const auto list = source.toListRef();
    value->tag = CTORCH_VALUE_LIST;
    value->count = static_cast<int64_t>(list.size());
    from_items(std::vector<IValue>(list.begin(), list.end()), value);
  } else if (source.isGenericDict()) {
    const auto dict = source.toGenericDict();
    std::vector<IValue> items;
    for (const auto& entry : dict) {
      items.push_back(entry.key());
      items.push_back(entry.value());
    }
    value->tag = CTORCH_VALUE_DICT;
    value->count = static_cast<int64_t>(dict.size());
    from_items(items, value);
  } else {
    throw ctorch::Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                        "a value of type " + source.tagKind() + " has no counterpart in Go"};
  }
}

// Frees the tensors too, for a result that never reaches the caller.
void discard(ctorch_value* value) {
  if (value->items != nullptr) {
    const int64_t length = value->tag == CTORCH_VALUE_DICT ? 2 * value->count : value->count;
    for (int64_t i = 0; i < length; ++i) discard(&value->items[i]);
    std::free(value->items);
  }
  std::free(value->text);
  delete value->tensor.tensor;
  *value = ctorch_value{};
}

template <class Body>
ctorch_value_result guard_value(Body&& body) noexcept {
  ctorch_value_result result{};
  result.error = guard([&] {
    const IValue value = body();
    try {
      from_ivalue(value, &result.value);
    } catch (...) {
      discard(&result.value);
      throw;
    }
  });
  return result;
}

// --- archives ---

// Reads an archive where it lies, without a copy of it.
class MemoryBuffer : public std::streambuf {
 public:
  MemoryBuffer(const void* data, int64_t bytes) {
    char* begin = const_cast<char*>(static_cast<const char*>(data));
    setg(begin, begin, begin + bytes);
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    char* base = from == std::ios_base::beg   ? eback()
                 : from == std::ios_base::cur ? gptr()
                                              : egptr();
    if (offset < eback() - base || offset > egptr() - base) return pos_type(off_type(-1));
    setg(eback(), base + offset, egptr());
    return gptr() - eback();
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

template <class Load>
ctorch_module_result load(ctorch_device device, ctorch_extra_file* files, int64_t file_count,
                          Load&& from) {
  ctorch_module_result result{};
  result.error = guard([&] {
    torch::jit::ExtraFilesMap extra;
    for (int64_t i = 0; i < file_count; ++i) extra[files[i].name] = "";
    torch::jit::Module module = from(ctorch::device_of(device), extra);
    for (int64_t i = 0; i < file_count; ++i) {
      const std::string& contents = extra[files[i].name];
      if (contents.empty()) continue;
      files[i].contents = copy_text(contents);
      files[i].bytes = static_cast<int64_t>(contents.size());
    }
    result.module = new ctorch_module{std::move(module)};
  });
  return result;
}

}  // namespace

void ctorch_value_free(ctorch_value value) {
  if (value.items != nullptr) {
    const int64_t length = value.tag == CTORCH_VALUE_DICT ? 2 * value.count : value.count;
    for (int64_t i = 0; i < length; ++i) ctorch_value_free(value.items[i]);
    std::free(value.items);
  }
  std::free(value.text);
}

void ctorch_extra_free(ctorch_extra_file* files, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    std::free(files[i].contents);
    files[i].contents = nullptr;
    files[i].bytes = 0;
  }
}

ctorch_module_result ctorch_module_load(const char* path, ctorch_device device,
                                        ctorch_extra_file* files, int64_t file_count) {
  return load(device, files, file_count, [&](at::Device place, torch::jit::ExtraFilesMap& extra) {
    return torch::jit::load(std::string(path), place, extra);
  });
}

ctorch_module_result ctorch_module_load_data(const uint8_t* data, int64_t bytes,
                                             ctorch_device device, ctorch_extra_file* files,
                                             int64_t file_count) {
  return load(device, files, file_count, [&](at::Device place, torch::jit::ExtraFilesMap& extra) {
    MemoryBuffer buffer(data, bytes);
    std::istream stream(&buffer);
    return torch::jit::load(stream, place, extra);
  });
}

ctorch_error* ctorch_module_save(const ctorch_module* module, const char* path,
                                 const ctorch_extra_file* files, int64_t file_count) {
  return guard([&] {
    torch::jit::ExtraFilesMap extra;
    for (int64_t i = 0; i < file_count; ++i) {
      extra[files[i].name] = std::string(files[i].contents, static_cast<size_t>(files[i].bytes));
    }
    module->value.save(path, extra);
  });
}

void ctorch_module_free(ctorch_module* module) {
  ctorch_error_free(guard([&] { delete module; }));
}

ctorch_value_result ctorch_module_call(ctorch_module* module, const char* method,
                                       const ctorch_value* arguments, int64_t count) {
  return guard_value([&] {
    const auto found = module->value.find_method(method);
    if (!found) {
      throw ctorch::Error{CTORCH_ERROR_MODEL, std::string("the module has no method ") + method};
    }
    std::vector<IValue> inputs;
    inputs.reserve(static_cast<size_t>(count) + 1);
    for (int64_t i = 0; i < count; ++i) inputs.push_back(to_ivalue(arguments[i]));
    return (*found)(std::move(inputs));
  });
}

int32_t ctorch_module_has_method(const ctorch_module* module, const char* method) {
  int32_t has = 0;
  ctorch_error_free(guard([&] { has = module->value.find_method(method).has_value(); }));
  return has;
}

ctorch_value_result ctorch_module_methods(const ctorch_module* module) {
  return guard_value([&] {
    c10::List<std::string> names;
    for (const auto& method : module->value.get_methods()) names.push_back(method.name());
    return IValue(names);
  });
}

ctorch_value_result ctorch_module_attribute(const ctorch_module* module, const char* name) {
  return guard_value([&] {
    torch::jit::Module owner = module->value;
    std::string rest = name;
    for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
      const IValue inner = owner.attr(rest.substr(0, dot));
      if (!inner.isModule()) {
        throw ctorch::Error{CTORCH_ERROR_MODEL, std::string("there is no attribute ") + name};
      }
      owner = inner.toModule();
      rest = rest.substr(dot + 1);
    }
    if (!owner.hasattr(rest)) {
      throw ctorch::Error{CTORCH_ERROR_MODEL, std::string("there is no attribute ") + name};
    }
    return owner.attr(rest);
  });
}

ctorch_value_result ctorch_module_tensors(const ctorch_module* module, int32_t which) {
  return guard_value([&] {
    std::vector<IValue> pairs;
    const auto add = [&](const auto& named) {
      pairs.push_back(c10::ivalue::Tuple::create({IValue(named.name), IValue(named.value)}));
    };
    if (which == CTORCH_PARAMETERS) {
      for (const auto& named : module->value.named_parameters()) add(named);
    } else {
      for (const auto& named : module->value.named_buffers()) add(named);
    }
    return c10::ivalue::Tuple::create(std::move(pairs));
  });
}

ctorch_error* ctorch_module_to(ctorch_module* module, int32_t dtype, const ctorch_device* device) {
  return guard([&] {
    // Module::to casts whole numbers too; only weights are meant.
    c10::NoGradGuard no_grad;
    const auto move = [&](at::Tensor tensor) {
      const auto type = dtype >= 0 && tensor.is_floating_point() ? ctorch::scalar_type_of(dtype)
                                                                 : tensor.scalar_type();
      const auto place = device == nullptr ? tensor.device() : ctorch::device_of(*device);
      if (type == tensor.scalar_type() && place == tensor.device()) return;
      tensor.set_data(tensor.detach().to(place, type));
    };
    for (const at::Tensor& parameter : module->value.parameters()) move(parameter);
    for (const at::Tensor& buffer : module->value.buffers()) move(buffer);
  });
}

ctorch_error* ctorch_module_channels_last(ctorch_module* module) {
  return guard([&] {
    c10::NoGradGuard no_grad;
    for (at::Tensor parameter : module->value.parameters()) {
      if (parameter.dim() != 4) continue;
      parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
    }
  });
}

ctorch_error* ctorch_module_train(ctorch_module* module, int32_t on) {
  return guard([&] { module->value.train(on != 0); });
}

ctorch_error* ctorch_module_set_requires_grad(ctorch_module* module, int32_t requires_grad) {
  return guard([&] {
    for (at::Tensor parameter : module->value.parameters()) {
      parameter.set_requires_grad(requires_grad != 0 && parameter.is_floating_point());
    }
  });
}

ctorch_module_result ctorch_module_freeze(const ctorch_module* module, const char* const* methods,
                                          int64_t count) {
  ctorch_module_result result{};
  result.error = guard([&] {
    if (module->value.is_training()) {
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          "the module is in training mode; switch it to eval mode first"};
    }
    const std::vector<std::string> kept(methods, methods + count);
    torch::jit::Module frozen = torch::jit::freeze_module(module->value, kept);
    // torch::jit::freeze folds batch normalisation into convolutions in forward alone.
    for (const std::string& method : kept) {
      auto graph = frozen.get_method(method).graph();
      torch::jit::OptimizeFrozenGraph(graph, /*optimize_numerics=*/true);
    }
    result.module = new ctorch_module{std::move(frozen)};
  });
  return result;
}

int32_t ctorch_set_profiling(int32_t enabled) {
  const bool before = torch::jit::getProfilingMode();
  torch::jit::getProfilingMode() = enabled != 0;
  return before;
}
