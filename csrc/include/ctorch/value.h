// The values that TorchScript takes and gives.
#ifndef CTORCH_VALUE_H_
#define CTORCH_VALUE_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

enum {
  CTORCH_VALUE_NONE = 0,
  CTORCH_VALUE_TENSOR = 1,
  CTORCH_VALUE_INTEGER = 2,  // a dtype, a layout and a memory format too, by their numbers
  CTORCH_VALUE_NUMBER = 3,
  CTORCH_VALUE_BOOL = 4,
  CTORCH_VALUE_TEXT = 5,  // a member of an enumeration too, by its name
  CTORCH_VALUE_TUPLE = 6,
  CTORCH_VALUE_LIST = 7,
  CTORCH_VALUE_DICT = 8,
  CTORCH_VALUE_COMPLEX = 9,
  CTORCH_VALUE_DEVICE = 10,
  CTORCH_VALUE_MODULE = 11,
  CTORCH_VALUE_NAMED_TUPLE = 12,
  // An object of a scripted class, in module: attributes and methods are had as a module's. text is
  // its class.
  CTORCH_VALUE_OBJECT = 13,
};

// One value. items holds count elements of a tuple or list, and 2*count of a dict (key, value, key,
// value ...) and of a named tuple (name, value, name, value ...). text holds count bytes.
//
// As an argument everything belongs to the caller, and TorchScript's type of the argument says what
// a list or dict is made of. As a result, element is the tag of all items of a list where its type
// in TorchScript has one (else CTORCH_VALUE_NONE); ctorch_value_free frees it.
typedef struct ctorch_value {
  int32_t tag;
  int32_t element;
  int64_t integer;  // also a bool's 0 or 1
  double number;    // also a complex number's real part
  double imaginary;
  char* text;
  int64_t count;
  struct ctorch_value* items;
  ctorch_tensor_result tensor;
  ctorch_module* module;
  ctorch_device device;
} ctorch_value;

typedef struct ctorch_value_result {
  ctorch_value value;
  ctorch_error* error;
} ctorch_value_result;

// Frees what a result holds, and leaves it without value. A tensor or module in it that has a new
// owner is set to NULL before.
CTORCH_API void ctorch_value_free(ctorch_value* value);

CTORCH_EXTERN_C_END

#endif  // CTORCH_VALUE_H_
