/* A net over the field, one race at a time: what racing/ops/nets.py describes, on vectors of sixteen floats.
 *
 * A number is worked out by the same operations in the same order whatever vectors a processor has (nothing is
 * contracted or reordered), and a race's numbers from its own rows alone, in the order of their bytes: the same bits
 * for a card and for the race stored, in whatever order its runners come.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define ROWS 4       /* of a product that are worked out together: their sums stay in registers */
#define FEW 64       /* runners that take less time than letting go of the interpreter and coming back may cost */
#define MAX_FIELD 64 /* as racing.ops.nets says */
#define MAX_RUNS 64
#define MAX_HEADS 16
#define MAX_SIZE 4096 /* of all other numbers */
#define CLIP 4.0f
#define EPSILON 1e-5f

#if defined(FOR_EACH_PROCESSOR) /* a test builds it without */
#elif defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline)) /* so no vector is ever an argument of a call */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float Half __attribute__((vector_size(2 * LANES), aligned(4), may_alias));
typedef float Quarter __attribute__((vector_size(LANES), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

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

/* -- sums and functions --------------------------------------------------------------------------------------- */

INLINE Vector at(const float *x) { return *(const Vector *)x; }

INLINE void put(float *x, Vector value) { *(Vector *)x = value; }

INLINE Vector choose(Bits mask, Vector yes, Vector no) { return (Vector)(((Bits)yes & mask) | ((Bits)no & ~mask)); }

INLINE float sum_of(Vector x)
{
    const Half *halves = (const Half *)&x;
    const Half eight = halves[0] + halves[1];
    const Quarter *quarters = (const Quarter *)&eight;
    const Quarter four = quarters[0] + quarters[1];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE float dot(const float *a, const float *b, int n)
{
    Vector sums = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        sums += at(a + i) * at(b + i);
    float sum = sum_of(sums);
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* out = x @ weight + bias, for n rows of n_in numbers each; n_out is a multiple of LANES.  A row of x begins `stride`
 * numbers behind the one before, and one of out `out_stride`. */
INLINE void multiply(Linear by, int n, int n_in, int n_out, const float *x, int stride, float *out, int out_stride)
{
    for (int column = 0; column < n_out; column += LANES) {
        const Vector bias = by.bias ? at(by.bias + column) : (Vector){0};
        const float *weight = by.weight + column;
        float *to = out + column;
        int row = 0;
        for (; row + ROWS <= n; row += ROWS, to += ROWS * out_stride) {
            const float *from = x + (size_t)row * stride;
            Vector a = bias, b = bias, c = bias, d = bias;
            for (int i = 0; i < n_in; i++, from++) {
                const Vector w = at(weight + (size_t)i * n_out);
                a += from[0] * w, b += from[stride] * w, c += from[2 * stride] * w, d += from[3 * stride] * w;
            }
            put(to, a), put(to + out_stride, b), put(to + 2 * out_stride, c), put(to + 3 * out_stride, d);
        }
        for (; row < n; row++, to += out_stride) {
            const float *from = x + (size_t)row * stride;
            Vector a = bias;
            for (int i = 0; i < n_in; i++)
                a += from[i] * at(weight + (size_t)i * n_out);
            put(to, a);
        }
    }
}

INLINE void add(float *to, const float *what, int n)
{
    for (int i = 0; i < n; i += LANES)
        put(to + i, at(to + i) + at(what + i));
}

/* e to the power of x, which is 0 or less: a power of 2 times a polynomial (Cephes; Moshier, 1989). */
INLINE Vector exponential(Vector x)
{
    x = choose((Bits)(x < -87.0f), (Vector){0} - 87.0f, x);
    const Vector shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2**23: its last bits are the nearest integer */
    const Vector n = shifted - 12582912.0f, r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return p * (Vector)(((Bits)shifted << 23) + (127u << 23));
}

/* Each x times the share of the normal distribution below x (Abramowitz and Stegun 7.1.26, off by 1e-7). */
INLINE void gelu(float *values, int n)
{
    for (int i = 0; i < n; i += LANES) {
        const Vector x = at(values + i), z = x * 0.707106781f;
        const Bits is_low = (Bits)(z < 0.0f);
        const Vector t = 1.0f / (choose(is_low, -z, z) * 0.3275911f + 1.0f);
        Vector p = t * 1.061405429f - 1.453152027f;
        p = p * t + 1.421413741f;
        p = p * t - 0.284496736f;
        p = p * t + 0.254829592f;
        const Vector tail = 0.5f * (p * t * exponential(-(z * z)));
        put(values + i, x * choose(is_low, tail, 1.0f - tail));
    }
}

/* Rows less their mean, divided by their deviation (layer norm: Ba et al., 2016). */
INLINE void normalise(Linear by, int n, int width, const float *x, float *out)
{
    for (int row = 0; row < n; row++, x += width, out += width) {
        Vector sums = {0}, squares = {0};
        for (int i = 0; i < width; i += LANES)
            sums += at(x + i);
        const float mean = sum_of(sums) / (float)width;
        for (int i = 0; i < width; i += LANES)
            squares += (at(x + i) - mean) * (at(x + i) - mean);
        const float factor = 1.0f / sqrtf(sum_of(squares) / (float)width + EPSILON);
        for (int i = 0; i < width; i += LANES)
            put(out + i, (at(x + i) - mean) * factor * at(by.weight + i) + at(by.bias + i));
    }
}

/* Scores become shares that sum to 1; behind the last is room for a whole vector. */
INLINE void soften(float *scores, int n)
{
    float most = scores[0], sum = 0;
    for (int i = 1; i < n; i++)
        most = scores[i] > most ? scores[i] : most;
    for (int i = n; i % LANES; i++)
        scores[i] = most;
    for (int i = 0; i < n; i += LANES)
        put(scores + i, exponential(at(scores + i) - most));
    for (int i = 0; i < n; i++)
        sum += scores[i];
    for (int i = 0; i < n; i++)
        scores[i] /= sum;
}

/* -- the net -------------------------------------------------------------------------------------------------- */

INLINE float *scale(const Scales *by, const float *raw, float *to)
{
    const Vector zero = {0};
    const int n = by->n_amounts;
    int i = 0;
    for (int each = 0; each < n; each++) {
        const float x = raw[by->amounts[each]];
        to[each] = by->is_log[each] > 0 && !isnan(x) ? logf((x > 0 ? x : 0) + 1.0f) : x;
    }
    for (; i + LANES <= n; i += LANES) {
        const Vector x = at(to + i);
        Vector scaled = (x - at(by->mean + i)) * at(by->factor + i);
        scaled = choose((Bits)(scaled < -CLIP), zero - CLIP, choose((Bits)(scaled > CLIP), zero + CLIP, scaled));
        put(to + i, choose((Bits)(x == x), scaled, zero));
    }
    for (; i < n; i++) {
        const float scaled = (to[i] - by->mean[i]) * by->factor[i];
        to[i] = isnan(to[i]) ? 0.0f : scaled < -CLIP ? -CLIP : scaled > CLIP ? CLIP : scaled;
    }
    for (i = 0; i < by->n_flags; i++)
        to[n + i] = isnan(raw[by->flags[i]]) ? 1.0f : 0.0f;
    return to + n + by->n_flags;
}

/* A runner's own numbers: its features scaled, and what its codes stand for. */
INLINE void describe(const Net *net, const float *raw, float *to)
{
    const float *table = net->codes;
    to = scale(&net->of_runner, raw, to);
    for (int i = 0; i < net->n_codes; i++) {
        const float code = raw[net->code_columns[i]];
        const int64_t size = net->code_sizes[i], row = code >= 0 && code < (float)size ? (int64_t)code : 0;
        memcpy(to, table + row * net->code_width, net->code_width * sizeof(float));
        table += size * net->code_width, to += net->code_width;
    }
}

/* Hidden numbers of a runner's runs, those that there are; returns how many. */
INLINE int hide_runs(const Net *net, const float *raw, float *inputs, float *hidden)
{
    const int wide = 2 * net->run_width, n_in = net->of_run.n_amounts + net->of_run.n_flags;
    int ago[MAX_RUNS], n = 0;
    for (int run = 0; run < net->n_runs; run++, raw += net->n_run_columns) {
        int column = 0;
        while (column < net->n_run_columns && isnan(raw[column]))
            column++;
        if (column == net->n_run_columns)
            continue;
        scale(&net->of_run, raw, inputs + (size_t)n * n_in);
        ago[n++] = run;
    }
    multiply(net->run_in, n, n_in, wide, inputs, n_in, hidden, wide);
    for (int run = 0; run < n; run++)
        add(hidden + (size_t)run * wide, net->run_ago + (size_t)ago[run] * wide, wide);
    gelu(hidden, n * wide);
    return n;
}

/* What the runs of a runner say to its query, whose heads are parts of it.
 *
 * Keys and values of single runs are never made.  A head's score of a run is query . (hidden @ key + bias), the sum
 * over hidden of what `seek` holds in the head's row; and the mean of values is the value of the mean of what is
 * hidden, which takes that row's place.
 */
INLINE void read_runs(const Net *net, const float *raw, const float *query, float *seek, Room *room, float *out)
{
    const int wide = 2 * net->run_width, a_head = net->run_width / net->n_heads;
    const int n = hide_runs(net, raw, room->inputs, room->hidden);
    const float divisor = sqrtf((float)a_head);
    float scores[MAX_RUNS + 1 + LANES], no_run[MAX_HEADS];
    for (int head = 0; head < net->n_heads; head++) {
        const int start = head * a_head;
        const float base = dot(query + start, net->key.bias + start, a_head);
        float *mean = seek + head * wide;
        for (int run = 0; run < n; run++)
            scores[run] = (dot(mean, room->hidden + (size_t)run * wide, wide) + base) / divisor;
        scores[n] = dot(query + start, net->no_run + start, a_head) / divisor;
        soften(scores, n + 1);
        no_run[head] = scores[n];
        for (int i = 0; i < wide; i += LANES) {
            Vector sums = {0};
            for (int run = 0; run < n; run++)
                sums += scores[run] * at(room->hidden + (size_t)run * wide + i);
            put(mean + i, sums);
        }
    }
    /* Of each row of this product the part of its own head counts. */
    multiply((Linear){net->value.weight, NULL}, net->n_heads, wide, net->run_width, seek, wide, room->hidden,
             net->run_width);
    for (int head = 0; head < net->n_heads; head++)
        for (int i = head * a_head; i < (head + 1) * a_head; i++)
            out[i] = room->hidden[head * net->run_width + i] + (1.0f - no_run[head]) * net->value.bias[i]
                     + no_run[head] * net->no_run[net->run_width + i];
}

/* What all runs of a race say stands behind each runner's own numbers then. */
INLINE void read_all_runs(const Net *net, int n, const float *const *raw, Room *room)
{
    const int wide = 2 * net->run_width, a_head = net->run_width / net->n_heads, of_runner = net->n_heads * wide;
    float *query = room->wide;
    multiply(net->query, n, net->static_width, net->run_width, room->joined, net->n_joined, query, net->run_width);
    for (int head = 0; head < net->n_heads; head++) {
        const Linear key = {net->key.weight + (size_t)head * a_head * wide, NULL};
        multiply(key, n, a_head, wide, query + head * a_head, net->run_width, room->seek + head * wide, of_runner);
    }
    for (int row = 0; row < n; row++)
        read_runs(net, raw[row] + net->n_features, query + (size_t)row * net->run_width,
                  room->seek + (size_t)row * of_runner, room,
                  room->joined + (size_t)row * net->n_joined + net->static_width);
}

/* The runners of a race look at each other, each head for itself. */
INLINE void look_around(const Net *net, int n, const float *qkv, float *seen)
{
    const int width = net->width, a_head = width / net->n_heads;
    const float divisor = sqrtf((float)a_head);
    float scores[MAX_FIELD + LANES];
    for (int row = 0; row < n; row++, seen += width)
        for (int start = 0; start < width; start += a_head) {
            const float *query = qkv + (size_t)row * 3 * width + start, *key = qkv + width + start, *value = key + width;
            for (int other = 0; other < n; other++)
                scores[other] = dot(query, key + (size_t)other * 3 * width, a_head) / divisor;
            soften(scores, n);
            for (int i = 0; i < a_head; i += LANES) {
                Vector mean = {0};
                for (int other = 0; other < n; other++)
                    mean += scores[other] * at(value + (size_t)other * 3 * width + i);
                put(seen + start + i, mean);
            }
        }
}

/* The log odds of a race's runners, whose rows are `raw`, are weighted and added to `out`, at `place`. */
INLINE void add_race(const Net *net, int n, const float *const *raw, const int *place, double weight, Room *room,
                     double *out)
{
    const int width = net->width;
    float *x = room->x, *normed = room->normed, *wide = room->wide;
    for (int row = 0; row < n; row++)
        describe(net, raw[row], room->joined + (size_t)row * net->n_joined);
    if (net->n_runs)
        read_all_runs(net, n, raw, room);
    multiply(net->in, n, net->n_joined, net->hidden, room->joined, net->n_joined, wide, net->hidden);
    gelu(wide, n * net->hidden);
    multiply(net->down, n, net->hidden, width, wide, net->hidden, x, width);
    for (const Layer *layer = net->layers; layer < net->layers + net->n_layers; layer++) {
        normalise(layer->attention_norm, n, width, x, normed);
        multiply(layer->qkv, n, width, 3 * width, normed, width, wide, 3 * width);
        look_around(net, n, wide, normed);
        multiply(layer->out, n, width, width, normed, width, wide, width);
        add(x, wide, n * width);
        normalise(layer->forward_norm, n, width, x, normed);
        multiply(layer->up, n, width, 2 * width, normed, width, wide, 2 * width);
        gelu(wide, n * 2 * width);
        multiply(layer->back, n, 2 * width, width, wide, 2 * width, normed, width);
        add(x, normed, n * width);
    }
    normalise(net->last_norm, n, width, x, normed);
    for (int row = 0; row < n; row++)
        out[place[row]] += weight * (double)(dot(normed + (size_t)row * width, net->last, width)
                                    + dot(room->joined + (size_t)row * net->n_joined, net->straight, net->static_width));
}

FOR_EACH_PROCESSOR
static void add_races(const Net *net, const char *rows, npy_intp stride, const int64_t *bounds, npy_intp n_races,
                      double weight, Room *room, double *out)
{
    const size_t n_bytes = (net->n_features + (size_t)net->n_runs * net->n_run_columns) * sizeof(float);
    for (npy_intp race = 0; race < n_races; race++) {
        const int n = (int)(bounds[race + 1] - bounds[race]);
        const float *raw[MAX_FIELD];
        int place[MAX_FIELD];
        for (int row = 0; row < n; row++) { /* in the order of their bytes */
            const float *new = (const float *)(rows + (bounds[race] + row) * stride);
            int at = row;
            for (; at && memcmp(raw[at - 1], new, n_bytes) > 0; at--)
                raw[at] = raw[at - 1], place[at] = place[at - 1];
            raw[at] = new, place[at] = row;
        }
        add_race(net, n, raw, place, weight, room, out + bounds[race]);
    }
}

/* -- from and to Python ---------------------------------------------------------------------------------------- */

static int refuse(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

/* Room for a race of n runners, in one piece that `joined` begins; NULL if there is none. */
static float *make_room(const Net *net, int n, Room *room)
{
    const size_t run_rows = (size_t)n * net->n_heads, run_wide = 2 * (size_t)net->run_width;
    const size_t widest = net->hidden > 3 * net->width ? net->hidden : 3 * net->width;
    const size_t of_queries = net->n_runs ? (size_t)n * net->run_width : 0;
    const size_t sizes[] = {
        (size_t)n * net->n_joined, n * widest > of_queries ? n * widest : of_queries, (size_t)n * net->width,
        (size_t)n * net->width, net->n_runs ? run_rows * run_wide : 0,
        (size_t)net->n_runs * (net->of_run.n_amounts + net->of_run.n_flags),
        (net->n_runs > net->n_heads ? net->n_runs : net->n_heads) * run_wide};
    float **const parts[] = {&room->joined, &room->wide, &room->x, &room->normed, &room->seek, &room->inputs, &room->hidden};
    size_t total = 0;
    for (int i = 0; i < 7; i++)
        total += sizes[i];
    float *all = PyMem_RawMalloc(total * sizeof(float)), *at = all;
    for (int i = 0; all && i < 7; at += sizes[i++])
        *parts[i] = at;
    return all;
}

/* add_to(rows, bounds, weight, out): races are the rows from each bound to the next */
static PyObject *net_add_to(Net *net, PyObject *args)
{
    PyArrayObject *rows, *bounds, *out;
    double weight;
    if (!PyArg_ParseTuple(args, "O!O!dO!", &PyArray_Type, &rows, &PyArray_Type, &bounds, &weight, &PyArray_Type, &out))
        return NULL;
    const npy_intp n_inputs = net->n_features + (npy_intp)net->n_runs * net->n_run_columns;
    if (PyArray_NDIM(rows) != 2 || PyArray_TYPE(rows) != NPY_FLOAT || !PyArray_ISALIGNED(rows)
        || !PyArray_ISNOTSWAPPED(rows) || PyArray_DIM(rows, 1) != n_inputs
        || (n_inputs > 1 && PyArray_STRIDE(rows, 1) != sizeof(float)))
        return PyErr_Format(PyExc_ValueError, "rows must be floats of shape (n, %zd), each in one piece", (Py_ssize_t)n_inputs);
    const npy_intp n = PyArray_DIM(rows, 0);
    if (PyArray_NDIM(out) != 1 || PyArray_TYPE(out) != NPY_DOUBLE || PyArray_DIM(out, 0) != n || !PyArray_ISCARRAY(out))
        return PyErr_Format(PyExc_ValueError, "out must be %zd doubles", (Py_ssize_t)n);
    if (PyArray_NDIM(bounds) != 1 || PyArray_TYPE(bounds) != NPY_INT64 || !PyArray_ISCARRAY_RO(bounds)
        || PyArray_DIM(bounds, 0) < 1)
        return refuse("bounds must be integers, one more than there are races"), NULL;
    const int64_t *bound = PyArray_DATA(bounds);
    const npy_intp n_races = PyArray_DIM(bounds, 0) - 1;
    int64_t most = 0;
    for (npy_intp race = 0; race < n_races; race++) {
        const int64_t size = bound[race + 1] - bound[race];
        if (bound[race] < 0 || bound[race + 1] > n || size < 1 || size > MAX_FIELD)
            return refuse("a race has 1 to 64 rows, and lies within the rows"), NULL;
        most = size > most ? size : most;
    }
    if (bound[0] != 0 || bound[n_races] != n)
        return refuse("bounds must lead from the first row to behind the last"), NULL;
    Room room;
    float *all = make_room(net, (int)most, &room);
    if (!all)
        return PyErr_NoMemory();
    if (n <= FEW)
        add_races(net, PyArray_BYTES(rows), PyArray_STRIDE(rows, 0), bound, n_races, weight, &room, PyArray_DATA(out));
    else {
        Py_BEGIN_ALLOW_THREADS;
        add_races(net, PyArray_BYTES(rows), PyArray_STRIDE(rows, 0), bound, n_races, weight, &room, PyArray_DATA(out));
        Py_END_ALLOW_THREADS;
    }
    PyMem_RawFree(all);
    Py_RETURN_NONE;
}

/* Hands out an array's numbers one after the other; what is more than it has is counted, and NULL. */
typedef struct {
    const float *next;
    Py_ssize_t left;
} Numbers;

static const float *take(Numbers *from, Py_ssize_t n)
{
    const float *taken = from->next;
    from->left -= n;
    if (from->left < 0)
        return NULL;
    from->next += n;
    return taken;
}

static Linear take_linear(Numbers *from, Py_ssize_t n_in, Py_ssize_t n_out)
{
    const float *weight = take(from, n_in * n_out);
    return (Linear){weight, take(from, n_out)};
}

static void take_scales(Scales *scales, Numbers *from)
{
    scales->is_log = take(from, scales->n_amounts);
    scales->mean = take(from, scales->n_amounts);
    scales->factor = take(from, scales->n_amounts);
}

/* Point at each part of the numbers, in the order that racing.ops.nets gives them; say whether they are all. */
static int take_all(Net *net, Py_ssize_t n_numbers)
{
    Numbers from = {net->numbers, n_numbers};
    const Py_ssize_t width = net->width, wide = 2 * net->run_width;
    Py_ssize_t n_code_rows = 0;
    for (int i = 0; i < net->n_codes; i++)
        n_code_rows += net->code_sizes[i];
    take_scales(&net->of_runner, &from);
    net->codes = take(&from, n_code_rows * net->code_width);
    if (net->n_runs) {
        take_scales(&net->of_run, &from);
        net->run_in = take_linear(&from, net->of_run.n_amounts + net->of_run.n_flags, wide);
        net->run_ago = take(&from, net->n_runs * wide);
        net->key.weight = take(&from, net->run_width * wide); /* turned over: it is taken to the query's side */
        net->key.bias = take(&from, net->run_width);
        net->value = take_linear(&from, wide, net->run_width);
        net->no_run = take(&from, wide);
        net->query = take_linear(&from, net->static_width, net->run_width);
    }
    net->in = take_linear(&from, net->n_joined, net->hidden);
    net->down = take_linear(&from, net->hidden, width);
    for (Layer *layer = net->layers; layer < net->layers + net->n_layers; layer++) {
        layer->attention_norm = take_linear(&from, 1, width);
        layer->qkv = take_linear(&from, width, 3 * width);
        layer->out = take_linear(&from, width, width);
        layer->forward_norm = take_linear(&from, 1, width);
        layer->up = take_linear(&from, width, 2 * width);
        layer->back = take_linear(&from, 2 * width, width);
    }
    net->last_norm = take_linear(&from, 1, width);
    net->last = take(&from, width);
    net->straight = take(&from, net->static_width);
    return from.left == 0;
}

static int take_columns(Net *net, const int64_t *from, Py_ssize_t n)
{
    const struct {
        const int64_t **to;
        int n, limit;
    } parts[] = {
        {&net->of_runner.amounts, net->of_runner.n_amounts, net->n_features},
        {&net->of_runner.flags, net->of_runner.n_flags, net->n_features},
        {&net->code_columns, net->n_codes, net->n_features},
        {&net->code_sizes, net->n_codes, MAX_SIZE},
        {&net->of_run.amounts, net->of_run.n_amounts, net->n_run_columns},
        {&net->of_run.flags, net->of_run.n_flags, net->n_run_columns}};
    const int64_t *end = from + n;
    for (int part = 0; part < 6; part++) {
        if (end - from < parts[part].n)
            return refuse("columns are missing");
        *parts[part].to = from;
        for (int i = 0; i < parts[part].n; i++, from++)
            if (*from < 0 || *from >= parts[part].limit || (parts[part].to == &net->code_sizes && !*from))
                return refuse("a column must be one of the inputs, and a code have 1 to 4095 values");
    }
    return from == end ? 0 : refuse("more columns than the sizes say");
}

static int check_sizes(const Net *net, const int *sizes, int n)
{
    for (int i = 0; i < n; i++)
        if (sizes[i] < 0 || sizes[i] > MAX_SIZE)
            return refuse("sizes must lie within 0 and 4096");
    if (!net->n_features || !net->width || !net->hidden || !net->n_heads || net->n_heads > MAX_HEADS
        || net->n_runs > MAX_RUNS || !net->n_runs != !net->n_run_columns)
        return refuse("a net has features, widths, 1 to 16 heads, and up to 64 runs that have columns");
    if (net->width % (net->n_heads * LANES) || net->hidden % LANES || net->run_width % LANES
        || net->run_width % net->n_heads || (net->n_runs && !net->run_width))
        return refuse("widths must be multiples of 16, a head's among the runners too");
    return 0;
}

static PyObject *net_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyArrayObject *columns, *numbers;
    int s[14];
    if (!PyArg_ParseTuple(args, "(iiiiiiiiiiiiii)O!O!", s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7, s + 8, s + 9,
                          s + 10, s + 11, s + 12, s + 13, &PyArray_Type, &columns, &PyArray_Type, &numbers))
        return NULL;
    if (PyArray_NDIM(columns) != 1 || PyArray_TYPE(columns) != NPY_INT64 || !PyArray_ISCARRAY_RO(columns)
        || PyArray_NDIM(numbers) != 1 || PyArray_TYPE(numbers) != NPY_FLOAT || !PyArray_ISCARRAY_RO(numbers))
        return refuse("columns must be integers and numbers floats, of one dimension"), NULL;
    const npy_intp n_columns = PyArray_DIM(columns, 0), n_numbers = PyArray_DIM(numbers, 0);
    Net *net = (Net *)type->tp_alloc(type, 0);
    if (!net)
        return NULL;
    net->n_features = s[0], net->n_runs = s[1], net->n_run_columns = s[2];
    net->of_runner.n_amounts = s[3], net->of_runner.n_flags = s[4], net->n_codes = s[5], net->code_width = s[6];
    net->of_run.n_amounts = s[7], net->of_run.n_flags = s[8];
    net->run_width = s[9], net->hidden = s[10], net->width = s[11], net->n_heads = s[12], net->n_layers = s[13];
    net->static_width = s[3] + s[4] + s[5] * s[6];
    net->n_joined = net->static_width + (net->n_runs ? net->run_width : 0);
    int is_made = check_sizes(net, s, 14) == 0;
    if (is_made) {
        net->layers = PyMem_Calloc(net->n_layers + 1, sizeof(Layer));
        net->columns = PyMem_Malloc((n_columns + 1) * sizeof(int64_t));
        net->numbers = PyMem_Malloc((n_numbers + LANES) * sizeof(float));
        if (!net->layers || !net->columns || !net->numbers)
            PyErr_NoMemory(), is_made = 0;
    }
    if (is_made) {
        memcpy(net->columns, PyArray_DATA(columns), n_columns * sizeof(int64_t));
        memcpy(net->numbers, PyArray_DATA(numbers), n_numbers * sizeof(float));
        is_made = take_columns(net, net->columns, n_columns) == 0
                  && (take_all(net, n_numbers) || refuse("numbers must be as many as the sizes say") == 0);
    }
    for (npy_intp i = 0; is_made && i < n_numbers; i++)
        is_made = isfinite(net->numbers[i]) || refuse("numbers must be finite") == 0;
    if (!is_made)
        Py_CLEAR(net);
    return (PyObject *)net;
}

static void net_dealloc(Net *net)
{
    PyMem_Free(net->layers), PyMem_Free(net->columns), PyMem_Free(net->numbers);
    Py_TYPE(net)->tp_free((PyObject *)net);
}

static PyMethodDef net_methods[] = {
    {"add_to", (PyCFunction)net_add_to, METH_VARARGS, "Add the weighted log odds of races to out."},
    {NULL, NULL, 0, NULL}};

static PyTypeObject NetType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "racing.ops._nets.Net",
    .tp_doc = "A net over the field, ready to score; threads may share it.",
    .tp_basicsize = sizeof(Net),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = net_new,
    .tp_dealloc = (destructor)net_dealloc,
    .tp_methods = net_methods,
};

static int exec_module(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0 || PyType_Ready(&NetType) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Net", (PyObject *)&NetType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "racing.ops._nets", .m_size = 0, .m_slots = slots};

PyMODINIT_FUNC PyInit__nets(void) { return PyModuleDef_Init(&definition); }
