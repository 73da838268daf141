// Calls from libtorch back to the caller: a custom function's backward, and hooks on gradients.
//
// The caller names what is to be called by a number of its own choice (not 0), and gives the
// function that is called with it. That may be on any thread: backward passes of CUDA tensors, and
// deeply nested ones, run on threads of libtorch's. What a callback does must not leave it by an
// exception or a jump; it reports failure with ctorch_call_fail.
#ifndef CTORCH_CALLBACK_H_
#define CTORCH_CALLBACK_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// What a callback is asked. It is valid until the callback returns, on its thread alone.
typedef struct ctorch_call ctorch_call;
typedef void (*ctorch_callback)(uint64_t number, ctorch_call* call);

// The gradients that reached the function's outputs, or the hook's one; undefined ones are absent.
CTORCH_API ctorch_tensor_list ctorch_call_gradients(ctorch_call* call);

// The tensors that were saved for the backward. Fails where one was changed in place since, or
// where an earlier backward pass has freed them.
CTORCH_API ctorch_tensor_list ctorch_call_saved(ctorch_call* call);

// Writes for each of the function's inputs whether this pass needs its gradient; count is theirs.
CTORCH_API ctorch_error* ctorch_call_needed(ctorch_call* call, int32_t* needed, int64_t count);

// Gives the results: one gradient for each input, NULL ones among them standing for none; a hook
// gives one gradient, or none to leave what came. The tensors stay the caller's.
CTORCH_API ctorch_error* ctorch_call_return(ctorch_call* call, ctorch_tensor* const* results,
                                            int64_t count);

// Makes the call that led here fail with an error of this kind and text. payload, if it is not 0,
// is a number that the error carries (see ctorch_error), or, where the error comes to nobody, that
// is forgotten.
CTORCH_API void ctorch_call_fail(ctorch_call* call, int32_t kind, const char* message,
                                 uint64_t payload);

// Numbers to which nothing in libtorch refers any more, so that the caller can let go of what they
// stand for. Destructors run inside any call, on any thread, so they only put the number on a list:
// this takes up to room numbers off it, and returns how many.
CTORCH_API int64_t ctorch_take_forgotten(uint64_t* numbers, int64_t room);

// Where the length of that list stands, for a caller that reads it (atomically) without a call.
CTORCH_API const int64_t* ctorch_forgotten_count(void);

CTORCH_EXTERN_C_END

#endif  // CTORCH_CALLBACK_H_
