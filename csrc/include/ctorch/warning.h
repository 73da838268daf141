// libtorch's warnings, which wait here for whoever wants to know of them.
#ifndef CTORCH_WARNING_H_
#define CTORCH_WARNING_H_

#include "base.h"

CTORCH_EXTERN_C_BEGIN

// A count of the warnings that wait, to be read atomically at any time. The address is static.
CTORCH_API const int32_t* ctorch_warnings_waiting(void);

// Takes the warning that has waited longest; NULL: there is none. The text is one line, and freed
// with ctorch_warning_free.
CTORCH_API char* ctorch_warning_take(void);
CTORCH_API void ctorch_warning_free(char* text);

CTORCH_EXTERN_C_END

#endif  // CTORCH_WARNING_H_
