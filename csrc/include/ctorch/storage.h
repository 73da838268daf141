// Storages: the memory that tensors lie in, which file formats read and write as it is.
#ifndef CTORCH_STORAGE_H_
#define CTORCH_STORAGE_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// Where a tensor's elements are. identity is the same for tensors that share a storage, as long as
// one of them is open. data is the storage's first byte, NULL where it is not in the CPU's memory
// or empty; bytes is the storage's size, offset the tensor's first element, counted in elements.
// is_marked says that the elements are the conjugate or the negative of what is in the storage.
typedef struct ctorch_storage_info {
  uint64_t identity;
  uint8_t* data;
  int64_t bytes;
  int64_t offset;
  int32_t is_marked;
  ctorch_error* error;
} ctorch_storage_info;
CTORCH_API ctorch_storage_info ctorch_tensor_storage(const ctorch_tensor* tensor);

// The tensor's elements in the CPU's memory, in row-major order without gaps: the same memory where
// they are so already, else a copy. It takes no part in autograd.
CTORCH_API ctorch_tensor_result ctorch_tensor_plain(const ctorch_tensor* tensor);

// A new tensor of a dtype over the storage of another one, which must be large enough. Strides and
// offset are in elements of that dtype. Where counts is not 0, the result's bytes are the
// storage's.
CTORCH_API ctorch_tensor_result ctorch_tensor_over(const ctorch_tensor* tensor, int32_t dtype,
                                                   int64_t offset, const int64_t* sizes,
                                                   const int64_t* strides, int64_t dimensions,
                                                   int32_t counts);

CTORCH_EXTERN_C_END

#endif  // CTORCH_STORAGE_H_
