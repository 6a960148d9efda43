/* The steps of the rating filter (racing.ratings.replay): what the runs around a day say of each runner's ability,
 * the explanation of what was measured by box, level and dog, and the levels of past races solved together.
 *
 * Every function here has its twin in plain_filter.py beside this file, which says what it means and gives the
 * same bits: each number is worked out by the same operations in the same order, and the compiler may not fuse
 * or reorder them (-ffp-contract=off).  The interpreter is let go meanwhile.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <string.h>
#include <numpy/arrayobject.h>

#define MAX_RUNS 32
#define LEAST_KNOWN 0.02
#define KNOWN_BELOW 0.98

/* A second version of a function for processors that take four numbers at a time: the same operations. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WITH_WIDE_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WITH_WIDE_VECTORS
#endif

/* -- what comes in ------------------------------------------------------------------------------------- */

/* The data of an array that must be contiguous and of a type; NULL with a Python exception if it is not. */
static void *data_of(PyObject *object, int type, int n_dims, const char *name)
{
    if (!PyArray_Check(object) || PyArray_TYPE((PyArrayObject *)object) != type
        || PyArray_NDIM((PyArrayObject *)object) != n_dims || !PyArray_ISCARRAY_RO((PyArrayObject *)object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a contiguous array of %s in %d dimensions", name,
                     type == NPY_DOUBLE ? "float64" : "int64", n_dims);
        return NULL;
    }
    return PyArray_DATA((PyArrayObject *)object);
}

static npy_intp size_of(PyObject *array, int axis) { return PyArray_DIM((PyArrayObject *)array, axis); }

/* Whether whole numbers all lie in first..last; sets a Python exception if not. */
static int are_within(const npy_int64 *values, npy_intp n, npy_int64 first, npy_int64 last, const char *name)
{
    for (npy_intp i = 0; i < n; i++)
        if (values[i] < first || values[i] > last) {
            PyErr_Format(PyExc_IndexError, "%s must lie in %lld..%lld, got %lld", name, (long long)first,
                         (long long)last, (long long)values[i]);
            return 0;
        }
    return 1;
}

static PyObject *new_floats(npy_intp n) { return PyArray_SimpleNew(1, &n, NPY_DOUBLE); }

#define VALUES(array) ((double *)PyArray_DATA((PyArrayObject *)(array)))

/* -- abilities ------------------------------------------------------------------------------------------ */

/* Tables of one row a run, dog by dog: a runner's rows lie side by side, and few lines of memory are read. */
typedef struct {
    const npy_int64 (*around)[4];
    const double (*facts)[4];
    const double *performed;
    npy_intp n_runs, n_revisions;
} History;

enum { DOG_START, DAY_START, DAY_END, DOG_END };
enum { DAY, TRACK, ZONE, DISTANCE };

typedef struct {
    double debut, day, run, track, course, distance, zone;
    const double *alike; /* by the numbers of two distances */
    npy_intp n_distances;
} Kernel;

/* The runs around some runners that say something of them: of a number of runners at once, side by side, since a
 * processor works on several numbers at a time.  Runs are compacted, and beyond the last n of a runner empty. */
#define LANES 8
typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef npy_int64 Flags __attribute__((vector_size(LANES * sizeof(npy_int64)))); /* all bits or none */
#define WHERE(flags, values) ((Lanes)((flags) & (Flags)(values))) /* 0 elsewhere */
#define ELSE(flags, values, others) ((Lanes)(((flags) & (Flags)(values)) | (~(flags) & (Flags)(others))))

typedef struct {
    npy_intp most;
    Flags n, card_distance, distance[MAX_RUNS];
    Lanes since_oldest, card_track, card_zone;
    Lanes state[MAX_RUNS], observed[MAX_RUNS], noise[MAX_RUNS], track[MAX_RUNS], zone[MAX_RUNS];
} Seen;

/* The revision of a performance that is known so many days after its run. */
static npy_intp revision_at(double days_later, const double *revision_days, npy_intp n_revisions)
{
    npy_intp newest = 0;
    for (npy_intp r = 1; r < n_revisions; r++)
        if (days_later >= revision_days[r - 1])
            newest = r;
    return newest;
}

static void see(Seen *seen, int l, const History *history, const Kernel *kernel, double day, npy_int64 run,
                double runs_ago, double moved, double as_of, const double *revision_days)
{
    const double *facts = history->facts[run];
    const double *performed = history->performed + run * (2 * history->n_revisions + 1);
    const double drift = kernel->day * (day - facts[DAY]) + kernel->run * runs_ago;
    const npy_intp revision = revision_at(as_of - facts[DAY], revision_days, history->n_revisions);
    const double observed = performed[revision] + moved;
    if (drift > seen->since_oldest[l])
        seen->since_oldest[l] = drift;
    if (isnan(observed))
        return;
    const npy_intp k = seen->n[l]++;
    seen->observed[k][l] = observed;
    seen->noise[k][l] = performed[history->n_revisions + revision];
    seen->state[k][l] = drift;
    seen->track[k][l] = facts[TRACK];
    seen->zone[k][l] = facts[ZONE];
    seen->distance[k][l] = (npy_int64)facts[DISTANCE];
    if (seen->n[l] > seen->most)
        seen->most = seen->n[l];
}

static double shift_of(const History *history, npy_int64 run)
{
    return history->performed[(run + 1) * (2 * history->n_revisions + 1) - 1];
}

/* See the runs around the runner at a place. */
static void see_around(Seen *seen, int l, const History *history, const Kernel *kernel, npy_int64 place,
                       npy_intp n_before, npy_intp n_after, double until, double as_of, const double *revision_days)
{
    const npy_int64 *around = history->around[place];
    const double *card = history->facts[place];
    double since = 0.0, later = 0.0, moved = -shift_of(history, place);
    seen->card_track[l] = card[TRACK];
    seen->card_zone[l] = card[ZONE];
    seen->card_distance[l] = (npy_int64)card[DISTANCE];
    for (npy_intp k = 1; k <= n_before && around[DAY_START] - k >= around[DOG_START]; k++) {
        const npy_int64 run = around[DAY_START] - k;
        since += shift_of(history, run);
        see(seen, l, history, kernel, card[DAY], run, (double)k, since, as_of, revision_days);
    }
    for (npy_intp k = 0; k < n_after && around[DAY_END] + k < around[DOG_END]; k++) {
        const npy_int64 run = around[DAY_END] + k;
        if (!(history->facts[run][DAY] < until))
            break;
        see(seen, l, history, kernel, card[DAY], run, -(double)(k + 1), moved, as_of, revision_days);
        later += shift_of(history, run);
        moved = -shift_of(history, place) - later;
    }
}

/* Ask for the memory of the runs around a place, to be there when they are seen. */
static void fetch_around(const History *history, npy_int64 place)
{
#ifdef __GNUC__
    const npy_intp width = 2 * history->n_revisions + 1;
    __builtin_prefetch(history->around[place]);
    for (npy_int64 run = place - 12 > 0 ? place - 12 : 0; run <= place; run += 2) {
        __builtin_prefetch(history->facts[run]);
        __builtin_prefetch(history->performed + run * width);
        __builtin_prefetch(history->performed + (run + 1) * width);
    }
#endif
}

/* Mean, loading and variance of the runners' abilities, by what was seen of their dogs. */
WITH_WIDE_VECTORS
static void condition(const Seen *seen, const Kernel *kernel, Lanes *mean, Lanes *loading, Lanes *variance)
{
    Lanes a[MAX_RUNS][MAX_RUNS]; /* a[c][r], c <= r; what is empty is 0 beside 1 on the diagonal: no change */
    Lanes state[MAX_RUNS], to_card[MAX_RUNS], gain[MAX_RUNS];
    const npy_intp m = seen->most;
    const Lanes none = {0.0}, debut = none + kernel->debut, by_track = none + kernel->track,
                by_course = none + kernel->course, by_distance = none + kernel->distance,
                by_zone = none + kernel->zone;

#define COVARIANCE(out, state, track1, track2, distance1, distance2, zone1, zone2)                              \
    do {                                                                                                        \
        const Flags on_track = (track1) == (track2), at = (distance1) * kernel->n_distances + (distance2);      \
        Lanes alike;                                                                                            \
        for (int l = 0; l < LANES; l++)                                                                         \
            alike[l] = kernel->alike[at[l]];                                                                    \
        out = debut + (state) + WHERE(on_track, by_track)                                                       \
              + WHERE(on_track & ((distance1) == (distance2)), by_course) + alike                               \
              + WHERE((zone1) == (zone2), by_zone);                                                             \
    } while (0)
    for (npy_intp k = 0; k < m; k++)
        state[k] = seen->since_oldest - seen->state[k];
    for (npy_intp c = 0; c < m; c++) {
        const Lanes own = debut + state[c] + by_track + by_course + by_distance + by_zone + seen->noise[c];
        Lanes found;
        a[c][c] = ELSE(seen->n > c, own, none + 1.0);
        for (npy_intp r = c + 1; r < m; r++) {
            COVARIANCE(found, ELSE(state[r] < state[c], state[r], state[c]), seen->track[r], seen->track[c],
                       seen->distance[r], seen->distance[c], seen->zone[r], seen->zone[c]);
            a[c][r] = WHERE(seen->n > r, found);
        }
        COVARIANCE(found, ELSE(state[c] < seen->since_oldest, state[c], seen->since_oldest), seen->track[c],
                   seen->card_track, seen->distance[c], seen->card_distance, seen->zone[c], seen->card_zone);
        gain[c] = to_card[c] = WHERE(seen->n > c, found);
    }
    /* Cholesky in place: a = l l', then l y = to_card, l' gain = y. */
    for (npy_intp c = 0; c < m; c++) {
        for (npy_intp k = 0; k < c; k++)
            for (npy_intp r = c; r < m; r++)
                a[c][r] -= a[k][r] * a[k][c];
        for (int l = 0; l < LANES; l++)
            a[c][c][l] = sqrt(a[c][c][l]);
        for (npy_intp r = c + 1; r < m; r++)
            a[c][r] /= a[c][c];
    }
    for (npy_intp k = 0; k < m; k++) {
        gain[k] /= a[k][k];
        for (npy_intp r = k + 1; r < m; r++)
            gain[r] -= a[k][r] * gain[k];
    }
    for (npy_intp r = m - 1; r >= 0; r--) {
        for (npy_intp k = r + 1; k < m; k++)
            gain[r] -= a[r][k] * gain[k];
        gain[r] /= a[r][r];
    }
    Lanes sum = none, known = none, explained = none;
    for (npy_intp k = 0; k < m; k++) {
        sum += gain[k] * seen->observed[k];
        known += gain[k];
        explained += gain[k] * to_card[k];
    }
    *mean = sum;
    *loading = 1.0 - known;
    *variance = debut + seen->since_oldest + by_track + by_course + by_distance + by_zone - explained;
}

/* Whether all that is read around a run lies in the tables; sets a Python exception if not. */
static int is_around(const History *history, npy_int64 place, npy_intp n_before, npy_intp n_after,
                     npy_intp n_distances)
{
    const npy_int64 *around = history->around[place], first = around[DOG_START], last = around[DOG_END];
    if (first < 0 || last > history->n_runs || around[DAY_START] < first || around[DAY_START] > place
        || around[DAY_END] > last || around[DAY_END] <= place) {
        PyErr_SetString(PyExc_IndexError, "a run lies on its day, and its day within its dog's runs");
        return 0;
    }
    const npy_int64 newest = around[DAY_END] + n_after, oldest = around[DAY_START] - n_before;
    for (npy_int64 run = oldest > first ? oldest : first; run < (newest < last ? newest : last); run++)
        if (!(history->facts[run][DISTANCE] >= 0.0 && history->facts[run][DISTANCE] < (double)n_distances)) {
            PyErr_SetString(PyExc_IndexError, "a distance has a number below the size of alike");
            return 0;
        }
    return 1;
}

static PyObject *abilities(PyObject *self, PyObject *args)
{
    PyObject *places, *around, *facts, *performed, *revision_days, *numbers, *alike;
    Py_ssize_t n_before, n_after;
    double until, as_of;
    if (!PyArg_ParseTuple(args, "OnnddOOOOOO", &places, &n_before, &n_after, &until, &as_of, &around, &facts,
                          &performed, &revision_days, &numbers, &alike))
        return NULL;
    History history;
    Kernel kernel;
    const npy_int64 *place;
    const double *lags, *number;
    if (!(place = data_of(places, NPY_INT64, 1, "places"))
        || !(history.around = data_of(around, NPY_INT64, 2, "around"))
        || !(history.facts = data_of(facts, NPY_DOUBLE, 2, "facts"))
        || !(history.performed = data_of(performed, NPY_DOUBLE, 2, "performed"))
        || !(lags = data_of(revision_days, NPY_DOUBLE, 1, "revision_days"))
        || !(number = data_of(numbers, NPY_DOUBLE, 1, "kernel"))
        || !(kernel.alike = data_of(alike, NPY_DOUBLE, 2, "alike")))
        return NULL;
    const npy_intp n = size_of(places, 0);
    history.n_runs = size_of(around, 0);
    history.n_revisions = (size_of(performed, 1) - 1) / 2;
    kernel.n_distances = size_of(alike, 0);
    if (size_of(around, 1) != 4 || size_of(facts, 1) != 4 || size_of(performed, 1) != 2 * history.n_revisions + 1
        || size_of(facts, 0) != history.n_runs || size_of(performed, 0) != history.n_runs || n_before < 0
        || n_after < 0 || n_before + n_after > MAX_RUNS || size_of(numbers, 0) != 8
        || size_of(alike, 1) != kernel.n_distances || history.n_revisions < 1
        || size_of(revision_days, 0) < history.n_revisions - 1) {
        PyErr_Format(PyExc_ValueError, "shapes do not fit, or there are more than %d runs a dog", MAX_RUNS);
        return NULL;
    }
    if (!are_within(place, n, 0, history.n_runs - 1, "places"))
        return NULL;
    for (npy_intp i = 0; i < n; i++) {
        if (i + LANES < n)
            fetch_around(&history, place[i + LANES]);
        if (!is_around(&history, place[i], n_before, n_after, kernel.n_distances))
            return NULL;
    }
    kernel.debut = number[0];
    kernel.day = number[1];
    kernel.run = number[2];
    kernel.distance = number[5];
    kernel.track = number[3];
    kernel.course = number[4];
    kernel.zone = number[7];
    PyObject *mean = new_floats(n), *loading = new_floats(n), *variance = new_floats(n);
    if (mean == NULL || loading == NULL || variance == NULL) {
        Py_XDECREF(mean);
        Py_XDECREF(loading);
        Py_XDECREF(variance);
        return NULL;
    }
    Seen seen;
    double *means = VALUES(mean), *loadings = VALUES(loading), *variances = VALUES(variance);
    Py_BEGIN_ALLOW_THREADS
    for (npy_intp i = 0; i < n; i += LANES) {
        const int n_lanes = n - i < LANES ? (int)(n - i) : LANES;
        Lanes of_mean, of_loading, of_variance;
        for (npy_intp later = i + LANES; later < n && later < i + 2 * LANES; later++)
            fetch_around(&history, place[later]);
        memset(&seen, 0, sizeof(seen));
        for (int l = 0; l < n_lanes; l++)
            see_around(&seen, l, &history, &kernel, place[i + l], n_before, n_after, until, as_of, lags);
        condition(&seen, &kernel, &of_mean, &of_loading, &of_variance);
        memcpy(means + i, &of_mean, n_lanes * sizeof(double));
        memcpy(loadings + i, &of_loading, n_lanes * sizeof(double));
        memcpy(variances + i, &of_variance, n_lanes * sizeof(double));
    }
    Py_END_ALLOW_THREADS
    return Py_BuildValue("NNN", mean, loading, variance);
}

/* -- explain -------------------------------------------------------------------------------------------- */

typedef struct {
    double n, rivals, rivals_weight, expected, spread, left_over, weight, level;
    int is_anyone_known;
} Group;

static PyObject *explain(PyObject *self, PyObject *args)
{
    enum { MEAN, LOADING, VARIANCE, MEASURED, NOISE, BOX, LEVEL, N_INPUTS };
    static const char *names[] = {"mean", "loading", "variance", "measured", "noise", "box", "level"};
    PyObject *groups, *in[N_INPUTS];
    Py_ssize_t n_groups;
    double overall, debut, level_variance, alone_variance, outlier_sd;
    int has_opposition;
    if (!PyArg_ParseTuple(args, "On(OOO)OOOOdddddp", &groups, &n_groups, &in[MEAN], &in[LOADING], &in[VARIANCE],
                          &in[MEASURED], &in[NOISE], &in[BOX], &in[LEVEL], &overall, &debut, &level_variance,
                          &alone_variance, &outlier_sd, &has_opposition))
        return NULL;
    const npy_int64 *group = data_of(groups, NPY_INT64, 1, "group");
    const double *value[N_INPUTS];
    if (group == NULL)
        return NULL;
    const npy_intp n = size_of(groups, 0);
    for (int i = 0; i < N_INPUTS; i++) {
        if (!(value[i] = data_of(in[i], NPY_DOUBLE, 1, names[i])))
            return NULL;
        if (size_of(in[i], 0) != n) {
            PyErr_SetString(PyExc_ValueError, "the columns of a day must be of one length");
            return NULL;
        }
    }
    if (!are_within(group, n, 0, n_groups - 1, "group"))
        return NULL;
    PyObject *out[4] = {new_floats(n), new_floats(n), new_floats(n), new_floats(n)};
    Group *of = PyMem_Calloc(n_groups ? n_groups : 1, sizeof(Group));
    double *precision = PyMem_Malloc((n ? n : 1) * sizeof(double));
    if (!out[0] || !out[1] || !out[2] || !out[3] || !of || !precision) {
        for (int i = 0; i < 4; i++)
            Py_XDECREF(out[i]);
        PyMem_Free(of);
        PyMem_Free(precision);
        return PyErr_NoMemory();
    }
    double *adjusted = VALUES(out[0]), *noise = VALUES(out[1]), *level = VALUES(out[2]), *left = VALUES(out[3]);
    const double anywhere = isnan(overall) ? 0.0 : overall;
    Py_BEGIN_ALLOW_THREADS
    for (npy_intp i = 0; i < n; i++) {
        const double loading = value[LOADING][i], known = 1.0 - loading;
        const double known_by = known > LEAST_KNOWN ? known : LEAST_KNOWN;
        const double weight = loading < KNOWN_BELOW ? known_by / value[VARIANCE][i] : 0.0;
        of[group[i]].rivals += weight * (value[MEAN][i] / known_by);
        of[group[i]].rivals_weight += weight;
    }
    for (npy_intp i = 0; i < n; i++) {
        Group *mine = &of[group[i]];
        const double least = mine->rivals_weight > 1e-9 ? mine->rivals_weight : 1e-9;
        const double prior = isnan(debut) ? 0.0 : mine->rivals / least + debut;
        precision[i] = 1.0 / (value[VARIANCE][i] + value[NOISE][i]);
        left[i] = value[MEASURED][i] - value[BOX][i] - (value[MEAN][i] + value[LOADING][i] * prior);
        if (mine->n == 0.0) /* the first of its group tells whether its level is known at all */
            mine->spread = isnan(value[LEVEL][i]) ? 1e4 : level_variance;
        mine->n += 1.0;
        mine->expected += isnan(value[LEVEL][i]) ? anywhere : value[LEVEL][i];
        mine->weight += precision[i];
        mine->left_over += precision[i] * left[i];
        if (value[LOADING][i] < KNOWN_BELOW)
            mine->is_anyone_known = 1;
    }
    for (npy_intp g = 0; g < n_groups; g++) {
        if (of[g].n == 0.0)
            continue;
        double spread = of[g].spread;
        if (has_opposition) /* a race of strangers is taken to be one of its class */
            spread = !of[g].is_anyone_known ? alone_variance : spread > level_variance ? spread : level_variance;
        const double expected = of[g].expected / of[g].n;
        of[g].weight += 1.0 / spread;
        of[g].level = (of[g].left_over + expected / spread) / of[g].weight;
    }
    for (npy_intp i = 0; i < n; i++) {
        const Group *mine = &of[group[i]];
        left[i] -= mine->level;
        const double beyond = fabs(left[i]) * sqrt(precision[i]) / outlier_sd;
        const double factor = beyond > 1.0 ? beyond : 1.0;
        noise[i] = value[NOISE][i] * (factor * factor) + 1.0 / mine->weight;
        level[i] = mine->level;
        adjusted[i] = value[MEASURED][i] - value[BOX][i] - mine->level;
    }
    Py_END_ALLOW_THREADS
    PyMem_Free(of);
    PyMem_Free(precision);
    return Py_BuildValue("NNNN", out[0], out[1], out[2], out[3]);
}

/* -- settle --------------------------------------------------------------------------------------------- */

/* What the other runs of a window say of each of its runs: mean and variance, newest last.  ``before`` comes from
 * the runs before it, forward in time; ``known`` and ``sum`` are the precision and its product with the mean of
 * those after it, backward. */
typedef struct {
    double mean[MAX_RUNS], variance[MAX_RUNS];
} Others;

static void others_of(Others *others, const double *day, npy_intp n_days, const double *performed, npy_intp n,
                      double debut, double by_day, double by_run)
{
    double before[MAX_RUNS], spread[MAX_RUNS];
    double mean = 0.0, variance = debut;
    for (npy_intp k = 0; k < n; k++) {
        const double now = performed[3 * k], noise = performed[3 * k + 1];
        if (k) {
            mean = mean + performed[3 * (k - 1) + 2];
            variance = variance + (by_day * (day[n_days * k] - day[n_days * (k - 1)]) + by_run);
        }
        before[k] = mean;
        spread[k] = variance;
        if (!isnan(now)) {
            const double gain = variance / (variance + noise);
            mean = mean + gain * (now - mean);
            variance = variance * (1.0 - gain);
        }
    }
    double known = 0.0, sum = 0.0;
    for (npy_intp k = n - 1; k >= 0; k--) {
        const double now = performed[3 * k], noise = performed[3 * k + 1];
        const double precision = 1.0 / spread[k] + known;
        others->mean[k] = (before[k] / spread[k] + sum) / precision;
        others->variance[k] = 1.0 / precision;
        if (!isnan(now)) {
            known = known + 1.0 / noise;
            sum = sum + now / noise;
        }
        if (k && known > 0.0) {
            const double drift = by_day * (day[n_days * k] - day[n_days * (k - 1)]) + by_run;
            const double after = sum / known - performed[3 * (k - 1) + 2];
            known = known / (1.0 + drift * known);
            sum = known * after;
        }
    }
}

static PyObject *settle(PyObject *self, PyObject *args)
{
    PyObject *windows, *races, *facts, *fresh, *performed, *changes;
    Py_ssize_t first_open;
    double debut, by_day, by_run;
    if (!PyArg_ParseTuple(args, "OOOOOOnddd", &windows, &races, &facts, &fresh, &performed, &changes, &first_open,
                          &debut, &by_day, &by_run))
        return NULL;
    const npy_int64 *window, *race;
    const double *fact, *worth;
    double *now, *change;
    if (!(window = data_of(windows, NPY_INT64, 2, "windows")) || !(race = data_of(races, NPY_INT64, 1, "race"))
        || !(fact = data_of(facts, NPY_DOUBLE, 2, "facts")) || !(worth = data_of(fresh, NPY_DOUBLE, 1, "worth"))
        || !(now = data_of(performed, NPY_DOUBLE, 2, "performed"))
        || !(change = data_of(changes, NPY_DOUBLE, 1, "change")))
        return NULL;
    const npy_intp n = size_of(windows, 0), n_runs = size_of(races, 0), n_races = size_of(changes, 0);
    if (size_of(windows, 1) != 2 || size_of(facts, 0) != n_runs || size_of(facts, 1) != 4 || size_of(fresh, 0) != n_runs
        || size_of(performed, 0) != n_runs || size_of(performed, 1) != 3 || first_open < 0
        || !PyArray_ISWRITEABLE((PyArrayObject *)performed) || !PyArray_ISWRITEABLE((PyArrayObject *)changes)) {
        PyErr_SetString(PyExc_ValueError, "shapes do not fit");
        return NULL;
    }
    if (!are_within(race, n_runs, 0, n_races - 1, "race"))
        return NULL;
    for (npy_intp i = 0; i < n; i++)
        if (window[2 * i] < 0 || window[2 * i + 1] > n_runs || window[2 * i + 1] < window[2 * i]
            || window[2 * i + 1] - window[2 * i] > MAX_RUNS) {
            PyErr_Format(PyExc_IndexError, "a window lies among the runs and has at most %d", MAX_RUNS);
            return NULL;
        }
    const npy_intp n_open = first_open < n_races ? n_races - first_open : 0;
    double(*sums)[2] = PyMem_Calloc(n_open ? n_open : 1, sizeof(*sums));
    if (sums == NULL)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    Others others;
    for (npy_intp i = 0; i < n; i++) {
        const npy_int64 first = window[2 * i], n_own = window[2 * i + 1] - first;
        others_of(&others, fact + 4 * first, 4, now + 3 * first, n_own, debut, by_day, by_run);
        for (npy_intp k = n_own - 1; k >= 0; k--) {
            const npy_int64 run = first + k, open = race[run] - first_open;
            if (open < 0 || isnan(now[3 * run]))
                continue;
            const double weight = 1.0 / (others.variance[k] + now[3 * run + 1]);
            sums[open][0] = sums[open][0] + weight * (worth[run] - others.mean[k]);
            sums[open][1] = sums[open][1] + weight;
        }
    }
    for (npy_intp open = 0; open < n_open; open++)
        if (sums[open][1] > 0.0)
            change[first_open + open] = (double)(float)(sums[open][0] / sums[open][1]);
    for (npy_intp i = 0; i < n; i++)
        for (npy_int64 run = window[2 * i]; run < window[2 * i + 1]; run++)
            if (race[run] >= first_open)
                now[3 * run] = worth[run] - change[race[run]];
    Py_END_ALLOW_THREADS
    PyMem_Free(sums);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"abilities", abilities, METH_VARARGS, "Return mean, loading and variance of each runner's ability."},
    {"explain", explain, METH_VARARGS, "Return adjusted performance, noise, level and innovation of each run."},
    {"settle", settle, METH_VARARGS, "Work out anew how far the levels of open races have moved."},
    {NULL, NULL, 0, NULL}};

static int set_up(PyObject *module)
{
    import_array1(-1);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, set_up}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "racing.ops._filter", .m_size = 0, .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__filter(void) { return PyModuleDef_Init(&definition); }
