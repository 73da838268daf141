// Values between the C ABI and libtorch.
#ifndef CTORCH_VALUE_CONVERSION_H_
#define CTORCH_VALUE_CONVERSION_H_

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "ctorch/value.h"
#include "guard.h"

struct ctorch_module {
  torch::jit::Module value;
};

namespace ctorch {

// The value as TorchScript's type wants it. An error's message begins with where in the value it
// is, as "[3] wants int, not text".
c10::IValue to_ivalue(const ctorch_value& value, const c10::TypePtr& type);

// Fills in value, which may hold parts of source when this throws.
void from_ivalue(const c10::IValue& source, ctorch_value* value);

// What is written in Python for the type.
std::string type_text(const c10::Type& type);

// Runs body, which makes a value.
template <class Body>
ctorch_value_result guard_value(Body&& body) noexcept {
  ctorch_value_result result{};
  result.error = guard([&] { from_ivalue(body(), &result.value); });
  if (result.error != nullptr) ctorch_value_free(&result.value);
  return result;
}

}  // namespace ctorch

#endif  // CTORCH_VALUE_CONVERSION_H_
