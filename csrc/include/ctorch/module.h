// TorchScript modules.
#ifndef CTORCH_MODULE_H_
#define CTORCH_MODULE_H_

#include "base.h"
#include "value.h"

CTORCH_EXTERN_C_BEGIN

// A file beside the code and weights in an archive.
typedef struct ctorch_extra_file {
  const char* name;
  const char* contents;
  int64_t bytes;
} ctorch_extra_file;

typedef struct ctorch_module_result {
  ctorch_module* module;
  ctorch_error* error;
} ctorch_module_result;

// Loads an archive from a file. A failure is CTORCH_ERROR_MODEL unless memory or the device failed.
// libtorch checks neither sums nor sizes in an archive, and a damaged one may crash it: the caller
// checks those first.
CTORCH_API ctorch_module_result ctorch_module_load(const char* path, ctorch_device device);
// The same from memory.
CTORCH_API ctorch_module_result ctorch_module_load_data(const uint8_t* data, int64_t bytes,
                                                        ctorch_device device);
// TorchScript source text: classes with methods, whose first argument is self, and functions.
typedef struct ctorch_source {
  const char* file;    // its name in errors and debug records
  const char* prefix;  // of its classes' and functions' names, such as "__torch__.clip"
  const char* text;
} ctorch_source;

// Makes a module whose methods are compiled from source text. As in Python, calling a module calls
// its forward, and a loop over a module is one over its children. parts is
//
//   (class, parameters, buffers, attributes, children)
//
// class is the name of one in the sources, or "" for a module without methods. Parameters and
// buffers are lists of (name, tensor), attributes one of (name, type as text or "", value),
// children one of (name, parts or module). Modules of the same class and structure share a type. A
// mistake in a source is CTORCH_ERROR_MODEL.
CTORCH_API ctorch_module_result ctorch_module_make(const ctorch_source* sources, int64_t count,
                                                   const ctorch_value* parts);
// Writes an archive, extra files included, to an open file or pipe.
CTORCH_API ctorch_error* ctorch_module_save(const ctorch_module* module, int32_t descriptor,
                                            const ctorch_extra_file* files, int64_t file_count);
CTORCH_API void ctorch_module_free(ctorch_module* module);

// A copy that shares nothing with the module.
CTORCH_API ctorch_module_result ctorch_module_clone(const ctorch_module* module);

// Calls a method by name. named holds named_count pairs of a text and a value. Arguments that are
// neither given by place nor by name have their defaults. A failure that the method raises is
// CTORCH_ERROR_MODEL.
CTORCH_API ctorch_value_result ctorch_module_call(ctorch_module* module, const char* method,
                                                  const ctorch_value* arguments, int64_t count,
                                                  const ctorch_value* named, int64_t named_count);

// Whether there is a method of that name.
CTORCH_API int32_t ctorch_module_has_method(const ctorch_module* module, const char* method);

// Its methods: a list of (name, arguments, types of the results as texts), an argument being (name,
// type as text, whether there is a default, the default).
CTORCH_API ctorch_value_result ctorch_module_methods(const ctorch_module* module);

// The qualified name of its class, a text.
CTORCH_API ctorch_value_result ctorch_module_class(const ctorch_module* module);

// What a module is made of, as a list of (dotted name, value) tuples. Parameters, buffers and
// modules are those of the module and all in it, the module itself first with the name ""; children
// and attributes are its own. An attribute's value is its type as a text.
enum {
  CTORCH_PARAMETERS = 0,
  CTORCH_BUFFERS = 1,
  CTORCH_MODULES = 2,
  CTORCH_CHILDREN = 3,
  CTORCH_ATTRIBUTES = 4,
};
CTORCH_API ctorch_value_result ctorch_module_members(const ctorch_module* module, int32_t which);

// An attribute, parameter, buffer, module or constant by its dotted name ("visual.conv1.weight",
// "input_resolution"). CTORCH_ERROR_MODEL where there is none.
CTORCH_API ctorch_value_result ctorch_module_attribute(const ctorch_module* module,
                                                       const char* name);
// Replaces it. It has the type that it had, and a constant stays.
CTORCH_API ctorch_error* ctorch_module_set_attribute(ctorch_module* module, const char* name,
                                                     const ctorch_value* value);

// Moves parameters, buffers and gradients; dtype (floating point ones only) -1 and device NULL keep
// them.
CTORCH_API ctorch_error* ctorch_module_to(ctorch_module* module, int32_t dtype,
                                          const ctorch_device* device);
// Lays the convolutions' weights out with the channels last, which their kernels are faster with.
CTORCH_API ctorch_error* ctorch_module_channels_last(ctorch_module* module);
// Switches between training and eval mode. A frozen module stays in eval mode.
CTORCH_API ctorch_error* ctorch_module_train(ctorch_module* module, int32_t on);
// Whether it is in training mode.
CTORCH_API int32_t ctorch_module_is_training(const ctorch_module* module);
CTORCH_API ctorch_error* ctorch_module_set_requires_grad(ctorch_module* module,
                                                         int32_t requires_grad);
// Drops the parameters' gradients.
CTORCH_API ctorch_error* ctorch_module_zero_grad(ctorch_module* module);

// A copy of a module in eval mode whose parameters, shared with it, are constants in its code, with
// batch normalization folded into convolutions. forward, where there is one, and the named methods
// and attributes are kept. libtorch drops detach() from their code.
CTORCH_API ctorch_module_result ctorch_module_freeze(const ctorch_module* module,
                                                     const char* const* names, int64_t count);
// The same, with operations fused that have no gradients then.
CTORCH_API ctorch_module_result ctorch_module_optimize_for_inference(const ctorch_module* module,
                                                                     const char* const* names,
                                                                     int64_t count);

// Whether TorchScript profiles a method's first calls and then specializes it. Of the process, for
// methods that were not called yet.
CTORCH_API int32_t ctorch_profiling(void);
CTORCH_API void ctorch_set_profiling(int32_t enabled);

CTORCH_EXTERN_C_END

#endif  // CTORCH_MODULE_H_
