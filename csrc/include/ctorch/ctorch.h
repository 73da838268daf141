// The whole C ABI of libctorch.
#ifndef CTORCH_CTORCH_H_
#define CTORCH_CTORCH_H_

#include "autocast.h"
#include "autograd.h"
#include "base.h"
#include "callback.h"
#include "cuda.h"
#include "device.h"
#include "function.h"
#include "indexing.h"
#include "module.h"
#include "operators.h"
#include "print.h"
#include "settings.h"
#include "storage.h"
#include "tensor.h"
#include "threads.h"
#include "value.h"
#include "warning.h"

#endif  // CTORCH_CTORCH_H_
