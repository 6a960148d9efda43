/* The two steps of the rating filter (racing.ratings.replay): what the runs around a day say of each runner's
 * ability, and the explanation of what was measured by box, level and dog.
 *
 * Every function here has its twin in plain_filter.py beside this file, which says what it means and gives the
 * same bits: each number is worked out by the same operations in the same order, and the compiler may not fuse
 * or reorder them (-ffp-contract=off).  The interpreter is let go meanwhile.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>

#define MAX_RUNS 32
#define LEAST_KNOWN 0.02
#define KNOWN_BELOW 0.98

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

typedef struct {
    const double *day, *track, *zone, *adjusted, *noise, *shift;
    const npy_int64 *distance;
    npy_intp n_runs, n_revisions;
} History;

typedef struct {
    double debut, day, run, track, course, distance, zone;
    const double *alike; /* by the numbers of two distances */
    npy_intp n_distances;
} Kernel;

/* The revision of a performance that is known so many days after its run. */
static npy_intp revision_at(double days_later, const double *revision_days, npy_intp n_revisions)
{
    npy_intp newest = 0;
    for (npy_intp r = 1; r < n_revisions; r++)
        if (days_later >= revision_days[r - 1])
            newest = r;
    return newest;
}

static double covariance(const Kernel *kernel, double state, double track, double other_track,
                         npy_int64 distance, npy_int64 other_distance, double zone, double other_zone)
{
    const int on_track = track == other_track;
    return kernel->debut + state + (on_track ? kernel->track : 0.0)
           + (on_track && distance == other_distance ? kernel->course : 0.0)
           + kernel->alike[distance * kernel->n_distances + other_distance]
           + (zone == other_zone ? kernel->zone : 0.0);
}

/* Whether the distances of some runs have a number below n; sets a Python exception if not. */
static int have_distances(const npy_int64 *runs, npy_intp n, const History *history, npy_intp n_distances)
{
    for (npy_intp i = 0; i < n; i++)
        if (runs[i] >= 0 && !are_within(&history->distance[runs[i]], 1, 0, n_distances - 1, "distance"))
            return 0;
    return 1;
}

/* The posterior of one runner: mean, loading and variance, from n_index runs around it. */
static void ability_of(npy_int64 row, const npy_int64 *index, npy_intp n_index, npy_intp n_before, double as_of,
                       const double *revision_days, const History *history, const Kernel *kernel, double *out)
{
    double a[MAX_RUNS][MAX_RUNS]; /* a[c][r]: column by column, so that the long loops run over memory in order */
    double state[MAX_RUNS], observed[MAX_RUNS], noise[MAX_RUNS], to_card[MAX_RUNS], gain[MAX_RUNS];
    double track[MAX_RUNS], zone[MAX_RUNS];
    npy_int64 distance[MAX_RUNS];
    const double day = history->day[row], own = history->shift[row];
    double since_oldest = 0.0, since = 0.0, until = 0.0;
    npy_intp m = 0;

    for (npy_intp k = 0; k < n_index; k++) {
        const npy_int64 run = index[k];
        if (run < 0)
            continue;
        const double runs_ago = k < n_before ? (double)(k + 1) : -(double)(k - n_before + 1);
        const double drift = kernel->day * (day - history->day[run]) + kernel->run * runs_ago;
        if (drift > since_oldest)
            since_oldest = drift;
        double moved;
        if (k < n_before)
            moved = since += history->shift[run];
        else {
            moved = k == n_before ? -own : -own - until;
            until += history->shift[run];
        }
        const npy_intp at = run * history->n_revisions
                            + revision_at(as_of - history->day[run], revision_days, history->n_revisions);
        observed[m] = history->adjusted[at] + moved;
        if (isnan(observed[m]))
            continue;
        noise[m] = history->noise[at];
        state[m] = drift;
        track[m] = history->track[run];
        zone[m] = history->zone[run];
        distance[m] = history->distance[run];
        m++;
    }
    for (npy_intp k = 0; k < m; k++)
        state[k] = since_oldest - state[k];
    const double widest = kernel->debut + since_oldest + kernel->track + kernel->course + kernel->distance
                          + kernel->zone;
    for (npy_intp c = 0; c < m; c++) {
        a[c][c] = kernel->debut + state[c] + kernel->track + kernel->course + kernel->distance + kernel->zone
                  + noise[c];
        for (npy_intp r = c + 1; r < m; r++)
            a[c][r] = covariance(kernel, state[r] < state[c] ? state[r] : state[c], track[r], track[c],
                                 distance[r], distance[c], zone[r], zone[c]);
        to_card[c] = covariance(kernel, state[c] < since_oldest ? state[c] : since_oldest, track[c],
                                history->track[row], distance[c], history->distance[row], zone[c],
                                history->zone[row]);
        gain[c] = to_card[c];
    }
    /* Cholesky in place: a = l l', then l y = to_card, l' gain = y. */
    for (npy_intp c = 0; c < m; c++) {
        for (npy_intp k = 0; k < c; k++) {
            const double factor = a[k][c];
            for (npy_intp r = c; r < m; r++)
                a[c][r] -= a[k][r] * factor;
        }
        const double root = sqrt(a[c][c]);
        a[c][c] = root;
        for (npy_intp r = c + 1; r < m; r++)
            a[c][r] /= root;
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
    double mean = 0.0, known = 0.0, explained = 0.0;
    for (npy_intp k = 0; k < m; k++) {
        mean += gain[k] * observed[k];
        known += gain[k];
        explained += gain[k] * to_card[k];
    }
    out[0] = mean;
    out[1] = 1.0 - known;
    out[2] = widest - explained;
}

static PyObject *abilities(PyObject *self, PyObject *args)
{
    PyObject *rows, *index, *day, *track, *zone, *distance, *adjusted, *noise, *shift, *revision_days, *numbers,
        *alike;
    Py_ssize_t n_before;
    double as_of;
    if (!PyArg_ParseTuple(args, "OOnd(OOOOOOO)OOO", &rows, &index, &n_before, &as_of, &day, &track, &zone,
                          &distance, &adjusted, &noise, &shift, &revision_days, &numbers, &alike))
        return NULL;
    History history;
    Kernel kernel;
    const npy_int64 *row, *runs;
    const double *lags, *number;
    if (!(row = data_of(rows, NPY_INT64, 1, "rows")) || !(runs = data_of(index, NPY_INT64, 2, "index"))
        || !(history.day = data_of(day, NPY_DOUBLE, 1, "day"))
        || !(history.track = data_of(track, NPY_DOUBLE, 1, "track"))
        || !(history.zone = data_of(zone, NPY_DOUBLE, 1, "zone"))
        || !(history.distance = data_of(distance, NPY_INT64, 1, "distance"))
        || !(history.adjusted = data_of(adjusted, NPY_DOUBLE, 2, "adjusted"))
        || !(history.noise = data_of(noise, NPY_DOUBLE, 2, "noise"))
        || !(history.shift = data_of(shift, NPY_DOUBLE, 1, "shift"))
        || !(lags = data_of(revision_days, NPY_DOUBLE, 1, "revision_days"))
        || !(number = data_of(numbers, NPY_DOUBLE, 1, "kernel"))
        || !(kernel.alike = data_of(alike, NPY_DOUBLE, 2, "alike")))
        return NULL;
    const npy_intp n = size_of(rows, 0), n_index = size_of(index, 1);
    history.n_runs = size_of(day, 0);
    history.n_revisions = size_of(adjusted, 1);
    kernel.n_distances = size_of(alike, 0);
    PyObject *of_runs[] = {track, zone, distance, adjusted, noise, shift};
    for (int i = 0; i < 6; i++)
        if (size_of(of_runs[i], 0) != history.n_runs) {
            PyErr_SetString(PyExc_ValueError, "the columns of history must be of one length");
            return NULL;
        }
    if (size_of(index, 0) != n || n_index > MAX_RUNS || size_of(numbers, 0) != 8
        || size_of(alike, 1) != kernel.n_distances || size_of(noise, 1) != history.n_revisions
        || size_of(revision_days, 0) < history.n_revisions - 1) {
        PyErr_Format(PyExc_ValueError, "shapes do not fit, or there are more than %d runs a dog", MAX_RUNS);
        return NULL;
    }
    if (!are_within(row, n, 0, history.n_runs - 1, "rows")
        || !are_within(runs, n * n_index, -1, history.n_runs - 1, "index")
        || !have_distances(row, n, &history, kernel.n_distances)
        || !have_distances(runs, n * n_index, &history, kernel.n_distances))
        return NULL;
    kernel.debut = number[0];
    kernel.day = number[1];
    kernel.run = number[2];
    kernel.track = number[3];
    kernel.course = number[4];
    kernel.distance = number[5];
    kernel.zone = number[7];
    PyObject *mean = new_floats(n), *loading = new_floats(n), *variance = new_floats(n);
    if (mean == NULL || loading == NULL || variance == NULL) {
        Py_XDECREF(mean);
        Py_XDECREF(loading);
        Py_XDECREF(variance);
        return NULL;
    }
    double *means = VALUES(mean), *loadings = VALUES(loading), *variances = VALUES(variance);
    Py_BEGIN_ALLOW_THREADS
    for (npy_intp i = 0; i < n; i++) {
        double found[3];
        ability_of(row[i], runs + i * n_index, n_index, n_before, as_of, lags, &history, &kernel, found);
        means[i] = found[0];
        loadings[i] = found[1];
        variances[i] = found[2];
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

static PyMethodDef functions[] = {
    {"abilities", abilities, METH_VARARGS, "Return mean, loading and variance of each runner's ability."},
    {"explain", explain, METH_VARARGS, "Return adjusted performance, noise, level and innovation of each run."},
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
