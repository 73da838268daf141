// TorchScript modules, and the values that their methods take and give.
#ifndef CTORCH_MODULE_H_
#define CTORCH_MODULE_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

enum {
  CTORCH_VALUE_NONE = 0,
  CTORCH_VALUE_TENSOR = 1,
  CTORCH_VALUE_INTEGER = 2,
  CTORCH_VALUE_NUMBER = 3,
  CTORCH_VALUE_BOOL = 4,
  CTORCH_VALUE_TEXT = 5,
  CTORCH_VALUE_TUPLE = 6,
  CTORCH_VALUE_LIST = 7,
  CTORCH_VALUE_DICT = 8,
};

// One value. items holds count elements of a tuple or list, and 2*count of a dict: key, value,
// key, value ... text holds count bytes. As an argument everything belongs to the caller; as a
// result it is freed with ctorch_value_free, but for the tensors, which have a new owner.
typedef struct ctorch_value {
  int32_t tag;
  int64_t integer;  // also a bool's 0 or 1
  double number;
  char* text;
  int64_t count;
  struct ctorch_value* items;
  ctorch_tensor_result tensor;
} ctorch_value;

typedef struct ctorch_value_result {
  ctorch_value value;
  ctorch_error* error;
} ctorch_value_result;

// Frees what a result holds, not the tensors in it.
CTORCH_API void ctorch_value_free(ctorch_value value);

// A file beside the code and weights in an archive: its name, and its contents (NULL where the
// archive has none of that name), which ctorch_extra_free frees.
typedef struct ctorch_extra_file {
  const char* name;
  char* contents;
  int64_t bytes;
} ctorch_extra_file;
CTORCH_API void ctorch_extra_free(ctorch_extra_file* files, int64_t count);

typedef struct ctorch_module_result {
  ctorch_module* module;
  ctorch_error* error;
} ctorch_module_result;

// Loads an archive from a file, and fills in the extra files that are asked for by name.
CTORCH_API ctorch_module_result ctorch_module_load(const char* path, ctorch_device device,
                                                   ctorch_extra_file* files, int64_t file_count);
// The same from memory.
CTORCH_API ctorch_module_result ctorch_module_load_data(const uint8_t* data, int64_t bytes,
                                                        ctorch_device device,
                                                        ctorch_extra_file* files,
                                                        int64_t file_count);
// Writes an archive, extra files included.
CTORCH_API ctorch_error* ctorch_module_save(const ctorch_module* module, const char* path,
                                            const ctorch_extra_file* files, int64_t file_count);
CTORCH_API void ctorch_module_free(ctorch_module* module);

// Calls a method by name.
CTORCH_API ctorch_value_result ctorch_module_call(ctorch_module* module, const char* method,
                                                  const ctorch_value* arguments, int64_t count);

// Whether there is a method of that name.
CTORCH_API int32_t ctorch_module_has_method(const ctorch_module* module, const char* method);

// Its methods' names, a list of texts.
CTORCH_API ctorch_value_result ctorch_module_methods(const ctorch_module* module);

// An attribute by its dotted name ("visual.conv1.weight", "input_resolution").
CTORCH_API ctorch_value_result ctorch_module_attribute(const ctorch_module* module,
                                                       const char* name);

// Parameters or buffers of the module and all in it, as a list of (name, tensor) tuples.
enum { CTORCH_PARAMETERS = 0, CTORCH_BUFFERS = 1 };
CTORCH_API ctorch_value_result ctorch_module_tensors(const ctorch_module* module, int32_t which);

// Moves parameters and buffers; dtype (floating point ones only) -1 and device NULL keep them.
CTORCH_API ctorch_error* ctorch_module_to(ctorch_module* module, int32_t dtype,
                                          const ctorch_device* device);
// Lays the convolutions' weights out with the channels last, which their kernels are faster with.
CTORCH_API ctorch_error* ctorch_module_channels_last(ctorch_module* module);
CTORCH_API ctorch_error* ctorch_module_train(ctorch_module* module, int32_t on);
CTORCH_API ctorch_error* ctorch_module_set_requires_grad(ctorch_module* module,
                                                         int32_t requires_grad);

// A copy of a module in eval mode whose parameters, shared with it, are constants in its code, with
// batch normalisation folded into convolutions. The named methods are kept, and need not include
// forward. libtorch drops detach() from their code.
CTORCH_API ctorch_module_result ctorch_module_freeze(const ctorch_module* module,
                                                     const char* const* methods, int64_t count);

// Whether TorchScript profiles a method's first calls and then specialises it. Of the process, for
// methods that were not called yet; hands back what it was.
CTORCH_API int32_t ctorch_set_profiling(int32_t enabled);

CTORCH_EXTERN_C_END

#endif  // CTORCH_MODULE_H_
