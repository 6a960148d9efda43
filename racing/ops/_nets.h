/* What the code of a net that is the same for every processor shares with the code that is not: see _nets.c. */
#ifndef RACING_OPS_NETS_H
#define RACING_OPS_NETS_H
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/ndarraytypes.h>
#include <stdint.h>
#include <string.h>

/* Whether code for wider vectors than every processor has is built beside the other. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_WIDE_VECTORS 1
#else
#define HAS_WIDE_VECTORS 0
#endif

#define BLOCK 16     /* numbers that are worked out side by side, in as many vectors as a processor needs for them */
#define MAX_FIELD 64 /* as racing.ops.nets says */
#define MAX_RUNS 64
#define MAX_HEADS 16
#define MAX_SIZE 4096 /* of all other numbers */

/* How some columns become numbers: amounts that are scaled, then flags of what is unknown. */
typedef struct {
    int n_amounts, n_flags;
    const int64_t *amounts, *flags;
    const float *is_log, *mean, *factor;
} Scales;

typedef struct {
    const float *weight, *bias;
} Linear;

typedef struct {
    Linear attention_norm, qkv, out, forward_norm, up, back;
} Layer;

typedef struct {
    PyObject_HEAD
    int n_features, n_runs, n_run_columns, n_codes, code_width, run_width, hidden, width, n_heads, n_layers;
    int static_width, n_joined;
    Scales of_runner, of_run;
    const int64_t *code_columns, *code_sizes;
    const float *codes, *run_ago, *no_run, *last, *straight;
    Linear run_in, key, value, query, in, down, last_norm;
    Layer *layers;
    int64_t *columns;
    float *numbers;
} Net;

/* What a race takes while it is worked out. */
typedef struct {
    float *joined; /* a runner's own numbers, then what its runs say */
    float *wide, *x, *normed;
    float *seek;            /* a row a head: what each looks for among hidden numbers, then what it found */
    float *inputs, *hidden; /* of one runner's runs */
} Room;

/* Races are the rows from each bound to the next; their weighted log odds are added to out. */
typedef void AddRaces(const Net *net, const char *rows, npy_intp stride, const int64_t *bounds, npy_intp n_races,
                      double weight, Room *room, double *out);

AddRaces add_races_by_4, add_races_by_8, add_races_by_16;
#endif
