#include "cpicture/cpicture.h"

int32_t cpicture_abi_version(void) { return CPICTURE_ABI_VERSION; }
