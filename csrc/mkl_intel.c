// MKL, which is linked into libtorch_cpu, takes a slow path on processors that are not Intel's: a
// 400x768x3072 linear layer runs at 196 instead of 423 GF/s on Zen 5. It asks this function of
// its own, and libctorch comes ahead of libtorch_cpu in link order, so this one is found first.
// CTORCH_MKL_INTEL=0 in the environment turns it off.
#include "mkl_intel.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static int vendor_is(const char* name) {
  unsigned int eax, text[3];
  if (!__get_cpuid(0, &eax, &text[0], &text[2], &text[1])) return 0;
  return memcmp(text, name, sizeof(text)) == 0;
}

static int is_intel(void) { return vendor_is("GenuineIntel"); }

static int is_fast_amd(void) {
  if (!vendor_is("AuthenticAMD")) return 0;
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
static int is_intel(void) { return 0; }
static int is_fast_amd(void) { return 0; }
#endif

static int turned_off(void) {
  const char* setting = getenv("CTORCH_MKL_INTEL");
  return setting != NULL && strcmp(setting, "0") == 0;
}

int ctorch_mkl_told_intel(void) { return is_fast_amd() && !turned_off(); }

__attribute__((visibility("default"))) int mkl_serv_intel_cpu_true(void);
int mkl_serv_intel_cpu_true(void) { return is_intel() || ctorch_mkl_told_intel(); }
