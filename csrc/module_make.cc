// Modules made from parts, with methods compiled from TorchScript source text.
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/frontend/lexer.h>
#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/script_type_parser.h>
#include <torch/csrc/jit/frontend/sugared_value.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ctorch/module.h"
#include "guard.h"
#include "value.h"

namespace {

using c10::ClassTypePtr;
using c10::IValue;
using c10::QualifiedName;
using torch::jit::ClassDef;
using torch::jit::CompilationUnit;
using torch::jit::Def;
using torch::jit::GraphFunction;
using torch::jit::Module;
using torch::jit::NamedValue;
using torch::jit::SimpleValue;
using torch::jit::SourceRange;
using torch::jit::SugaredValue;
using Sugared = std::shared_ptr<SugaredValue>;

// A module in source text. As in Python, calling it calls forward, and a loop over it is one over
// its children, which TorchScript unrolls. It is no SimpleValue: the compiler would store that as a
// plain value, which cannot be called.
struct ModuleValue : SugaredValue {
  explicit ModuleValue(torch::jit::Value* value) : value_(value) {}

  ClassTypePtr type() const { return value_->type()->expect<c10::ClassType>(); }
  std::string kind() const override { return "module"; }
  torch::jit::Value* asValue(const SourceRange&, GraphFunction&) override { return value_; }

  bool hasAttr(const SourceRange& place, GraphFunction& function,
               const std::string& field) override {
    return SimpleValue(value_).hasAttr(place, function, field);
  }

  Sugared attr(const SourceRange& place, GraphFunction& function,
               const std::string& field) override {
    if (!hasAttr(place, function, field)) {
      throw torch::jit::ErrorReport(place)
          << "a module of class " << type()->name()->name() << " has no " << field;
    }
    Sugared value = SimpleValue(value_).attr(place, function, field);
    const auto attribute = type()->findAttribute(field);
    if (!attribute || !attribute->is_module()) return value;
    return std::make_shared<ModuleValue>(value->asValue(place, function));
  }

  void setAttr(const SourceRange& place, GraphFunction& function, const std::string& field,
               torch::jit::Value* value) override {
    SimpleValue(value_).setAttr(place, function, field, value);
  }

  Sugared call(const SourceRange& place, GraphFunction& function,
               at::ArrayRef<NamedValue> arguments, at::ArrayRef<NamedValue> named,
               size_t binders) override {
    return attr(place, function, "forward")->call(place, function, arguments, named, binders);
  }

  Sugared asTupleValue(const SourceRange& place, GraphFunction& function) override {
    std::vector<Sugared> children;
    for (size_t i = 0; i < type()->numAttributes(); ++i) {
      if (type()->getAttribute(i)->is_module()) {
        children.push_back(attr(place, function, type()->getAttributeName(i)));
      }
    }
    return std::make_shared<torch::jit::SugaredTupleValue>(std::move(children));
  }

  Sugared iter(const SourceRange& place, GraphFunction& function) override {
    return asTupleValue(place, function);
  }

  Sugared getitem(const SourceRange& place, GraphFunction& function, torch::jit::Value* index,
                  c10::TypePtr hint) override {
    return asTupleValue(place, function)->getitem(place, function, index, std::move(hint));
  }

 private:
  torch::jit::Value* value_;
};

struct ModuleSelf : torch::jit::Self {
  explicit ModuleSelf(ClassTypePtr type) : type_(std::move(type)) {}
  Sugared makeSugared(torch::jit::Value* value) const override {
    value->setType(type_);
    return std::make_shared<ModuleValue>(value);
  }
  ClassTypePtr getClassType() const override { return type_; }

 private:
  ClassTypePtr type_;
};

// torch in source text: its operators, and its dtypes, which are whole numbers in TorchScript.
struct TorchValue : torch::jit::BuiltinModule {
  TorchValue() : BuiltinModule("aten") {}
  Sugared attr(const SourceRange& place, GraphFunction& function,
               const std::string& field) override {
    static const std::map<std::string, at::ScalarType> dtypes = {
        {"uint8", at::kByte},
        {"int8", at::kChar},
        {"int16", at::kShort},
        {"int32", at::kInt},
        {"int64", at::kLong},
        {"float16", at::kHalf},
        {"float32", at::kFloat},
        {"float64", at::kDouble},
        {"bool", at::kBool},
        {"bfloat16", at::kBFloat16},
        {"complex64", at::kComplexFloat},
        {"complex128", at::kComplexDouble}};
    const auto found = dtypes.find(field);
    if (found == dtypes.end()) return BuiltinModule::attr(place, function, field);
    return std::make_shared<SimpleValue>(
        function.graph()->insertConstant(static_cast<int64_t>(found->second), place));
  }
};

// Finds the functions of the sources, torch, and what may be raised.
struct FunctionResolver : torch::jit::Resolver {
  Sugared resolveValue(const std::string& name, GraphFunction&, const SourceRange&) override {
    const auto found = functions.find(name);
    if (found != functions.end()) {
      return std::make_shared<torch::jit::FunctionValue>(found->second);
    }
    if (name == "torch") return std::make_shared<TorchValue>();
    static const std::set<std::string> exceptions = {
        "Exception",  "RuntimeError", "ValueError",     "TypeError",
        "IndexError", "KeyError",     "AssertionError", "NotImplementedError"};
    if (exceptions.count(name) > 0) return std::make_shared<torch::jit::ExceptionValue>(name);
    return nullptr;
  }

  std::map<std::string, torch::jit::Function*> functions;
};

std::string text_of(const ctorch_value& value) {
  return std::string(value.text, static_cast<size_t>(value.count));
}

// The items of a list of tuples of size parts, which Go made.
template <class Each>
void for_each(const ctorch_value& list, int64_t parts, Each&& each) {
  for (int64_t i = 0; i < list.count; ++i) {
    TORCH_INTERNAL_ASSERT(list.items[i].count == parts);
    each(list.items[i].items);
  }
}

class Maker {
 public:
  void add(const ctorch_source& source) {
    const QualifiedName prefix(source.prefix);
    std::vector<Def> functions;
    torch::jit::Parser parser(std::make_shared<torch::jit::Source>(std::string(source.text),
                                                                   std::string(source.file), 1));
    while (parser.lexer().cur().kind != torch::jit::TK_EOF) {
      switch (parser.lexer().cur().kind) {
        case torch::jit::TK_CLASS_DEF: {
          const ClassDef definition(parser.parseClass());
          const std::string name = definition.name().name();
          if (!classes_.emplace(name, Class{prefix, definition}).second) {
            throw torch::jit::ErrorReport(definition.range())
                << "class " << name << " is defined twice";
          }
          break;
        }
        case torch::jit::TK_DEF:
          functions.emplace_back(parser.parseFunction(/*is_method=*/false));
          break;
        case torch::jit::TK_NEWLINE:
          parser.lexer().next();
          break;
        default:
          parser.lexer().expected("class or def", parser.lexer().cur());
      }
    }
    for (auto* function : define(prefix, functions, nullptr)) {
      resolver_->functions[function->name()] = function;
    }
  }

  // parts is (class, parameters, buffers, attributes, children), as in ctorch_module_make.
  Module make(const ctorch_value& parts) {
    if (parts.tag == CTORCH_VALUE_MODULE) return parts.module->value;
    TORCH_INTERNAL_ASSERT(parts.count == 5);
    std::vector<Slot> slots;
    slots.push_back({"training", c10::BoolType::get(), false, false, false});
    const auto add_tensors = [&](const ctorch_value& list, bool parameter) {
      for_each(list, 2, [&](const ctorch_value* named) {
        slots.push_back({text_of(named[0]), c10::TensorType::get(), named[1].tensor.tensor->value,
                         parameter, !parameter});
      });
    };
    add_tensors(parts.items[1], true);
    add_tensors(parts.items[2], false);
    for_each(parts.items[3], 3, [&](const ctorch_value* named) {
      slots.push_back(attribute(text_of(named[0]), text_of(named[1]), named[2]));
    });
    for_each(parts.items[4], 2, [&](const ctorch_value* named) {
      const Module child = make(named[1]);
      slots.push_back({text_of(named[0]), child.type(), child._ivalue(), false, false});
    });
    const ClassTypePtr type = type_of(text_of(parts.items[0]), slots);
    Module module(unit_, type);
    for (size_t i = 0; i < slots.size(); ++i)
      module._ivalue()->setSlot(i, std::move(slots[i].value));
    return module;
  }

 private:
  struct Slot {
    std::string name;
    c10::TypePtr type;
    IValue value;
    bool is_parameter;
    bool is_buffer;
  };

  static Slot attribute(const std::string& name, const std::string& type_name,
                        const ctorch_value& value) {
    c10::TypePtr type = c10::AnyType::get();
    if (!type_name.empty()) type = torch::jit::ScriptTypeParser().parseType(type_name);
    try {
      IValue converted = ctorch::to_ivalue(value, type);
      if (type_name.empty()) type = c10::unshapedType(converted.type());
      return {name, type, std::move(converted), false, false};
    } catch (ctorch::Error& error) {
      error.message = "attribute " + name + error.message;
      throw;
    }
  }

  // Modules of one class with attributes of the same types share a type, and so its methods.
  ClassTypePtr type_of(const std::string& class_name, const std::vector<Slot>& slots) {
    std::string key = class_name;
    for (const Slot& slot : slots) {
      key += "|" + slot.name + ":" + slot.type->repr_str() +
             (slot.is_parameter ? ":parameter" : "") + (slot.is_buffer ? ":buffer" : "");
    }
    const auto found = types_.find(key);
    if (found != types_.end()) return found->second;

    std::vector<Def> methods;
    if (!class_name.empty()) methods = methods_of(class_name);
    const QualifiedName name = unit_->mangle(
        class_name.empty() ? QualifiedName("__torch__.Module")
                           : QualifiedName(classes_.at(class_name).prefix, class_name));
    const ClassTypePtr type = c10::ClassType::create(name, unit_, /*is_module=*/true);
    for (const Slot& slot : slots) {
      type->addAttribute(slot.name, slot.type, slot.is_parameter, slot.is_buffer);
    }
    unit_->register_type(type);
    for (const Def& method : methods) {
      if (type->findAttribute(method.name().name())) {
        throw torch::jit::ErrorReport(method.range())
            << class_name << " has a method and an attribute " << method.name().name();
      }
    }
    const ModuleSelf self(type);
    define(name, methods, &self);
    return types_[key] = type;
  }

  std::vector<Def> methods_of(const std::string& class_name) {
    const auto found = classes_.find(class_name);
    if (found == classes_.end()) {
      throw ctorch::Error{CTORCH_ERROR_INVALID, "the source has no class " + class_name};
    }
    std::vector<Def> methods;
    for (const auto& statement : found->second.definition.body()) {
      if (statement.kind() == torch::jit::TK_DEF) {
        methods.emplace_back(statement);
      } else if (statement.kind() != torch::jit::TK_EXPR_STMT &&
                 statement.kind() != torch::jit::TK_PASS) {  // an expression is a docstring
        throw torch::jit::ErrorReport(statement.range()) << "a class has methods alone";
      }
    }
    return methods;
  }

  std::vector<torch::jit::Function*> define(const QualifiedName& prefix,
                                            const std::vector<Def>& definitions,
                                            const torch::jit::Self* self) {
    const std::vector<torch::jit::ResolverPtr> resolvers(definitions.size(), resolver_);
    return unit_->define(prefix, {}, {}, definitions, resolvers, self);
  }

  struct Class {
    QualifiedName prefix;
    ClassDef definition;
  };

  std::shared_ptr<CompilationUnit> unit_ = std::make_shared<CompilationUnit>();
  std::shared_ptr<FunctionResolver> resolver_ = std::make_shared<FunctionResolver>();
  std::map<std::string, Class> classes_;
  std::map<std::string, ClassTypePtr> types_;
};

}  // namespace

ctorch_module_result ctorch_module_make(const ctorch_source* sources, int64_t count,
                                        const ctorch_value* parts) {
  ctorch_module_result result{};
  result.error = ctorch::guard([&] {
    try {
      Maker maker;
      for (int64_t i = 0; i < count; ++i) maker.add(sources[i]);
      result.module = new ctorch_module{maker.make(*parts)};
    } catch (const torch::jit::ErrorReport& error) {
      throw ctorch::Error{CTORCH_ERROR_MODEL, error.what()};
    } catch (const std::runtime_error& error) {  // the lexer's
      throw ctorch::Error{CTORCH_ERROR_MODEL, error.what()};
    }
  });
  return result;
}
