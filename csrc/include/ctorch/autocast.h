// Autocast: operators that gain from it compute in a smaller dtype, on the calling thread.
#ifndef CTORCH_AUTOCAST_H_
#define CTORCH_AUTOCAST_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// The thread's setting for one type of device. cache says whether the casts of leaves are kept
// until the outermost leave.
typedef struct ctorch_autocast {
  int32_t device_type;
  int32_t enabled;
  int32_t dtype;
  int32_t cache;
} ctorch_autocast;

// The setting as it is.
CTORCH_API ctorch_autocast ctorch_autocast_state(int32_t device_type);

// Sets it for this thread, and hands back what it was, for ctorch_autocast_leave on the same
// thread, in reverse order.
CTORCH_API ctorch_autocast ctorch_autocast_enter(ctorch_autocast wanted);
CTORCH_API void ctorch_autocast_leave(ctorch_autocast before);

CTORCH_EXTERN_C_END

#endif  // CTORCH_AUTOCAST_H_
