/* The inner loops that features and ratings spend their time in, as numpy ufuncs, and a tape that plays a
 * recorded sequence of ufunc loops without the interpreter in between.
 *
 * Every function here has its twin in plain.py beside this file, which says what it means; this file says it
 * fast.  Sums run in order, term by term, and the compiler may not fuse or reorder them (-ffp-contract=off),
 * so a row's result never depends on the batch that it stands in.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <datetime.h>
#include <fenv.h>
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#define D(pointer) (*(double *)(pointer))
#define MAX_RUNS 32

static PyObject *name_date, *name_track, *name_distance, *name_grade, *name_box, *name_calls;

/* -- one value at a time ------------------------------------------------------------------------------ */

static void fill_nan(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double value = D(args[0] + i * steps[0]);
        D(args[2] + i * steps[2]) = isnan(value) ? D(args[1] + i * steps[1]) : value;
    }
}

static void select_(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        npy_bool first = *(npy_bool *)(args[0] + i * steps[0]);
        D(args[3] + i * steps[3]) = first ? D(args[1] + i * steps[1]) : D(args[2] + i * steps[2]);
    }
}

static void number(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++)
        D(args[1] + i * steps[1]) = *(npy_bool *)(args[0] + i * steps[0]) ? 1.0 : 0.0;
}

/* A whole number from 0 on, 0 where it is unknown or too great. */
static npy_intp within(double value, npy_intp below)
{
    return isgreater(value, 0.0) && isless(value, (double)below) ? (npy_intp)value : 0;
}

/* -- over the runs of a form: (k)->() ------------------------------------------------------------------ */

static void total(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double sum = 0.0;
        for (npy_intp k = 0; k < dims[1]; k++) {
            double value = D(args[0] + i * steps[0] + k * steps[2]);
            if (!isnan(value))
                sum += value;
        }
        D(args[1] + i * steps[1]) = sum;
    }
}

static void n_known(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        npy_intp n = 0;
        for (npy_intp k = 0; k < dims[1]; k++)
            n += !isnan(D(args[0] + i * steps[0] + k * steps[2]));
        D(args[1] + i * steps[1]) = (double)n;
    }
}

static void best(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double top = NAN;
        for (npy_intp k = 0; k < dims[1]; k++) {
            double value = D(args[0] + i * steps[0] + k * steps[2]);
            if (isnan(top) || isgreater(value, top)) /* quiet on NaN */
                top = value;
        }
        D(args[1] + i * steps[1]) = top;
    }
}

static void running_total(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double sum = 0.0;
        for (npy_intp k = 0; k < dims[1]; k++) {
            double value = D(args[0] + i * steps[0] + k * steps[2]);
            if (!isnan(value))
                sum += value;
            D(args[1] + i * steps[1] + k * steps[3]) = sum;
        }
    }
}

/* -- over the runners of each race: (n),..,(n)->(n); the last input is the race of each, in order ------- */

#define RACE(row) (*(npy_int64 *)(race + (row) * race_step))

#define EACH_RACE(n_inputs)                                                                                   \
    npy_intp n = dims[1], race_step = steps[(n_inputs) + 1 + (n_inputs) - 1];                                 \
    for (npy_intp i = 0; i < dims[0]; i++) {                                                                  \
        char *race = args[(n_inputs) - 1] + i * steps[(n_inputs) - 1];                                        \
        char *out = args[n_inputs] + i * steps[n_inputs];                                                     \
        npy_intp out_step = steps[2 * (n_inputs) + 1];                                                        \
        for (npy_intp start = 0, stop; start < n; start = stop) {                                             \
            stop = start + 1;                                                                                 \
            while (stop < n && RACE(stop) == RACE(start))                                                     \
                stop++;

#define END_EACH_RACE                                                                                         \
        }                                                                                                     \
    }

#define IN(which, n_inputs, row) D(args[which] + i * steps[which] + (row) * steps[(n_inputs) + 1 + (which)])
#define OUT(row) D(out + (row) * out_step)

static void sum_in_race(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(2)
        double sum = 0.0;
        for (npy_intp row = start; row < stop; row++)
            if (!isnan(IN(0, 2, row)))
                sum += IN(0, 2, row);
        for (npy_intp row = start; row < stop; row++)
            OUT(row) = sum;
    END_EACH_RACE
}

static void rank_in_race(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(2)
        for (npy_intp row = start; row < stop; row++) {
            double mine = IN(0, 2, row);
            npy_intp n_better = 0;
            for (npy_intp other = start; other < stop; other++)
                n_better += isgreater(IN(0, 2, other), mine);
            OUT(row) = isnan(mine) ? NAN : 1.0 + (double)n_better;
        }
    END_EACH_RACE
}

static void best_rival(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(2)
        for (npy_intp row = start; row < stop; row++) {
            double top = NAN;
            for (npy_intp other = start; other < stop; other++)
                if (other != row && (isnan(top) || isgreater(IN(0, 2, other), top)))
                    top = IN(0, 2, other);
            OUT(row) = top;
        }
    END_EACH_RACE
}

static void value_at(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(4)
        for (npy_intp row = start; row < stop; row++) {
            double found = NAN, wanted = IN(1, 4, row);
            for (npy_intp other = start; other < stop; other++)
                if (IN(2, 4, other) == wanted)
                    found = IN(0, 4, other);
            OUT(row) = found;
        }
    END_EACH_RACE
}

static void share_in_race(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(2)
        double top = IN(0, 2, start), sum = 0.0;
        for (npy_intp row = start; row < stop; row++)
            if (isgreater(IN(0, 2, row), top))
                top = IN(0, 2, row);
        for (npy_intp row = start; row < stop; row++)
            sum += OUT(row) = exp(IN(0, 2, row) - top);
        for (npy_intp row = start; row < stop; row++)
            OUT(row) /= sum;
    END_EACH_RACE
}

static void log_mean_odds(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    EACH_RACE(2)
        double top = IN(0, 2, start), sum = 0.0;
        for (npy_intp row = start; row < stop; row++)
            if (isgreater(IN(0, 2, row), top))
                top = IN(0, 2, row);
        for (npy_intp row = start; row < stop; row++)
            sum += exp(IN(0, 2, row) - top);
        double level = top + log(sum / (double)(stop - start));
        for (npy_intp row = start; row < stop; row++)
            OUT(row) = level;
    END_EACH_RACE
}

/* (n),(3),(n),(n)->(n): win probabilities, discounts, places paid and race; see racing.probabilities. */
static void placed_in_race(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    enum { MOST = 64 };
    const npy_intp n_all = dims[1], *core = steps + 5;
    double p[MOST], second[MOST], third[MOST], first[MOST];
    for (npy_intp i = 0; i < dims[0]; i++) {
#define ROW(which, row) (args[which] + i * steps[which] + (row) * core[which])
        const double to_second = D(ROW(1, 1)), to_third = D(ROW(1, 2));
        for (npy_intp start = 0, stop; start < n_all; start = stop) {
            for (stop = start + 1; stop < n_all && *(npy_int64 *)ROW(3, stop) == *(npy_int64 *)ROW(3, start);)
                stop++;
            const npy_intp n = stop - start;
            const npy_int64 places = *(npy_int64 *)ROW(2, start);
            double sum = 0.0;
            for (npy_intp j = 0; j < n; j++) {
                double given = D(ROW(0, start + j));
                if (places >= n || n > MOST) {
                    D(ROW(4, start + j)) = isnan(given) || n > MOST ? NAN : 1.0;
                    continue;
                }
                p[j] = isless(given, 1e-12) ? 1e-12 : given;
                sum += p[j];
            }
            if (places >= n || n > MOST)
                continue;
            double all_second = 0.0, all_third = 0.0;
            for (npy_intp j = 0; j < n; j++) {
                p[j] /= sum;
                second[j] = pow(p[j], to_second);
                third[j] = pow(p[j], to_third);
            }
            for (npy_intp j = 0; j < n; j++) {
                /* Sums over the others never come from a subtraction: with p near 1 it loses all digits. */
                all_second = 0.0;
                for (npy_intp k = 0; k < n; k++)
                    all_second += k == j ? 0.0 : second[k];
                first[j] = p[j] / all_second;
            }
            for (npy_intp c = 0; c < n; c++) {
                double placed = p[c];
                if (places >= 2) {
                    double before = 0.0;
                    for (npy_intp j = 0; j < n; j++)
                        before += j == c ? 0.0 : first[j];
                    placed += second[c] * before;
                }
                D(ROW(4, start + c)) = placed;
            }
            if (places < 3)
                continue;
            double pairs[MOST] = {0.0}; /* for each runner, over the pairs before it */
            for (npy_intp j = 0; j < n; j++)
                for (npy_intp k = 0; k < n; k++) {
                    if (k == j)
                        continue;
                    all_third = 0.0;
                    for (npy_intp c = 0; c < n; c++)
                        all_third += c == j || c == k ? 0.0 : third[c];
                    double pair = first[j] * second[k] / all_third;
                    for (npy_intp c = 0; c < n; c++)
                        pairs[c] += c == j || c == k ? 0.0 : pair;
                }
            for (npy_intp c = 0; c < n; c++)
                D(ROW(4, start + c)) += third[c] * pairs[c];
        }
    }
    feclearexcept(FE_INVALID); /* an unknown probability is no error */
}

/* (),(),(),(),(m),(m,c,b,r),(m,c,r),(m,g,r)->(r),(r): see plain.usual_at. */
static void usual_at(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    enum { MONTH, COURSE, BOX, GRADE, MONTHS, BY_BOX, BY_COURSE, BY_GRADE, BOXES, LEVELS, N_ARGS };
    const npy_intp n_months = dims[1], n_courses = dims[2], n_boxes = dims[3], n_ratings = dims[4], n_grades = dims[5];
    const npy_intp *core = steps + N_ARGS; /* months; box m,c,b,r; course m,c,r; grade m,g,r; boxes r; levels r */
    for (npy_intp i = 0; i < dims[0]; i++) {
        double month = D(args[MONTH] + i * steps[MONTH]);
        npy_intp row = 0;
        while (row + 1 < n_months && D(args[MONTHS] + (row + 1) * core[0]) <= month)
            row++;
#define WHOLE(which, below) within(D(args[which] + i * steps[which]), below)
        npy_intp course = WHOLE(COURSE, n_courses), box = WHOLE(BOX, n_boxes), grade = WHOLE(GRADE, n_grades);
        char *of_box = args[BY_BOX] + row * core[1] + course * core[2] + box * core[3];
        char *of_course = args[BY_COURSE] + row * core[5] + course * core[6];
        char *of_grade = args[BY_GRADE] + row * core[8] + grade * core[9];
        for (npy_intp r = 0; r < n_ratings; r++) {
            double level = D(of_course + r * core[7]);
            D(args[BOXES] + i * steps[BOXES] + r * core[11]) = D(of_box + r * core[4]);
            D(args[LEVELS] + i * steps[LEVELS] + r * core[12]) = isnan(level) ? D(of_grade + r * core[10]) : level;
        }
    }
}

/* -- a dog's ability, given what its runs were worth ----------------------------------------------------- */

/* (k)x7,()x3,(8)->(),(),(): see plain.condition for the meaning and the source of the method. */
static void condition(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    enum { OBSERVED, NOISE, DAYS, RUNS, DISTANCE, TRACK, ZONE, CARD_DISTANCE, CARD_TRACK, CARD_ZONE, KERNEL };
    enum { MEAN = 11, LOADING, VARIANCE, N_ARGS };
    const npy_intp *core = steps + N_ARGS;
    double a[MAX_RUNS][MAX_RUNS], state[MAX_RUNS], to_card[MAX_RUNS], gain[MAX_RUNS], observed[MAX_RUNS];
    double distance[MAX_RUNS], track[MAX_RUNS], zone[MAX_RUNS], noise[MAX_RUNS];

    for (npy_intp i = 0; i < dims[0]; i++) {
        if (dims[1] > MAX_RUNS) { /* racing.ratings.posterior refuses it with a message; memory stays safe anyway */
            for (int out = MEAN; out < N_ARGS; out++)
                D(args[out] + i * steps[out]) = NAN;
            continue;
        }
#define OF_RUN(which, k) D(args[which] + i * steps[which] + (k) * core[which])
#define OF_CARD(which) D(args[which] + i * steps[which])
#define OF_KERNEL(p) D(args[KERNEL] + i * steps[KERNEL] + (p) * core[7])
        const double debut = OF_KERNEL(0), day = OF_KERNEL(1), run = OF_KERNEL(2), by_track = OF_KERNEL(3),
                     by_course = OF_KERNEL(4), by_distance = OF_KERNEL(5), scale = OF_KERNEL(6),
                     by_zone = OF_KERNEL(7);
        double since_oldest = 0.0;
        npy_intp m = 0;
        for (npy_intp k = 0; k < dims[1]; k++) {
            double drift = day * OF_RUN(DAYS, k) + run * OF_RUN(RUNS, k);
            if (drift > since_oldest)
                since_oldest = drift;
            observed[m] = OF_RUN(OBSERVED, k);
            if (isnan(observed[m]))
                continue;
            state[m] = drift;
            noise[m] = OF_RUN(NOISE, k);
            distance[m] = OF_RUN(DISTANCE, k);
            track[m] = OF_RUN(TRACK, k);
            zone[m] = OF_RUN(ZONE, k);
            m++;
        }
        for (npy_intp k = 0; k < m; k++)
            state[k] = since_oldest - state[k];
        const double card_distance = OF_CARD(CARD_DISTANCE), card_track = OF_CARD(CARD_TRACK),
                     card_zone = OF_CARD(CARD_ZONE);
#define COVARIANCE(s, d1, t1, z1, d2, t2, z2)                                                                 \
    (debut + (s) + ((t1) == (t2) ? by_track : 0.0) + ((t1) == (t2) && (d1) == (d2) ? by_course : 0.0)         \
     + ((d1) == (d2) ? by_distance : by_distance * exp(-fabs((d1) - (d2)) / scale))                           \
     + ((z1) == (z2) ? by_zone : 0.0))
        for (npy_intp r = 0; r < m; r++) {
            for (npy_intp c = 0; c < r; c++)
                a[r][c] = COVARIANCE(fmin(state[r], state[c]), distance[r], track[r], zone[r], distance[c],
                                     track[c], zone[c]);
            a[r][r] = debut + state[r] + by_track + by_course + by_distance + by_zone + noise[r];
            to_card[r] = COVARIANCE(fmin(state[r], since_oldest), distance[r], track[r], zone[r],
                                    card_distance, card_track, card_zone);
        }
        /* Cholesky in place: a = l l', then l y = to_card, l' gain = y. */
        for (npy_intp c = 0; c < m; c++) {
            for (npy_intp k = 0; k < c; k++)
                a[c][c] -= a[c][k] * a[c][k];
            a[c][c] = sqrt(a[c][c]);
            for (npy_intp r = c + 1; r < m; r++) {
                for (npy_intp k = 0; k < c; k++)
                    a[r][c] -= a[r][k] * a[c][k];
                a[r][c] /= a[c][c];
            }
        }
        for (npy_intp r = 0; r < m; r++) {
            gain[r] = to_card[r];
            for (npy_intp k = 0; k < r; k++)
                gain[r] -= a[r][k] * gain[k];
            gain[r] /= a[r][r];
        }
        for (npy_intp r = m - 1; r >= 0; r--) {
            for (npy_intp k = r + 1; k < m; k++)
                gain[r] -= a[k][r] * gain[k];
            gain[r] /= a[r][r];
        }
        double mean = 0.0, known = 0.0, explained = 0.0;
        for (npy_intp k = 0; k < m; k++) {
            mean += gain[k] * observed[k];
            known += gain[k];
            explained += gain[k] * to_card[k];
        }
        D(args[MEAN] + i * steps[MEAN]) = mean;
        D(args[LOADING] + i * steps[LOADING]) = 1.0 - known;
        D(args[VARIANCE] + i * steps[VARIANCE])
            = debut + since_oldest + by_track + by_course + by_distance + by_zone - explained;
    }
}

/* -- the tape ---------------------------------------------------------------------------------------------- */

#define MAX_ARGS 16
#define MAX_STEPS 40

typedef struct {
    PyUFuncGenericFunction loop;
    void *data;
    int n_args;
    npy_intp n_outer;
    npy_intp dims[3];
    npy_intp *args; /* addresses, then outer strides, then inner ones: in one block */
    npy_intp *outer;
    npy_intp *steps;
} Step;

typedef struct {
    PyObject_HEAD
    Py_ssize_t n_steps;
    Step *steps;
    PyObject *owners; /* the arrays and ufuncs behind the pointers */
} Tape;

static int read_numbers(PyObject *sequence, npy_intp *into, Py_ssize_t at_most)
{
    PyObject *fast = PySequence_Fast(sequence, "a tape's step holds sequences of integers");
    if (!fast)
        return -1;
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    if (n > at_most) {
        PyErr_SetString(PyExc_ValueError, "a tape's step has too many arguments");
        Py_DECREF(fast);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        into[i] = PyLong_AsSsize_t(PySequence_Fast_GET_ITEM(fast, i));
    Py_DECREF(fast);
    return PyErr_Occurred() ? -1 : (int)n;
}

static PyObject *tape_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *steps, *owners;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &steps, &owners))
        return NULL;
    Tape *self = (Tape *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->n_steps = PyList_GET_SIZE(steps);
    self->steps = PyMem_Calloc(self->n_steps ? self->n_steps : 1, sizeof(Step));
    self->owners = Py_NewRef(owners);
    for (Py_ssize_t i = 0; i < self->n_steps && !PyErr_Occurred(); i++) {
        Step *step = &self->steps[i];
        PyUFuncObject *ufunc;
        PyObject *addresses, *outer, *dims, *inner;
        int which;
        npy_intp args[MAX_ARGS], strides[MAX_ARGS], inner_strides[MAX_STEPS];
        if (!PyArg_ParseTuple(PyList_GET_ITEM(steps, i), "O!inOOOO", &PyUFunc_Type, &ufunc, &which,
                              &step->n_outer, &addresses, &outer, &dims, &inner))
            break;
        if (which < 0 || which >= ufunc->ntypes || !ufunc->functions[which]) {
            PyErr_Format(PyExc_ValueError, "%s has no loop %d", ufunc->name, which);
            break;
        }
        step->loop = ufunc->functions[which];
        step->data = ufunc->data ? ((void **)ufunc->data)[which] : NULL;
        int n_args = read_numbers(addresses, args, MAX_ARGS), n_steps;
        if (n_args < 0 || read_numbers(outer, strides, MAX_ARGS) < 0 || read_numbers(dims, step->dims, 3) < 0
            || (n_steps = read_numbers(inner, inner_strides, MAX_STEPS)) < 0)
            break;
        step->n_args = n_args;
        step->args = PyMem_Malloc((2 * n_args + n_steps) * sizeof(npy_intp));
        if (!step->args) {
            PyErr_NoMemory();
            break;
        }
        memcpy(step->args, args, n_args * sizeof(npy_intp));
        step->outer = memcpy(step->args + n_args, strides, n_args * sizeof(npy_intp));
        step->steps = memcpy(step->args + 2 * n_args, inner_strides, n_steps * sizeof(npy_intp));
    }
    if (PyErr_Occurred()) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void tape_dealloc(Tape *self)
{
    for (Py_ssize_t i = 0; i < self->n_steps; i++)
        PyMem_Free(self->steps[i].args);
    PyMem_Free(self->steps);
    Py_XDECREF(self->owners);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *tape_play(Tape *self, PyObject *unused)
{
    for (Py_ssize_t i = 0; i < self->n_steps; i++) {
        Step *step = &self->steps[i];
        char *args[MAX_ARGS];
        for (npy_intp row = 0; row < step->n_outer; row++) {
            for (int j = 0; j < step->n_args; j++)
                args[j] = (char *)step->args[j] + row * step->outer[j];
            step->loop(args, step->dims, step->steps, step->data);
        }
    }
    Py_RETURN_NONE;
}

static PyMethodDef tape_methods[] = {
    {"play", (PyCFunction)tape_play, METH_NOARGS, "Run every step, in order."}, {NULL, NULL, 0, NULL}};

static PyTypeObject TapeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "racing.ops._loops.Tape",
    .tp_doc = "Steps (ufunc, loop, n_outer, addresses, outer strides, dims, inner strides), and what to keep alive.",
    .tp_basicsize = sizeof(Tape),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = tape_new,
    .tp_dealloc = (destructor)tape_dealloc,
    .tp_methods = tape_methods,
};

/* -- runs as a card brings them, to numbers ---------------------------------------------------------------- */

static double as_number(PyObject *value)
{
    return value == Py_None ? NAN : PyFloat_AsDouble(value);
}

/* Days since 1970-01-01 (Hinnant, 2013: days_from_civil). */
static double days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097.0 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* read_runs(runs, columns, courses, grades, out) -> the first row whose course or grade is not known, or -1 */
static PyObject *read_runs(PyObject *module, PyObject *args)
{
    PyObject *runs, *columns, *courses, *grades, *known = NULL;
    PyArrayObject *out;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!", &PyList_Type, &runs, &PyTuple_Type, &columns, &PyDict_Type, &courses,
                          &PyDict_Type, &grades, &PyArray_Type, &out))
        return NULL;
    const Py_ssize_t n = PyList_GET_SIZE(runs), n_columns = PyTuple_GET_SIZE(columns);
    if (PyArray_NDIM(out) != 2 || PyArray_DIM(out, 0) < n || PyArray_DIM(out, 1) != 7 + n_columns
        || PyArray_TYPE(out) != NPY_DOUBLE || !PyArray_IS_C_CONTIGUOUS(out)) {
        PyErr_SetString(PyExc_ValueError, "out must be a C-contiguous array of doubles, a row a run");
        return NULL;
    }
    for (Py_ssize_t row = 0; row < n; row++) {
        PyObject *run = PyList_GET_ITEM(runs, row);
        double *to = (double *)PyArray_GETPTR2(out, row, 0);
        PyObject *date = PyObject_GetAttr(run, name_date), *track = PyObject_GetAttr(run, name_track),
                 *distance = PyObject_GetAttr(run, name_distance), *grade = PyObject_GetAttr(run, name_grade),
                 *box = PyObject_GetAttr(run, name_box), *calls = PyObject_GetAttr(run, name_calls), *key = NULL;
        int is_missing = 0;
        if (date && track && distance && grade && box && calls && PyDate_Check(date)
            && (key = PyTuple_Pack(2, track, distance))) {
            int year = PyDateTime_GET_YEAR(date), month = PyDateTime_GET_MONTH(date);
            to[0] = days_of(year, month, PyDateTime_GET_DAY(date));
            to[1] = year * 12 + month - (1970 * 12 + 1);
            known = PyDict_GetItemWithError(courses, key);
            if (known && PyTuple_Check(known) && PyTuple_GET_SIZE(known) == 2) {
                to[2] = as_number(PyTuple_GET_ITEM(known, 0));
                to[3] = as_number(PyTuple_GET_ITEM(known, 1));
            }
            is_missing = !known;
            known = PyDict_GetItemWithError(grades, grade);
            to[4] = known ? as_number(known) : NAN;
            is_missing |= !known;
            to[5] = as_number(box);
            if (to[5] > 8)
                to[5] = NAN; /* a reserve's number: its box is not known */
            /* A single digit is no call: sources that know none write the finishing position there. */
            Py_UCS4 first = PyUnicode_Check(calls) && PyUnicode_GET_LENGTH(calls) > 1 ? PyUnicode_READ_CHAR(calls, 0) : 0;
            to[6] = first >= '1' && first <= '8' ? first - '0' : NAN;
            for (Py_ssize_t i = 0; i < n_columns && !PyErr_Occurred(); i++) {
                PyObject *value = PyObject_GetAttr(run, PyTuple_GET_ITEM(columns, i));
                to[7 + i] = value ? as_number(value) : NAN;
                Py_XDECREF(value);
            }
        }
        Py_XDECREF(date), Py_XDECREF(track), Py_XDECREF(distance), Py_XDECREF(grade), Py_XDECREF(box);
        Py_XDECREF(calls), Py_XDECREF(key);
        if (PyErr_Occurred())
            return NULL;
        if (is_missing)
            return PyLong_FromSsize_t(row);
    }
    return PyLong_FromLong(-1);
}

static PyMethodDef functions[] = {
    {"read_runs", read_runs, METH_VARARGS, "See racing.ops.plain."}, {NULL, NULL, 0, NULL}};

/* -- the module ---------------------------------------------------------------------------------------------- */

static void *no_data[] = {NULL};

#define N_TYPES 1
static const char d_d[] = {NPY_DOUBLE, NPY_DOUBLE};
static const char dd_d[] = {NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE};
static const char b_d[] = {NPY_BOOL, NPY_DOUBLE};
static const char bdd_d[] = {NPY_BOOL, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE};
static const char dq_d[] = {NPY_DOUBLE, NPY_INT64, NPY_DOUBLE};
static const char ddqq_d[] = {NPY_DOUBLE, NPY_DOUBLE, NPY_INT64, NPY_INT64, NPY_DOUBLE};
static const char dddq_d[] = {NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_INT64, NPY_DOUBLE};
static const char all_d[] = {NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE,
                             NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE};

static struct {
    const char *name;
    PyUFuncGenericFunction loop[1];
    const char *types;
    int n_in, n_out;
    const char *signature; /* NULL: one value at a time */
} const loops[] = {
    {"fill_nan", {fill_nan}, dd_d, 2, 1, NULL},
    {"select", {select_}, bdd_d, 3, 1, NULL},
    {"number", {number}, b_d, 1, 1, NULL},
    {"total", {total}, d_d, 1, 1, "(k)->()"},
    {"n_known", {n_known}, d_d, 1, 1, "(k)->()"},
    {"best", {best}, d_d, 1, 1, "(k)->()"},
    {"running_total", {running_total}, d_d, 1, 1, "(k)->(k)"},
    {"sum_in_race", {sum_in_race}, dq_d, 2, 1, "(n),(n)->(n)"},
    {"rank_in_race", {rank_in_race}, dq_d, 2, 1, "(n),(n)->(n)"},
    {"best_rival", {best_rival}, dq_d, 2, 1, "(n),(n)->(n)"},
    {"share_in_race", {share_in_race}, dq_d, 2, 1, "(n),(n)->(n)"},
    {"log_mean_odds", {log_mean_odds}, dq_d, 2, 1, "(n),(n)->(n)"},
    {"placed_in_race", {placed_in_race}, ddqq_d, 4, 1, "(n),(3),(n),(n)->(n)"},
    {"value_at", {value_at}, dddq_d, 4, 1, "(n),(n),(n),(n)->(n)"},
    {"usual_at", {usual_at}, all_d, 8, 2, "(),(),(),(),(m),(m,c,b,r),(m,c,r),(m,g,r)->(r),(r)"},
    {"condition", {condition}, all_d, 11, 3, "(k),(k),(k),(k),(k),(k),(k),(),(),(),(8)->(),(),()"},
};

static int exec_module(PyObject *module)
{
    PyDateTime_IMPORT;
    if (!(name_date = PyUnicode_InternFromString("date")) || !(name_track = PyUnicode_InternFromString("track"))
        || !(name_distance = PyUnicode_InternFromString("distance_m"))
        || !(name_grade = PyUnicode_InternFromString("grade")) || !(name_box = PyUnicode_InternFromString("box"))
        || !(name_calls = PyUnicode_InternFromString("position_in_running")))
        return -1;
    if (PyArray_ImportNumPyAPI() < 0 || PyUFunc_ImportUFuncAPI() < 0)
        return -1;
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        PyObject *ufunc = PyUFunc_FromFuncAndDataAndSignature(
            (PyUFuncGenericFunction *)loops[i].loop, no_data, (char *)loops[i].types, N_TYPES, loops[i].n_in,
            loops[i].n_out, PyUFunc_None, loops[i].name, "See racing.ops.plain.", 0, loops[i].signature);
        if (!ufunc || PyModule_AddObject(module, loops[i].name, ufunc) < 0)
            return -1;
    }
    return PyType_Ready(&TapeType) < 0 ? -1 : PyModule_AddObjectRef(module, "Tape", (PyObject *)&TapeType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "racing.ops._loops", .m_size = 0, .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__loops(void) { return PyModuleDef_Init(&definition); }
