/* Nets on vectors of 4 floats, which every processor has. */
#include "_nets.h"

#define LANES 4
#define ADD_RACES add_races_by_4
#include "_nets_kernel.h"
