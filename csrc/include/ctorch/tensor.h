// Tensors: making them, reading them, moving them. The plain operators are in operators.h, which
// is generated.
#ifndef CTORCH_TENSOR_H_
#define CTORCH_TENSOR_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// How many dtypes this libtorch has: their numbers are those below it.
CTORCH_API int32_t ctorch_dtype_count(void);

// A number that is the same for two handles of one tensor, and for no other while both live.
CTORCH_API uint64_t ctorch_tensor_identity(const ctorch_tensor* tensor);

// Frees a tensor's handle; the memory goes when nothing else refers to it.
CTORCH_API void ctorch_tensor_free(ctorch_tensor* tensor);
// The same for several.
CTORCH_API void ctorch_tensors_free(ctorch_tensor* const* tensors, int64_t count);

// Copies bytes from data, which holds the elements in row-major order, to a new tensor.
CTORCH_API ctorch_tensor_result ctorch_tensor_from_data(const uint8_t* data, int64_t bytes,
                                                        const int64_t* shape, int64_t dimensions,
                                                        int32_t dtype, ctorch_device device);

// Copies data, which holds the elements in row-major order, to a tensor. dtype and bytes say what
// data is, and must be the tensor's.
CTORCH_API ctorch_error* ctorch_tensor_set_data(ctorch_tensor* tensor, const uint8_t* data,
                                                int64_t bytes, int32_t dtype);

// Copies a tensor's elements to data in row-major order, from whatever device and strides it has.
// dtype and bytes say what data has room for, and must be the tensor's.
CTORCH_API ctorch_error* ctorch_tensor_to_data(const ctorch_tensor* tensor, uint8_t* data,
                                               int64_t bytes, int32_t dtype);

// A new tensor of unspecified contents.
CTORCH_API ctorch_tensor_result ctorch_empty(const int64_t* shape, int64_t dimensions,
                                             ctorch_options options);
// A new tensor filled with a value.
CTORCH_API ctorch_tensor_result ctorch_full(const int64_t* shape, int64_t dimensions,
                                            ctorch_number value, ctorch_options options);
// start, start+step, ... up to but without end.
CTORCH_API ctorch_tensor_result ctorch_arange(ctorch_number start, ctorch_number end,
                                              ctorch_number step, ctorch_options options);
// count numbers from start to end, both included.
CTORCH_API ctorch_tensor_result ctorch_linspace(ctorch_number start, ctorch_number end,
                                                int64_t count, ctorch_options options);
// The n x m matrix with ones on its diagonal.
CTORCH_API ctorch_tensor_result ctorch_eye(int64_t n, int64_t m, ctorch_options options);
// Uniform in [0, 1).
CTORCH_API ctorch_tensor_result ctorch_rand(const int64_t* shape, int64_t dimensions,
                                            ctorch_options options);
// Standard normal.
CTORCH_API ctorch_tensor_result ctorch_randn(const int64_t* shape, int64_t dimensions,
                                             ctorch_options options);
// Whole numbers, uniform in [low, high).
CTORCH_API ctorch_tensor_result ctorch_randint(int64_t low, int64_t high, const int64_t* shape,
                                               int64_t dimensions, ctorch_options options);
// A random permutation of 0 .. n-1.
CTORCH_API ctorch_tensor_result ctorch_randperm(int64_t n, ctorch_options options);

// The same elements with another dtype, on another device, or both; a copy only where something
// changes. dtype -1 keeps the dtype; device NULL keeps the device.
CTORCH_API ctorch_tensor_result ctorch_tensor_to(const ctorch_tensor* tensor, int32_t dtype,
                                                 const ctorch_device* device, int32_t non_blocking);

// Copies source's elements, broadcast and converted, to tensor. non_blocking: a copy between
// page-locked memory and a GPU goes on when the call has ended.
CTORCH_API ctorch_error* ctorch_tensor_copy(ctorch_tensor* tensor, const ctorch_tensor* source,
                                            int32_t non_blocking);

// What a tensor is: its dtype, device, number of dimensions and elements, and flags.
typedef struct ctorch_tensor_info {
  int32_t dtype;
  ctorch_device device;
  int64_t dimensions;
  int64_t elements;
  int64_t element_size;
  int32_t requires_grad;
  int32_t is_leaf;
  int32_t is_contiguous;
  ctorch_error* error;
} ctorch_tensor_info;
CTORCH_API ctorch_tensor_info ctorch_tensor_describe(const ctorch_tensor* tensor);

// Writes the sizes and strides, for which sizes and strides have room (dimensions each). strides
// may be NULL.
CTORCH_API ctorch_error* ctorch_tensor_shape(const ctorch_tensor* tensor, int64_t* sizes,
                                             int64_t* strides, int64_t dimensions);

// The only element of a one-element tensor. is_integer says that integer holds it exactly.
// imaginary is a complex number's, whose real part number is.
typedef struct ctorch_item {
  double number;
  double imaginary;
  int64_t integer;
  int32_t is_integer;
  ctorch_error* error;
} ctorch_item;
CTORCH_API ctorch_item ctorch_tensor_item(const ctorch_tensor* tensor);

// A second handle to the same tensor.
CTORCH_API ctorch_tensor_result ctorch_tensor_alias(const ctorch_tensor* tensor);

// The elements at the given indices, one for each leading dimension, as x[i, j]; a NULL among
// them stands for the whole dimension. Boolean tensors are masks.
CTORCH_API ctorch_tensor_result ctorch_tensor_index(const ctorch_tensor* tensor,
                                                    ctorch_tensor* const* indices, int64_t count);
// Writes (or, where accumulate, adds) values at the given indices, in place.
CTORCH_API ctorch_error* ctorch_tensor_index_put(ctorch_tensor* tensor,
                                                 ctorch_tensor* const* indices, int64_t count,
                                                 const ctorch_tensor* values, int32_t accumulate);

CTORCH_EXTERN_C_END

#endif  // CTORCH_TENSOR_H_
