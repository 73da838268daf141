#include "ctorch/module.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>
#include <torch/csrc/jit/serialization/import.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <istream>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "guard.h"
#include "value.h"

namespace {

using c10::IValue;
using ctorch::guard;
using ctorch::guard_value;
using torch::jit::Module;

template <class Body>
ctorch_module_result guard_module(Body&& body) noexcept {
  ctorch_module_result result{};
  result.error = guard([&] { result.module = new ctorch_module{body()}; });
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

// Writes to a file or pipe. After a failure it takes the rest and leaves it: libtorch's writer ends
// the process where it cannot write.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor) {}
  // Of the failure, or 0.
  int error() const { return error_; }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize bytes) override {
    std::streamsize written = 0;
    while (written < bytes && error_ == 0) {
      const ssize_t now =
          ::write(descriptor_, data + written, static_cast<size_t>(bytes - written));
      if (now >= 0) {
        written += now;
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    return bytes;
  }
  int_type overflow(int_type character) override {
    const char one = traits_type::to_char_type(character);
    xsputn(&one, 1);
    return character;
  }

 private:
  int descriptor_;
  int error_ = 0;
};

template <class Load>
ctorch_module_result load(Load&& from) {
  ctorch_module_result result = guard_module(from);
  if (result.error != nullptr && result.error->kind != CTORCH_ERROR_OUT_OF_MEMORY &&
      result.error->kind != CTORCH_ERROR_DEVICE) {
    result.error->kind = CTORCH_ERROR_MODEL;
  }
  return result;
}

// --- methods ---

std::string argument_text(const c10::Argument& argument) {
  std::string text = argument.name() + ": " + ctorch::type_text(*argument.type());
  if (argument.default_value()) {
    std::ostringstream value;
    value << *argument.default_value();
    text += " = " + value.str();
  }
  return text;
}

// A method's arguments are those of its schema but for self.
std::string signature(const c10::FunctionSchema& schema) {
  std::string text = schema.name() + "(";
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    text += (i > 1 ? ", " : "") + argument_text(schema.arguments()[i]);
  }
  return text + ")";
}

IValue to_argument(const ctorch_value& value, const c10::FunctionSchema& schema, size_t place) {
  const c10::Argument& argument = schema.arguments()[place];
  try {
    return ctorch::to_ivalue(value, argument.type());
  } catch (ctorch::Error& error) {
    error.message = "argument " + std::to_string(place) + " of " + signature(schema) + ": " +
                    argument.name() + error.message;
    throw;
  }
}

// The arguments of a call, in the order of the schema, self left out.
std::vector<IValue> arrange(const c10::FunctionSchema& schema, const ctorch_value* arguments,
                            int64_t count, const ctorch_value* named, int64_t named_count) {
  const size_t given = static_cast<size_t>(count);
  const size_t wanted = schema.arguments().size() - 1;
  const auto fail = [&](const std::string& what) {
    throw ctorch::Error{CTORCH_ERROR_INVALID, signature(schema) + " " + what};
  };
  if (given > wanted) {
    fail("takes " + ctorch::counted(static_cast<int64_t>(wanted), "argument") + ", not " +
         std::to_string(given));
  }
  std::unordered_map<std::string, const ctorch_value*> by_name;
  for (int64_t i = 0; i < named_count; ++i) {
    const ctorch_value& name = named[2 * i];
    by_name[std::string(name.text, static_cast<size_t>(name.count))] = &named[2 * i + 1];
  }
  std::vector<IValue> inputs;
  inputs.reserve(wanted + 1);
  for (size_t place = 1; place <= wanted; ++place) {
    const c10::Argument& argument = schema.arguments()[place];
    const auto found = by_name.find(argument.name());
    if (place <= given) {
      if (found != by_name.end()) fail("was given " + argument.name() + " by place and by name");
      inputs.push_back(to_argument(arguments[place - 1], schema, place));
    } else if (found != by_name.end()) {
      inputs.push_back(to_argument(*found->second, schema, place));
      by_name.erase(found);
    } else if (argument.default_value()) {
      inputs.push_back(*argument.default_value());
    } else {
      fail("was not given " + argument.name());
    }
  }
  if (!by_name.empty()) fail("has no argument " + by_name.begin()->first);
  return inputs;
}

torch::jit::Method find_method(const Module& module, const std::string& name) {
  const auto found = module.find_method(name);
  if (found) return *found;
  std::string known;
  for (const auto& method : module.get_methods()) {
    known += (known.empty() ? "" : ", ") + method.name();
  }
  throw ctorch::Error{
      CTORCH_ERROR_MODEL,
      "there is no method " + name + (known.empty() ? ", nor any other" : "; there are " + known)};
}

IValue describe(const c10::FunctionSchema& schema) {
  c10::impl::GenericList arguments(c10::AnyType::get());
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    const auto& otherwise = argument.default_value();
    arguments.push_back(c10::ivalue::Tuple::create(
        {IValue(argument.name()), IValue(ctorch::type_text(*argument.type())),
         IValue(otherwise.has_value()), otherwise ? *otherwise : IValue()}));
  }
  c10::List<std::string> results;
  for (const c10::Argument& result : schema.returns()) {
    results.push_back(ctorch::type_text(*result.type()));
  }
  return c10::ivalue::Tuple::create({IValue(schema.name()), arguments, results});
}

// --- attributes ---

// What holds the attribute of a dotted name, and the name's last part.
struct Place {
  Module owner;
  std::string name;
};

bool is_plain_attribute(const c10::ClassTypePtr& type, size_t slot) {
  if (!type->is_module()) return true;  // an object of a scripted class has no parameters
  const auto& attribute = type->getAttribute(slot);
  return !type->is_parameter(slot) && !attribute->is_module() &&
         !attribute->isSubtypeOf(*c10::TensorType::get());
}

[[noreturn]] void no_attribute(const Module& owner, const std::string& name) {
  std::string known;
  const auto type = owner.type();
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    known += (known.empty() ? "" : ", ") + type->getAttributeName(i);
  }
  throw ctorch::Error{CTORCH_ERROR_MODEL, "there is no attribute " + name +
                                              (known.empty() ? "" : "; there are " + known)};
}

Place find_attribute(const Module& module, const std::string& name) {
  Place place{module, name};
  for (auto dot = place.name.find('.'); dot != std::string::npos; dot = place.name.find('.')) {
    const std::string part = place.name.substr(0, dot);
    if (!place.owner.hasattr(part)) no_attribute(place.owner, name);
    const IValue inner = place.owner.attr(part);
    if (!inner.isModule()) no_attribute(place.owner, name);
    place.owner = inner.toModule();
    place.name = place.name.substr(dot + 1);
  }
  if (!place.owner.hasattr(place.name)) no_attribute(place.owner, name);
  return place;
}

template <class Named>
IValue pairs(const Named& all) {
  c10::impl::GenericList list(c10::AnyType::get());
  for (const auto& named : all) {
    list.push_back(c10::ivalue::Tuple::create({IValue(named.name), IValue(named.value)}));
  }
  return list;
}

// The pairs of modules, whose values are no IValues.
template <class Named>
IValue module_pairs(const Named& all) {
  c10::impl::GenericList list(c10::AnyType::get());
  for (const auto& named : all) {
    list.push_back(c10::ivalue::Tuple::create({IValue(named.name), named.value._ivalue()}));
  }
  return list;
}

IValue attribute_types(const c10::ClassTypePtr& type) {
  c10::impl::GenericList list(c10::AnyType::get());
  const auto add = [&](const std::string& name, const std::string& text) {
    list.push_back(c10::ivalue::Tuple::create({IValue(name), IValue(text)}));
  };
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    if (is_plain_attribute(type, i)) {
      add(type->getAttributeName(i), ctorch::type_text(*type->getAttribute(i)));
    }
  }
  for (size_t i = 0; i < type->numConstants(); ++i) {
    add(type->getConstantName(i), ctorch::type_text(*type->getConstant(i).type()));
  }
  return list;
}

// --- freezing ---

void need_eval(const Module& module) {
  if (module.hasattr("training") && module.is_training()) {
    throw ctorch::Error{CTORCH_ERROR_INVALID,
                        "the module is in training mode; switch it to eval mode first"};
  }
}

// Those of the kept names that are methods, forward among them.
std::vector<std::string> kept_methods(const Module& module, const std::vector<std::string>& kept) {
  std::vector<std::string> methods;
  if (module.find_method("forward")) methods.push_back("forward");
  for (const std::string& name : kept) {
    if (module.find_method(name)) {
      if (name != "forward") methods.push_back(name);
    } else if (!module.hasattr(name)) {
      find_method(module, name);  // fails, and says what there is
    }
  }
  return methods;
}

Module freeze(const Module& module, std::vector<std::string> kept) {
  need_eval(module);
  const std::vector<std::string> methods = kept_methods(module, kept);
  Module frozen = torch::jit::freeze_module(module, std::move(kept));
  // torch::jit::freeze folds batch normalization into convolutions in forward alone.
  for (const std::string& method : methods) {
    auto graph = frozen.get_method(method).graph();
    torch::jit::OptimizeFrozenGraph(graph, /*optimize_numerics=*/true);
  }
  return frozen;
}

}  // namespace

ctorch_module_result ctorch_module_load(const char* path, ctorch_device device) {
  return load([&] { return torch::jit::load(std::string(path), ctorch::device_of(device)); });
}

ctorch_module_result ctorch_module_load_data(const uint8_t* data, int64_t bytes,
                                             ctorch_device device) {
  return load([&] {
    MemoryBuffer buffer(data, bytes);
    std::istream stream(&buffer);
    return torch::jit::load(stream, ctorch::device_of(device));
  });
}

ctorch_error* ctorch_module_save(const ctorch_module* module, int32_t descriptor,
                                 const ctorch_extra_file* files, int64_t file_count) {
  return guard([&] {
    torch::jit::ExtraFilesMap extra;
    for (int64_t i = 0; i < file_count; ++i) {
      extra[files[i].name] = std::string(files[i].contents, static_cast<size_t>(files[i].bytes));
    }
    DescriptorBuffer buffer(descriptor);
    std::ostream stream(&buffer);
    module->value.save(stream, extra);
    if (buffer.error() != 0) {
      throw ctorch::Error{CTORCH_ERROR_OTHER,
                          std::string("cannot write: ") + std::strerror(buffer.error())};
    }
  });
}

void ctorch_module_free(ctorch_module* module) {
  ctorch_error_free(guard([&] { delete module; }));
}

ctorch_module_result ctorch_module_clone(const ctorch_module* module) {
  return guard_module([&] {
    // Recorded, the copies would be results of the originals.
    c10::NoGradGuard no_grad;
    Module copy = module->value.deepcopy();
    const auto originals = module->value.parameters();
    auto original = originals.begin();
    for (at::Tensor parameter : copy.parameters()) {
      parameter.set_requires_grad((*original).requires_grad());
      ++original;
    }
    return copy;
  });
}

ctorch_value_result ctorch_module_call(ctorch_module* module, const char* method,
                                       const ctorch_value* arguments, int64_t count,
                                       const ctorch_value* named, int64_t named_count) {
  return guard_value([&] {
    auto found = find_method(module->value, method);
    std::vector<IValue> inputs =
        arrange(found.function().getSchema(), arguments, count, named, named_count);
    try {
      return found(std::move(inputs));
    } catch (const torch::jit::JITException& raised) {
      throw ctorch::Error{CTORCH_ERROR_MODEL, raised.getOriginalMsg().value_or(raised.what())};
    }
  });
}

int32_t ctorch_module_has_method(const ctorch_module* module, const char* method) {
  int32_t has = 0;
  ctorch_error_free(guard([&] { has = module->value.find_method(method).has_value(); }));
  return has;
}

ctorch_value_result ctorch_module_class(const ctorch_module* module) {
  return guard_value([&] { return IValue(ctorch::type_text(*module->value.type())); });
}

ctorch_value_result ctorch_module_methods(const ctorch_module* module) {
  return guard_value([&] {
    c10::impl::GenericList methods(c10::AnyType::get());
    for (const auto& method : module->value.get_methods()) {
      methods.push_back(describe(method.function().getSchema()));
    }
    return IValue(methods);
  });
}

ctorch_value_result ctorch_module_members(const ctorch_module* module, int32_t which) {
  return guard_value([&]() -> IValue {
    switch (which) {
      case CTORCH_PARAMETERS:
        return pairs(module->value.named_parameters());
      case CTORCH_BUFFERS:
        return pairs(module->value.named_buffers());
      case CTORCH_MODULES:
        return module_pairs(module->value.named_modules());
      case CTORCH_CHILDREN:
        return module_pairs(module->value.named_children());
      case CTORCH_ATTRIBUTES:
        return attribute_types(module->value.type());
      default:
        throw ctorch::Error{CTORCH_ERROR_INVALID,
                            "a module has no members of kind " + std::to_string(which)};
    }
  });
}

ctorch_value_result ctorch_module_attribute(const ctorch_module* module, const char* name) {
  return guard_value([&] {
    const Place place = find_attribute(module->value, name);
    return place.owner.attr(place.name);
  });
}

ctorch_error* ctorch_module_set_attribute(ctorch_module* module, const char* name,
                                          const ctorch_value* value) {
  return guard([&] {
    Place place = find_attribute(module->value, name);
    const auto type = place.owner.type();
    const auto slot = type->findAttributeSlot(place.name);
    if (!slot) {
      throw ctorch::Error{CTORCH_ERROR_INVALID,
                          std::string(name) + " is a constant, part of the module's code"};
    }
    try {
      place.owner._ivalue()->setSlot(*slot, ctorch::to_ivalue(*value, type->getAttribute(*slot)));
    } catch (ctorch::Error& error) {
      error.message = name + error.message;
      throw;
    }
  });
}

ctorch_error* ctorch_module_to(ctorch_module* module, int32_t dtype, const ctorch_device* device) {
  return guard([&] {
    // Module::to casts whole numbers too; only weights are meant.
    c10::NoGradGuard no_grad;
    const auto moved = [&](const at::Tensor& tensor) {
      const auto type = dtype >= 0 && tensor.is_floating_point() ? ctorch::scalar_type_of(dtype)
                                                                 : tensor.scalar_type();
      return tensor.detach().to(device == nullptr ? tensor.device() : ctorch::device_of(*device),
                                type);
    };
    const auto move = [&](at::Tensor tensor) {
      const at::Tensor data = moved(tensor);
      if (data.is_alias_of(tensor)) return;
      tensor.set_data(data);
      if (tensor.grad().defined()) tensor.mutable_grad() = moved(tensor.grad());
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
  return guard([&] {
    // Freezing takes the switch away.
    for (Module part : module->value.modules()) {
      if (part.hasattr("training")) {
        part.setattr("training", on != 0);
      } else if (on != 0) {
        throw ctorch::Error{CTORCH_ERROR_INVALID,
                            "a frozen module cannot be trained; train the one that it came from"};
      }
    }
  });
}

int32_t ctorch_module_is_training(const ctorch_module* module) {
  int32_t training = 0;
  ctorch_error_free(
      guard([&] { training = module->value.hasattr("training") && module->value.is_training(); }));
  return training;
}

ctorch_error* ctorch_module_set_requires_grad(ctorch_module* module, int32_t requires_grad) {
  return guard([&] {
    for (at::Tensor parameter : module->value.parameters()) {
      parameter.set_requires_grad(requires_grad != 0 && parameter.is_floating_point());
    }
  });
}

ctorch_error* ctorch_module_zero_grad(ctorch_module* module) {
  return guard([&] {
    for (at::Tensor parameter : module->value.parameters()) parameter.mutable_grad().reset();
  });
}

ctorch_module_result ctorch_module_freeze(const ctorch_module* module, const char* const* names,
                                          int64_t count) {
  return guard_module(
      [&] { return freeze(module->value, std::vector<std::string>(names, names + count)); });
}

ctorch_module_result ctorch_module_optimize_for_inference(const ctorch_module* module,
                                                          const char* const* names, int64_t count) {
  return guard_module([&] {
    const std::vector<std::string> kept(names, names + count);
    std::vector<std::string> methods = kept_methods(module->value, kept);
    Module frozen = freeze(module->value, kept);
    if (!methods.empty() && methods.front() == "forward") methods.erase(methods.begin());
    return torch::jit::optimize_for_inference(frozen, methods);
  });
}

int32_t ctorch_profiling(void) { return torch::jit::getProfilingMode(); }

void ctorch_set_profiling(int32_t enabled) { torch::jit::getProfilingMode() = enabled != 0; }
