#include "value.h"

#include <ATen/core/enum_type.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "ctorch/module.h"
#include "ctorch/tensor.h"

namespace ctorch {
namespace {

using c10::IValue;
using c10::TypeKind;
using c10::TypePtr;

// A list of type Any may hold itself.
constexpr int deepest = 500;

ctorch_value* new_items(size_t count) {
  auto* items = static_cast<ctorch_value*>(std::calloc(count + 1, sizeof(ctorch_value)));
  if (items == nullptr) throw std::bad_alloc();
  return items;
}

bool in_pairs(const ctorch_value& value) {
  return value.tag == CTORCH_VALUE_DICT || value.tag == CTORCH_VALUE_NAMED_TUPLE;
}

int64_t item_count(const ctorch_value& value) {
  return in_pairs(value) ? 2 * value.count : value.count;
}

// --- from the ABI to libtorch ---

const char* name_of(int32_t tag) {
  switch (tag) {
    case CTORCH_VALUE_NONE:
      return "nothing";
    case CTORCH_VALUE_TENSOR:
      return "a tensor";
    case CTORCH_VALUE_INTEGER:
      return "a whole number";
    case CTORCH_VALUE_NUMBER:
      return "a number";
    case CTORCH_VALUE_BOOL:
      return "a bool";
    case CTORCH_VALUE_TEXT:
      return "text";
    case CTORCH_VALUE_TUPLE:
    case CTORCH_VALUE_NAMED_TUPLE:
      return "a tuple";
    case CTORCH_VALUE_LIST:
      return "a list";
    case CTORCH_VALUE_DICT:
      return "a dict";
    case CTORCH_VALUE_COMPLEX:
      return "a complex number";
    case CTORCH_VALUE_DEVICE:
      return "a device";
    case CTORCH_VALUE_MODULE:
      return "a module";
    case CTORCH_VALUE_OBJECT:
      return "an object of a scripted class";
    default:
      return "a value of unknown kind";
  }
}

[[noreturn]] void mismatch(const ctorch_value& value, const std::string& wanted) {
  throw Error{CTORCH_ERROR_INVALID, " wants " + wanted + ", not " + name_of(value.tag)};
}

// The item of a list, tuple or dict; an error says which one it is.
IValue to_item(const ctorch_value& item, const TypePtr& type, const std::string& where) {
  try {
    return to_ivalue(item, type);
  } catch (Error& error) {
    error.message = where + error.message;
    throw;
  }
}

std::string text_of(const ctorch_value& value) {
  return std::string(value.text, static_cast<size_t>(value.count));
}

std::string at_index(int64_t i) { return "[" + std::to_string(i) + "]"; }

IValue to_list(const ctorch_value& value, const TypePtr& element) {
  c10::impl::GenericList list(element);
  list.reserve(static_cast<size_t>(value.count));
  for (int64_t i = 0; i < value.count; ++i) {
    list.push_back(to_item(value.items[i], element, at_index(i)));
  }
  return list;
}

IValue to_dict(const ctorch_value& value, const TypePtr& key, const TypePtr& element) {
  c10::impl::GenericDict dict(key, element);
  for (int64_t i = 0; i < 2 * value.count; i += 2) {
    const ctorch_value& name = value.items[i];
    const std::string where = name.tag == CTORCH_VALUE_TEXT ? "[\"" + text_of(name) + "\"]"
                              : name.tag == CTORCH_VALUE_INTEGER
                                  ? at_index(name.integer)
                                  : "[" + std::to_string(i / 2) + "]";
    dict.insert(to_item(name, key, "'s key"), to_item(value.items[i + 1], element, where));
  }
  return dict;
}

IValue to_tuple(const ctorch_value& value, const c10::TupleTypePtr& type) {
  const auto& elements = type->elements();
  const bool named = value.tag == CTORCH_VALUE_NAMED_TUPLE;
  if (!named && value.tag != CTORCH_VALUE_TUPLE) mismatch(value, type_text(*type));
  if (value.count != static_cast<int64_t>(elements.size())) {
    throw Error{CTORCH_ERROR_INVALID, " wants a tuple of " + std::to_string(elements.size()) +
                                          " (" + type_text(*type) + "), not of " +
                                          std::to_string(value.count)};
  }
  std::vector<IValue> items;
  for (int64_t i = 0; i < value.count; ++i) {
    const size_t index = static_cast<size_t>(i);
    if (named && type->schema() != nullptr) {
      const std::string& wanted = type->schema()->arguments()[index].name();
      const std::string given = text_of(value.items[2 * i]);
      if (given != wanted) {
        throw Error{CTORCH_ERROR_INVALID,
                    at_index(i) + " is the field " + wanted + ", not " + given};
      }
    }
    const ctorch_value& item = value.items[named ? 2 * i + 1 : i];
    items.push_back(to_item(item, elements[index], at_index(i)));
  }
  if (type->schema() != nullptr) {
    return c10::ivalue::Tuple::createNamed(std::move(items), type);
  }
  return c10::ivalue::Tuple::create(std::move(items));
}

IValue to_device(const ctorch_value& value) {
  if (value.tag == CTORCH_VALUE_DEVICE) return device_of(value.device);
  if (value.tag == CTORCH_VALUE_TEXT) return at::Device(text_of(value));
  mismatch(value, "a device");
}

IValue to_enum(const ctorch_value& value, const c10::EnumTypePtr& type) {
  if (value.tag != CTORCH_VALUE_TEXT) {
    mismatch(value, "the name of a member of " + type_text(*type));
  }
  const std::string name = text_of(value);
  std::string known;
  for (const auto& member : type->enumNamesValues()) {
    if (member.first == name) {
      return IValue(c10::make_intrusive<c10::ivalue::EnumHolder>(type, name, member.second));
    }
    known += (known.empty() ? "" : ", ") + member.first;
  }
  throw Error{CTORCH_ERROR_INVALID,
              " wants a member of " + type_text(*type) + " (" + known + "), not \"" + name + "\""};
}

// A number of the kind that it came as.
IValue to_number(const ctorch_value& value, const TypePtr& type) {
  switch (value.tag) {
    case CTORCH_VALUE_INTEGER:
      return value.integer;
    case CTORCH_VALUE_NUMBER:
      return value.number;
    case CTORCH_VALUE_COMPLEX:
      return c10::complex<double>(value.number, value.imaginary);
    default:
      mismatch(value, type_text(*type));
  }
}

// The type that all items have, as far as there is one.
TypePtr common_type(const std::vector<IValue>& items, TypePtr otherwise) {
  if (items.empty()) return otherwise;
  // Tensors of all shapes are of one type.
  const TypePtr first = c10::unshapedType(items[0].type());
  for (const IValue& item : items) {
    if (*c10::unshapedType(item.type()) != *first) return c10::AnyType::get();
  }
  return first;
}

// The value where TorchScript does not say what it wants.
IValue to_any(const ctorch_value& value) {
  switch (value.tag) {
    case CTORCH_VALUE_NONE:
      return IValue();
    case CTORCH_VALUE_TENSOR:
      return value.tensor.tensor->value;
    case CTORCH_VALUE_BOOL:
      return value.integer != 0;
    case CTORCH_VALUE_TEXT:
      return text_of(value);
    case CTORCH_VALUE_DEVICE:
      return device_of(value.device);
    case CTORCH_VALUE_MODULE:
    case CTORCH_VALUE_OBJECT:
      return value.module->value._ivalue();
    case CTORCH_VALUE_INTEGER:
    case CTORCH_VALUE_NUMBER:
    case CTORCH_VALUE_COMPLEX:
      return to_number(value, c10::NumberType::get());
    case CTORCH_VALUE_TUPLE:
    case CTORCH_VALUE_NAMED_TUPLE: {
      std::vector<IValue> items;
      const int64_t step = in_pairs(value) ? 2 : 1;
      for (int64_t i = step - 1; i < item_count(value); i += step) {
        items.push_back(to_any(value.items[i]));
      }
      return c10::ivalue::Tuple::create(std::move(items));
    }
    case CTORCH_VALUE_LIST: {
      std::vector<IValue> items;
      for (int64_t i = 0; i < value.count; ++i) items.push_back(to_any(value.items[i]));
      c10::impl::GenericList list(common_type(items, c10::TensorType::get()));
      for (IValue& item : items) list.push_back(std::move(item));
      return list;
    }
    case CTORCH_VALUE_DICT: {
      std::vector<IValue> keys, items;
      for (int64_t i = 0; i < 2 * value.count; i += 2) {
        keys.push_back(to_any(value.items[i]));
        items.push_back(to_any(value.items[i + 1]));
      }
      c10::impl::GenericDict dict(common_type(keys, c10::StringType::get()),
                                  common_type(items, c10::TensorType::get()));
      for (size_t i = 0; i < keys.size(); ++i) dict.insert(keys[i], items[i]);
      return dict;
    }
    default:
      throw Error{CTORCH_ERROR_INVALID, " has the unknown tag " + std::to_string(value.tag)};
  }
}

// A value for one of several types: the first that it fits as it is, so that a whole number stays
// one beside a float.
IValue to_union(const ctorch_value& value, const c10::UnionType& type) {
  for (const TypePtr& member : type.containedTypes()) {
    const bool widened = value.tag == CTORCH_VALUE_INTEGER && member->kind() != TypeKind::IntType &&
                         type.canHoldType(*c10::IntType::get());
    if (widened) continue;
    try {
      return to_ivalue(value, member);
    } catch (const Error&) {
    }
  }
  mismatch(value, type_text(type));
}

// --- from libtorch to the ABI ---

int32_t tag_of(const TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::TensorType:
      return CTORCH_VALUE_TENSOR;
    case TypeKind::IntType:
      return CTORCH_VALUE_INTEGER;
    case TypeKind::FloatType:
      return CTORCH_VALUE_NUMBER;
    case TypeKind::BoolType:
      return CTORCH_VALUE_BOOL;
    case TypeKind::StringType:
      return CTORCH_VALUE_TEXT;
    default:
      return CTORCH_VALUE_NONE;
  }
}

void fill(const IValue& source, ctorch_value* value, int depth);

void fill_items(const std::vector<IValue>& items, ctorch_value* value, int depth) {
  value->items = new_items(items.size());
  value->count = static_cast<int64_t>(items.size());
  if (in_pairs(*value)) value->count /= 2;
  for (size_t i = 0; i < items.size(); ++i) fill(items[i], &value->items[i], depth + 1);
}

void fill_text(const std::string& text, ctorch_value* value) {
  value->tag = CTORCH_VALUE_TEXT;
  value->text = copy_text(text);
  value->count = static_cast<int64_t>(text.size());
}

void fill_tuple(const IValue& source, ctorch_value* value, int depth) {
  const auto tuple = source.toTuple();
  const auto& elements = tuple->elements();
  const auto type = tuple->type<c10::TupleType>();
  const bool named = type->schema() != nullptr;
  std::vector<IValue> items;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (named) items.emplace_back(type->schema()->arguments()[i].name());
    items.push_back(elements[i]);
  }
  value->tag = named ? CTORCH_VALUE_NAMED_TUPLE : CTORCH_VALUE_TUPLE;
  fill_items(items, value, depth);
}

void fill_class(const c10::Type& type, ctorch_value* value) {
  const std::string name = type_text(type);
  value->text = copy_text(name);
  value->count = static_cast<int64_t>(name.size());
}

void fill_dict(const IValue& source, ctorch_value* value, int depth) {
  const auto dict = source.toGenericDict();
  std::vector<IValue> items;
  for (const auto& entry : dict) {
    items.push_back(entry.key());
    items.push_back(entry.value());
  }
  value->tag = CTORCH_VALUE_DICT;
  fill_items(items, value, depth);
}

void fill(const IValue& source, ctorch_value* value, int depth) {
  if (depth > deepest) {
    throw Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                "a value is nested more than " + std::to_string(deepest) + " deep"};
  }
  if (source.isNone()) {
    value->tag = CTORCH_VALUE_NONE;
  } else if (source.isTensor()) {
    value->tag = CTORCH_VALUE_TENSOR;
    value->tensor = hand_over_copy(source.toTensor());
  } else if (source.isInt()) {
    value->tag = CTORCH_VALUE_INTEGER;
    value->integer = source.toInt();
  } else if (source.isDouble()) {
    value->tag = CTORCH_VALUE_NUMBER;
    value->number = source.toDouble();
  } else if (source.isComplexDouble()) {
    value->tag = CTORCH_VALUE_COMPLEX;
    value->number = source.toComplexDouble().real();
    value->imaginary = source.toComplexDouble().imag();
  } else if (source.isBool()) {
    value->tag = CTORCH_VALUE_BOOL;
    value->integer = source.toBool();
  } else if (source.isString()) {
    fill_text(source.toStringRef(), value);
  } else if (source.isEnum()) {
    fill_text(source.toEnumHolder()->name(), value);
  } else if (source.isDevice()) {
    const at::Device device = source.toDevice();
    value->tag = CTORCH_VALUE_DEVICE;
    value->device = {static_cast<int32_t>(device.type()), device.index()};
  } else if (source.isTuple()) {
    fill_tuple(source, value, depth);
  } else if (source.isList()) {
    const auto list = source.toList();
    value->tag = CTORCH_VALUE_LIST;
    value->element = tag_of(list.elementType());
    fill_items(list.vec(), value, depth);
  } else if (source.isGenericDict()) {
    fill_dict(source, value, depth);
  } else if (source.isModule()) {
    value->tag = CTORCH_VALUE_MODULE;
    value->module = new ctorch_module{source.toModule()};
  } else if (source.isObject()) {
    value->tag = CTORCH_VALUE_OBJECT;
    fill_class(*source.type(), value);
    value->module = new ctorch_module{torch::jit::Module(source.toObject())};
  } else {
    throw Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                "a value of type " + type_text(*source.type()) +
                    " stays in TorchScript: have a method give its parts as tensors, numbers, "
                    "text, tuples, lists or dicts"};
  }
}

}  // namespace

std::string type_text(const c10::Type& type) { return type.annotation_str(); }

IValue to_ivalue(const ctorch_value& value, const TypePtr& type) {
  const auto need = [&](int32_t tag) {
    if (value.tag != tag) mismatch(value, type_text(*type));
  };
  switch (type->kind()) {
    case TypeKind::AnyType:
      return to_any(value);
    case TypeKind::NoneType:
      need(CTORCH_VALUE_NONE);
      return IValue();
    case TypeKind::OptionalType:
      if (value.tag == CTORCH_VALUE_NONE) return IValue();
      return to_ivalue(value, type->expectRef<c10::OptionalType>().getElementType());
    case TypeKind::UnionType:
      return to_union(value, type->expectRef<c10::UnionType>());
    case TypeKind::TensorType:
      need(CTORCH_VALUE_TENSOR);
      return value.tensor.tensor->value;
    case TypeKind::IntType:
    case TypeKind::ScalarTypeType:
    case TypeKind::LayoutType:
    case TypeKind::MemoryFormatType:
      need(CTORCH_VALUE_INTEGER);
      return value.integer;
    case TypeKind::FloatType:
      if (value.tag == CTORCH_VALUE_INTEGER) return static_cast<double>(value.integer);
      need(CTORCH_VALUE_NUMBER);
      return value.number;
    case TypeKind::ComplexType:
      if (value.tag == CTORCH_VALUE_INTEGER) {
        return c10::complex<double>(static_cast<double>(value.integer), 0);
      }
      if (value.tag != CTORCH_VALUE_NUMBER) need(CTORCH_VALUE_COMPLEX);
      return c10::complex<double>(value.number, value.imaginary);
    case TypeKind::NumberType:
      return to_number(value, type);
    case TypeKind::BoolType:
      need(CTORCH_VALUE_BOOL);
      return value.integer != 0;
    case TypeKind::StringType:
      need(CTORCH_VALUE_TEXT);
      return text_of(value);
    case TypeKind::DeviceObjType:
      return to_device(value);
    case TypeKind::EnumType:
      return to_enum(value, type->expect<c10::EnumType>());
    case TypeKind::ListType:
      need(CTORCH_VALUE_LIST);
      return to_list(value, type->expectRef<c10::ListType>().getElementType());
    case TypeKind::TupleType:
      return to_tuple(value, type->expect<c10::TupleType>());
    case TypeKind::DictType: {
      need(CTORCH_VALUE_DICT);
      const auto& dict = type->expectRef<c10::DictType>();
      return to_dict(value, dict.getKeyType(), dict.getValueType());
    }
    case TypeKind::ClassType:
    case TypeKind::InterfaceType: {
      if (value.tag != CTORCH_VALUE_OBJECT) need(CTORCH_VALUE_MODULE);
      const auto& module = value.module->value;
      if (!module.type()->isSubtypeOf(*type)) {
        const std::string wanted = type_text(*type), given = type_text(*module.type());
        // Each load of an archive has classes of its own.
        throw Error{CTORCH_ERROR_INVALID,
                    wanted == given ? " wants one of type " + wanted +
                                          " of the model that it is given to, and this " + given +
                                          " is of another load: make it with a method of that model"
                                    : " wants one of type " + wanted + ", not of type " + given};
      }
      return module._ivalue();
    }
    default:
      throw Error{CTORCH_ERROR_NOT_IMPLEMENTED,
                  " wants " + type_text(*type) + ", which has no counterpart here"};
  }
}

void from_ivalue(const IValue& source, ctorch_value* value) { fill(source, value, 0); }

}  // namespace ctorch

void ctorch_value_free(ctorch_value* value) {
  if (value->items != nullptr) {
    for (int64_t i = 0; i < ctorch::item_count(*value); ++i) ctorch_value_free(&value->items[i]);
    std::free(value->items);
  }
  std::free(value->text);
  ctorch_tensor_free(value->tensor.tensor);
  ctorch_module_free(value->module);
  *value = ctorch_value{};
}
