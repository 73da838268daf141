// The threads that an operator computes on, and the scope of the thread that calls it.
#ifndef CTORCH_THREADS_H_
#define CTORCH_THREADS_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// The number of threads that one operation may use, whichever thread calls it.
CTORCH_API int32_t ctorch_num_threads(void);
CTORCH_API ctorch_error* ctorch_set_num_threads(int32_t threads);

// Ends the calling thread's team of OpenMP threads, for a thread that will not compute again soon.
CTORCH_API void ctorch_release_team(void);
// The same, where more than limit other threads have a team; for a thread that may compute again.
CTORCH_API void ctorch_settle_team(int32_t limit);

// Sets the scope that this thread's new tensors belong to (0: none), and hands back the one before.
CTORCH_API uint64_t ctorch_set_scope(uint64_t scope);
CTORCH_API uint64_t ctorch_current_scope(void);

CTORCH_EXTERN_C_END

#endif  // CTORCH_THREADS_H_
