/* A net's sums, on vectors of LANES floats: included by a file for each width, which names ADD_RACES.
 *
 * A number is worked out by the same operations in the same order whatever the width (nothing is contracted or
 * reordered), and a race's numbers from its own rows alone, in the order of their bytes: the same bits for a card and
 * for the race stored, in whatever order its runners come.
 */
#define PARTS (BLOCK / LANES)
#define ROWS 4 /* of a product that are worked out together: their sums stay in registers */
#define CLIP 4.0f
#define EPSILON 1e-5f
#define INLINE static inline __attribute__((always_inline))

typedef float Vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* -- sums and functions --------------------------------------------------------------------------------------- */

INLINE Vector at(const float *x) { return *(const Vector *)x; }

INLINE void put(float *x, Vector value) { *(Vector *)x = value; }

INLINE Vector choose(Bits mask, Vector yes, Vector no) { return (Vector)(((Bits)yes & mask) | ((Bits)no & ~mask)); }

/* To a block's numbers those that are half of them ahead are added, until one is left. */
INLINE float sum_of(Vector *parts)
{
    for (int n = PARTS / 2; n; n /= 2)
        for (int i = 0; i < n; i++)
            parts[i] += parts[i + n];
#if LANES == 16
    const Eight *eights = (const Eight *)parts, eight = eights[0] + eights[1];
    const Four *fours = (const Four *)&eight, four = fours[0] + fours[1];
#elif LANES == 8
    const Four *fours = (const Four *)parts, four = fours[0] + fours[1];
#else
    const Four four = parts[0];
#endif
    return (four[0] + four[2]) + (four[1] + four[3]);
}

INLINE float dot(const float *a, const float *b, int n)
{
    Vector sums[PARTS] = {0};
    int i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (int part = 0; part < PARTS; part++)
            sums[part] += at(a + i + part * LANES) * at(b + i + part * LANES);
    float sum = sum_of(sums);
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* A block of columns of x @ weight + bias, of as many rows. */
INLINE void multiply_block(const float *weight, const float *bias, int rows, int n_in, int n_out, const float *x,
                           int stride, float *out, int out_stride)
{
    Vector sums[ROWS][PARTS];
    for (int row = 0; row < rows; row++)
        for (int part = 0; part < PARTS; part++)
            sums[row][part] = bias ? at(bias + part * LANES) : (Vector){0};
    for (int i = 0; i < n_in; i++, weight += n_out)
        for (int row = 0; row < rows; row++)
            for (int part = 0; part < PARTS; part++)
                sums[row][part] += x[row * stride + i] * at(weight + part * LANES);
    for (int row = 0; row < rows; row++)
        for (int part = 0; part < PARTS; part++)
            put(out + row * out_stride + part * LANES, sums[row][part]);
}

/* out = x @ weight + bias, for n rows of n_in numbers each; n_out is a multiple of BLOCK.  A row of x begins `stride`
 * numbers behind the one before, and one of out `out_stride`. */
INLINE void multiply(Linear by, int n, int n_in, int n_out, const float *x, int stride, float *out, int out_stride)
{
    for (int column = 0; column < n_out; column += BLOCK) {
        const float *weight = by.weight + column, *bias = by.bias ? by.bias + column : NULL;
        int row = 0;
        for (; row + ROWS <= n; row += ROWS)
            multiply_block(weight, bias, ROWS, n_in, n_out, x + (size_t)row * stride, stride,
                           out + (size_t)row * out_stride + column, out_stride);
        for (; row < n; row++)
            multiply_block(weight, bias, 1, n_in, n_out, x + (size_t)row * stride, stride,
                           out + (size_t)row * out_stride + column, out_stride);
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
        Vector sums[PARTS] = {0};
        for (int i = 0; i < width; i += BLOCK)
            for (int part = 0; part < PARTS; part++)
                sums[part] += at(x + i + part * LANES);
        const float mean = sum_of(sums) / (float)width;
        for (int i = 0; i < width; i += LANES)
            put(out + i, at(x + i) - mean);
        const float factor = 1.0f / sqrtf(dot(out, out, width) / (float)width + EPSILON);
        for (int i = 0; i < width; i += LANES)
            put(out + i, at(out + i) * factor * at(by.weight + i) + at(by.bias + i));
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
    float scores[MAX_RUNS + 1 + BLOCK], no_run[MAX_HEADS];
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
    float scores[MAX_FIELD + BLOCK];
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

void ADD_RACES(const Net *net, const char *rows, npy_intp stride, const int64_t *bounds, npy_intp n_races,
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
