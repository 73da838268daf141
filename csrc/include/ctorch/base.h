// The C ABI of libctorch: what every other header of it shares.
//
// Conventions, without exception:
//   - No C++ exception leaves a function. A function that can fail returns a ctorch_error
//     (NULL: success), alone or as a field of its result. The caller frees it.
//   - Nothing is kept between calls: the status and its text belong to the call.
//   - Handles are opaque and owned by the caller, who frees each with its own function. The
//     free functions take NULL.
//   - Text is UTF-8. Shapes, counts and sizes are int64_t, sizes in bytes.
#ifndef CTORCH_BASE_H_
#define CTORCH_BASE_H_

#include <stdint.h>

#include "headers_sum.h"

#ifdef __cplusplus
#define CTORCH_EXTERN_C_BEGIN extern "C" {
#define CTORCH_EXTERN_C_END }
#else
#define CTORCH_EXTERN_C_BEGIN
#define CTORCH_EXTERN_C_END
#endif

#if defined(__GNUC__)
#define CTORCH_API __attribute__((visibility("default")))
#else
#define CTORCH_API
#endif

// Raised whenever a struct, a function or its meaning changes. The Go side refuses a library
// with another number.
#define CTORCH_ABI_VERSION 2

CTORCH_EXTERN_C_BEGIN

// An at::Tensor.
typedef struct ctorch_tensor ctorch_tensor;
// A torch::jit::Module.
typedef struct ctorch_module ctorch_module;
// A torch::optim::Optimizer.
// An at::Generator.
typedef struct ctorch_generator ctorch_generator;

// What kind of failure an error is.
enum {
  CTORCH_ERROR_OTHER = 1,
  CTORCH_ERROR_INVALID = 2,          // shapes, dtypes, indices, arguments
  CTORCH_ERROR_OUT_OF_MEMORY = 3,    // on the CPU or on a device
  CTORCH_ERROR_DEVICE = 4,           // a device that is absent or failed
  CTORCH_ERROR_NOT_IMPLEMENTED = 5,  // libtorch has no kernel or derivative for it
  CTORCH_ERROR_MODEL = 6,            // a file that is no TorchScript archive, or raised in it
};

// A failure. message is one line, without libtorch's stack trace. payload is what a callback of the
// caller's gave with its own failure (see callback.h), else 0.
typedef struct ctorch_error {
  int32_t kind;
  char* message;
  uint64_t payload;
} ctorch_error;

// Frees an error.
CTORCH_API void ctorch_error_free(ctorch_error* error);

// A tensor that a call made. bytes is what the tensor adds to the memory of the CPU or of a GPU, as
// memory says (CTORCH_CPU or CTORCH_CUDA), and 0 for a view of another tensor; it is for the
// caller's accounting. scope is the scope that was entered on the calling thread, or 0. tensor is
// NULL exactly when error is not; both are NULL where an optional result is absent.
typedef struct ctorch_tensor_result {
  ctorch_tensor* tensor;
  int64_t bytes;
  uint64_t scope;
  ctorch_error* error;
  int32_t memory;
} ctorch_tensor_result;

// A list of tensors that a call made. items is freed with ctorch_tensor_list_free, which leaves
// the tensors in it to their new owner. The error field of the items is always NULL.
typedef struct ctorch_tensor_list {
  ctorch_tensor_result* items;
  int64_t count;
  ctorch_error* error;
} ctorch_tensor_list;

// Frees a list's array, not its tensors.
CTORCH_API void ctorch_tensor_list_free(ctorch_tensor_result* items);

// An operator's two to four results, in order; the items after them are absent.
typedef struct ctorch_tensor_results {
  ctorch_tensor_result items[4];
  ctorch_error* error;
} ctorch_tensor_results;

// A truth value that a call found.
typedef struct ctorch_bool_result {
  int32_t value;
  ctorch_error* error;
} ctorch_bool_result;

// A number, as one of these.
enum {
  CTORCH_NUMBER_INTEGER = 0,
  CTORCH_NUMBER_BOOL = 1,  // in integer
  CTORCH_NUMBER_REAL = 2,
  CTORCH_NUMBER_COMPLEX = 3,
  CTORCH_NUMBER_UNSIGNED = 4,  // above INT64_MAX; the bits are in integer
};
typedef struct ctorch_number {
  int32_t kind;
  int64_t integer;
  double real;
  double imaginary;
} ctorch_number;

// The numbers of at::ScalarType, which PyTorch keeps stable because they are in its files. An older
// libtorch does not have the last ones: what takes a dtype fails with CTORCH_ERROR_INVALID then.
enum {
  CTORCH_UINT8 = 0,
  CTORCH_INT8 = 1,
  CTORCH_INT16 = 2,
  CTORCH_INT32 = 3,
  CTORCH_INT64 = 4,
  CTORCH_FLOAT16 = 5,
  CTORCH_FLOAT32 = 6,
  CTORCH_FLOAT64 = 7,
  CTORCH_COMPLEX32 = 8,
  CTORCH_COMPLEX64 = 9,
  CTORCH_COMPLEX128 = 10,
  CTORCH_BOOL = 11,
  CTORCH_QINT8 = 12,
  CTORCH_QUINT8 = 13,
  CTORCH_QINT32 = 14,
  CTORCH_BFLOAT16 = 15,
  CTORCH_QUINT4X2 = 16,
  CTORCH_QUINT2X4 = 17,
  CTORCH_BITS1X8 = 18,
  CTORCH_BITS2X4 = 19,
  CTORCH_BITS4X2 = 20,
  CTORCH_BITS8 = 21,
  CTORCH_BITS16 = 22,
  CTORCH_FLOAT8_E5M2 = 23,
  CTORCH_FLOAT8_E4M3FN = 24,
  CTORCH_FLOAT8_E5M2FNUZ = 25,
  CTORCH_FLOAT8_E4M3FNUZ = 26,
  CTORCH_UINT16 = 27,
  CTORCH_UINT32 = 28,
  CTORCH_UINT64 = 29,
  CTORCH_UINT1 = 30,
  CTORCH_UINT2 = 31,
  CTORCH_UINT3 = 32,
  CTORCH_UINT4 = 33,
  CTORCH_UINT5 = 34,
  CTORCH_UINT6 = 35,
  CTORCH_UINT7 = 36,
  CTORCH_INT1 = 37,
  CTORCH_INT2 = 38,
  CTORCH_INT3 = 39,
  CTORCH_INT4 = 40,
  CTORCH_INT5 = 41,
  CTORCH_INT6 = 42,
  CTORCH_INT7 = 43,
  CTORCH_FLOAT8_E8M0FNU = 44,
  CTORCH_FLOAT4_E2M1FN_X2 = 45,
  CTORCH_BCOMPLEX32 = 46,
};

// A device: type is CTORCH_CPU or CTORCH_CUDA, index the GPU's number (-1: the current one).
enum { CTORCH_CPU = 0, CTORCH_CUDA = 1 };
typedef struct ctorch_device {
  int32_t type;
  int32_t index;
} ctorch_device;

// How a new tensor is made. generator may be NULL: libtorch's default one. pinned: whether the
// CPU's memory is page-locked, for copies to a GPU.
typedef struct ctorch_options {
  int32_t dtype;
  ctorch_device device;
  ctorch_generator* generator;
  int32_t pinned;
} ctorch_options;

// The ABI number that the library was built with.
CTORCH_API int32_t ctorch_abi_version(void);

// CTORCH_HEADERS_SUM of the headers that the library was built with.
CTORCH_API uint32_t ctorch_headers_sum(void);

// libtorch's version, as "2.13.0". The text is static.
CTORCH_API const char* ctorch_libtorch_version(void);

CTORCH_EXTERN_C_END

#endif  // CTORCH_BASE_H_
