// The headers are C, not only C++, and a C program can call the library.
#include <stdio.h>

#include "ctorch/ctorch.h"

int main(void) {
  if (ctorch_abi_version() != CTORCH_ABI_VERSION) {
    fprintf(stderr, "the library has ABI %d, its header %d\n", (int)ctorch_abi_version(),
            (int)CTORCH_ABI_VERSION);
    return 1;
  }
  printf("ABI %d, libtorch %s\n", (int)ctorch_abi_version(), ctorch_libtorch_version());
  return 0;
}
