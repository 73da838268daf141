// Numbers in C's form, as tests write them.
#ifndef CTORCH_TESTS_NUMBERS_H_
#define CTORCH_TESTS_NUMBERS_H_

#include "ctorch/base.h"

inline ctorch_number whole(int64_t value) { return {CTORCH_NUMBER_INTEGER, value, 0, 0}; }

#endif  // CTORCH_TESTS_NUMBERS_H_
