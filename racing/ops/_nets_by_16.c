/* Nets on vectors of 16 floats, which some x86 processors have. */
#include "_nets.h"

#if HAS_WIDE_VECTORS
#pragma GCC target("avx512f")
#define LANES 16
#define ADD_RACES add_races_by_16
#include "_nets_kernel.h"
#endif
