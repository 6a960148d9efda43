/* Nets on vectors of 8 floats, which x86 processors have since 2013. */
#include "_nets.h"

#if HAS_WIDE_VECTORS
#pragma GCC target("avx2")
#define LANES 8
#define ADD_RACES add_races_by_8
#include "_nets_kernel.h"
#endif
