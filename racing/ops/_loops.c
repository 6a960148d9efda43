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
#include <stddef.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>
#include <structmember.h>

#define D(pointer) (*(double *)(pointer))
#define MAX_RUNS 32

/* -- one value at a time ------------------------------------------------------------------------------ */

static void fill_nan(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double value = D(args[0] + i * steps[0]);
        D(args[2] + i * steps[2]) = isnan(value) ? D(args[1] + i * steps[1]) : value;
    }
}

static void ratio(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    for (npy_intp i = 0; i < dims[0]; i++) {
        double below = D(args[1] + i * steps[1]);
        D(args[2] + i * steps[2]) = isgreater(below, 0.0) ? D(args[0] + i * steps[0]) / below : NAN;
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

/* Four dogs at a time, one in each lane of a vector; each lane's sums run in the same order as alone. */
#define LANES 4
#define EACH_LANE for (int l = 0; l < LANES; l++)
typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef long long Masks __attribute__((vector_size(LANES * sizeof(long long))));
#define WHERE(mask, lanes) ((Lanes)((mask) & (Masks)(lanes))) /* 0 elsewhere */

/* The runs of four dogs, and as the last of all the card's; see plain.condition. */
typedef struct {
    Lanes debut, by_track, by_course, by_distance, by_zone, since_oldest;
    Lanes observed[MAX_RUNS], noise[MAX_RUNS + 1], state[MAX_RUNS + 1];
    Lanes distance[MAX_RUNS + 1], track[MAX_RUNS + 1], zone[MAX_RUNS + 1];
    Lanes a[MAX_RUNS + 1][MAX_RUNS], gain[MAX_RUNS]; /* the row of the card is how it goes with each run */
} System;

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_THIS_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_THIS_CPU
#endif

/* The covariances of m runs and of the card with them; a holds what is due to the distance. */
FOR_THIS_CPU static void covariances(System *s, npy_intp m)
{
    for (npy_intp r = 0; r <= m; r++)
        for (npy_intp c = 0; c < r; c++) {
            const Masks is_older = s->state[r] < s->state[c], on_track = s->track[r] == s->track[c];
            s->a[r][c] = s->debut + (WHERE(is_older, s->state[r]) + WHERE(~is_older, s->state[c]))
                         + WHERE(on_track, s->by_track)
                         + WHERE(on_track & (s->distance[r] == s->distance[c]), s->by_course) + s->a[r][c]
                         + WHERE(s->zone[r] == s->zone[c], s->by_zone);
        }
    for (npy_intp r = 0; r < m; r++)
        s->a[r][r] = s->debut + s->state[r] + s->by_track + s->by_course + s->by_distance + s->by_zone + s->noise[r];
}

/* Cholesky in place: a = l l', then l y = to_card, l' gain = y. */
FOR_THIS_CPU static void solve(System *s, npy_intp m)
{
    for (npy_intp c = 0; c < m; c++)
        for (npy_intp r = c; r < m; r++) {
            Lanes left = s->a[r][c];
            for (npy_intp k = 0; k < c; k++)
                left -= s->a[r][k] * s->a[c][k];
            if (r == c)
                EACH_LANE left[l] = sqrt(left[l]);
            else
                left /= s->a[c][c];
            s->a[r][c] = left;
        }
    for (npy_intp r = 0; r < m; r++) {
        Lanes left = s->a[m][r];
        for (npy_intp k = 0; k < r; k++)
            left -= s->a[r][k] * s->gain[k];
        s->gain[r] = left / s->a[r][r];
    }
    for (npy_intp r = m - 1; r >= 0; r--) {
        Lanes left = s->gain[r];
        for (npy_intp k = r + 1; k < m; k++)
            left -= s->a[k][r] * s->gain[k];
        s->gain[r] = left / s->a[r][r];
    }
}

/* (k)x7,()x3,(8)->(),(),(): see plain.condition for the meaning and the source of the method. */
static void condition(char **args, npy_intp const *dims, npy_intp const *steps, void *unused)
{
    enum { OBSERVED, NOISE, DAYS, RUNS, DISTANCE, TRACK, ZONE, CARD_DISTANCE, CARD_TRACK, CARD_ZONE, KERNEL };
    enum { MEAN = 11, LOADING, VARIANCE, N_ARGS };
    const npy_intp *core = steps + N_ARGS;
    System s;

    for (npy_intp first = 0; first < dims[0]; first += LANES) {
        const int n_lanes = dims[0] - first < LANES ? (int)(dims[0] - first) : LANES;
        npy_intp n_known[LANES] = {0}, most = 0;
        if (dims[1] > MAX_RUNS) { /* racing.ratings.posterior refuses it with a message; memory stays safe anyway */
            for (int l = 0; l < n_lanes; l++)
                for (int out = MEAN; out < N_ARGS; out++)
                    D(args[out] + (first + l) * steps[out]) = NAN;
            continue;
        }
        memset(&s, 0, offsetof(System, observed));
        for (int l = 0; l < n_lanes; l++) {
            const npy_intp i = first + l;
#define OF_RUN(which, k) D(args[which] + i * steps[which] + (k) * core[which])
#define OF_CARD(which) D(args[which] + i * steps[which])
#define OF_KERNEL(p) D(args[KERNEL] + i * steps[KERNEL] + (p) * core[7])
            const double day = OF_KERNEL(1), run = OF_KERNEL(2);
            s.debut[l] = OF_KERNEL(0), s.by_track[l] = OF_KERNEL(3), s.by_course[l] = OF_KERNEL(4);
            s.by_distance[l] = OF_KERNEL(5), s.by_zone[l] = OF_KERNEL(7);
            npy_intp m = 0;
            for (npy_intp k = 0; k < dims[1]; k++) {
                double drift = day * OF_RUN(DAYS, k) + run * OF_RUN(RUNS, k), observed = OF_RUN(OBSERVED, k);
                if (drift > s.since_oldest[l])
                    s.since_oldest[l] = drift;
                if (isnan(observed))
                    continue;
                s.observed[m][l] = observed;
                s.state[m][l] = drift;
                s.noise[m][l] = OF_RUN(NOISE, k);
                s.distance[m][l] = OF_RUN(DISTANCE, k);
                s.track[m][l] = OF_RUN(TRACK, k);
                s.zone[m][l] = OF_RUN(ZONE, k);
                m++;
            }
            for (npy_intp k = 0; k < m; k++)
                s.state[k][l] = s.since_oldest[l] - s.state[k][l];
            n_known[l] = m;
            most = m > most ? m : most;
        }
        EACH_LANE /* what a lane lacks is 0 */
            for (npy_intp r = n_known[l]; r <= most; r++)
                s.noise[r][l] = s.state[r][l] = s.distance[r][l] = s.track[r][l] = s.zone[r][l] = 0.0;
        for (int l = 0; l < n_lanes; l++) {
            const npy_intp i = first + l;
            const double scale = OF_KERNEL(6);
            double last = NAN, due = NAN; /* a dog runs over few distances */
            s.state[most][l] = s.since_oldest[l];
            s.distance[most][l] = OF_CARD(CARD_DISTANCE);
            s.track[most][l] = OF_CARD(CARD_TRACK);
            s.zone[most][l] = OF_CARD(CARD_ZONE);
            for (npy_intp r = 0; r <= most; r = r + 1 == n_known[l] ? most : r + 1)
                for (npy_intp c = 0; c < r && c < n_known[l]; c++) {
                    const double apart = fabs(s.distance[r][l] - s.distance[c][l]);
                    if (apart != last) {
                        last = apart;
                        due = apart == 0.0 ? s.by_distance[l] : s.by_distance[l] * exp(-apart / scale);
                    }
                    s.a[r][c][l] = due;
                }
        }
        covariances(&s, most);
        EACH_LANE /* runs that a lane lacks say nothing: their gain is 0 exactly */
            for (npy_intp r = n_known[l]; r < most; r++) {
                for (npy_intp c = 0; c < r; c++)
                    s.a[r][c][l] = 0.0;
                s.a[r][r][l] = 1.0;
                s.a[most][r][l] = 0.0;
            }
        solve(&s, most);
        for (int l = 0; l < n_lanes; l++) {
            double mean = 0.0, known = 0.0, explained = 0.0;
            for (npy_intp k = 0; k < n_known[l]; k++) {
                mean += s.gain[k][l] * s.observed[k][l];
                known += s.gain[k][l];
                explained += s.gain[k][l] * s.a[most][k][l];
            }
            D(args[MEAN] + (first + l) * steps[MEAN]) = mean;
            D(args[LOADING] + (first + l) * steps[LOADING]) = 1.0 - known;
            D(args[VARIANCE] + (first + l) * steps[VARIANCE]) = s.debut[l] + s.since_oldest[l] + s.by_track[l]
                                                                + s.by_course[l] + s.by_distance[l] + s.by_zone[l]
                                                                - explained;
        }
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

/* -- a card and its dogs' runs, to numbers ------------------------------------------------------------------ */

#define MAX_NAMES 24

/* Where objects of one type hold some of their attributes: those with slots, as structs and dataclasses here,
 * are read without looking a name up, which takes a tenth of the time; of any other type the name is. */
typedef struct {
    PyObject *names;
    PyTypeObject *type;
    Py_ssize_t offsets[MAX_NAMES];
} Slots;

static int find_slots(Slots *slots, PyTypeObject *type)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(slots->names); i++) {
        PyObject *found = PyObject_GetAttr((PyObject *)type, PyTuple_GET_ITEM(slots->names, i));
        slots->offsets[i] = 0;
        if (found && Py_IS_TYPE(found, &PyMemberDescr_Type)) {
            PyMemberDescrObject *slot = (PyMemberDescrObject *)found;
            if (slot->d_member->type == T_OBJECT_EX && PyType_IsSubtype(type, PyDescr_TYPE(slot)))
                slots->offsets[i] = slot->d_member->offset;
        } else if (!found) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError))
                return -1;
            PyErr_Clear(); /* an attribute of the object itself */
        }
        Py_XDECREF(found);
    }
    slots->type = type;
    return 0;
}

static PyObject *attribute(Slots *slots, PyObject *object, Py_ssize_t which)
{
    if (Py_TYPE(object) != slots->type && find_slots(slots, Py_TYPE(object)) < 0)
        return NULL;
    PyObject *value = slots->offsets[which] ? *(PyObject **)((char *)object + slots->offsets[which]) : NULL;
    return value ? Py_NewRef(value) : PyObject_GetAttr(object, PyTuple_GET_ITEM(slots->names, which));
}

static double as_number(PyObject *value)
{
    return value == Py_None             ? NAN
           : PyFloat_CheckExact(value) ? PyFloat_AS_DOUBLE(value)
           : PyLong_CheckExact(value)  ? PyLong_AsDouble(value)
                                       : PyFloat_AsDouble(value);
}

static double number_of(Slots *slots, PyObject *object, Py_ssize_t which)
{
    PyObject *value = attribute(slots, object, which);
    double found = value ? as_number(value) : NAN;
    Py_XDECREF(value);
    return found;
}

static double known_box(double box)
{
    return box > 8 ? NAN : box; /* a reserve's number: its box is not known */
}

/* Days since 1970-01-01 (Hinnant, 2013: days_from_civil). */
static double days_of(int year, int month, int day)
{
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097.0 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The arguments of usual_at for one row, the tables in their places. */
typedef struct {
    char *args[10];
    npy_intp dims[6], steps[10 + 13];
} Usual;

static int is_block(PyObject *object, int n_dims)
{
    return PyArray_Check(object) && PyArray_NDIM((PyArrayObject *)object) == n_dims
           && PyArray_TYPE((PyArrayObject *)object) == NPY_DOUBLE && PyArray_IS_C_CONTIGUOUS((PyArrayObject *)object);
}

/* Returns how many ratings the tables (months, by box, by course, by class) are of, or -1. */
static npy_intp usual_tables(PyObject *tables, Usual *usual)
{
    enum { MONTHS, BY_BOX, BY_COURSE, BY_GRADE };
    static const int n_dims[] = {1, 4, 3, 3};
    npy_intp *core = usual->steps + 10;
    for (int t = 0, at = 0; t < 4; t++) {
        PyObject *table = PyTuple_GET_SIZE(tables) == 4 ? PyTuple_GET_ITEM(tables, t) : Py_None;
        if (!is_block(table, n_dims[t]))
            goto refused;
        usual->args[4 + t] = PyArray_DATA((PyArrayObject *)table);
        for (int d = 0; d < n_dims[t]; d++)
            core[at++] = PyArray_STRIDE((PyArrayObject *)table, d);
    }
#define SIZE(t, d) PyArray_DIM((PyArrayObject *)PyTuple_GET_ITEM(tables, t), d)
    const npy_intp sizes[] = {1, SIZE(BY_BOX, 0), SIZE(BY_BOX, 1), SIZE(BY_BOX, 2), SIZE(BY_BOX, 3), SIZE(BY_GRADE, 1)};
    if (SIZE(MONTHS, 0) != sizes[1] || SIZE(BY_COURSE, 0) != sizes[1] || SIZE(BY_COURSE, 1) != sizes[2]
        || SIZE(BY_COURSE, 2) != sizes[4] || SIZE(BY_GRADE, 0) != sizes[1] || SIZE(BY_GRADE, 2) != sizes[4])
        goto refused;
    memcpy(usual->dims, sizes, sizeof sizes);
    core[11] = core[12] = sizeof(double);
    return sizes[4];
refused:
    PyErr_SetString(PyExc_ValueError, "the tables of what is usual do not fit each other");
    return -1;
}

static void write_usual(Usual *usual, double month, double course, double box, double grade, double *boxes)
{
    double where[] = {month, course, box, grade};
    for (int i = 0; i < 4; i++)
        usual->args[i] = (char *)&where[i];
    usual->args[8] = (char *)boxes;
    usual->args[9] = (char *)(boxes + usual->dims[4]);
    usual_at(usual->args, usual->dims, usual->steps, NULL);
}

typedef struct {
    Slots slots; /* date, track, distance, class, box and calls of a run, and what is read as it is */
    PyObject *courses, *grades;
    Usual *usual;
} RunReader;

enum { DATE, TRACK, DISTANCE, CLASS, RUN_BOX, CALLS, N_READ };

static int day_of_run(RunReader *reader, PyObject *run, double *day)
{
    PyObject *date = attribute(&reader->slots, run, DATE);
    int is_date = date && PyDate_Check(date);
    if (is_date)
        *day = days_of(PyDateTime_GET_YEAR(date), PyDateTime_GET_MONTH(date), PyDateTime_GET_DAY(date));
    else if (date)
        PyErr_SetString(PyExc_TypeError, "the date of a run must be a date");
    Py_XDECREF(date);
    return is_date ? 0 : -1;
}

/* Returns 1 where the course or the class is not among those that were looked up, -1 with an error. */
static int read_run(RunReader *reader, PyObject *run, double *to)
{
    const Py_ssize_t n_names = PyTuple_GET_SIZE(reader->slots.names);
    PyObject *given[N_READ] = {NULL}, *key = NULL;
    int is_missing = 0;
    for (int i = 0; i < N_READ; i++)
        if (!(given[i] = attribute(&reader->slots, run, i)))
            goto done;
    if (!(key = PyTuple_Pack(2, given[TRACK], given[DISTANCE])))
        goto done;
    int year = PyDateTime_GET_YEAR(given[DATE]), month = PyDateTime_GET_MONTH(given[DATE]);
    to[0] = days_of(year, month, PyDateTime_GET_DAY(given[DATE]));
    to[1] = year * 12 + month - (1970 * 12 + 1);
    PyObject *course = PyDict_GetItemWithError(reader->courses, key);
    PyObject *grade = PyDict_GetItemWithError(reader->grades, given[CLASS]);
    is_missing = !course || !grade;
    if (is_missing || !PyTuple_Check(course) || PyTuple_GET_SIZE(course) != 2)
        goto done;
    to[2] = as_number(PyTuple_GET_ITEM(course, 0));
    to[3] = as_number(PyTuple_GET_ITEM(course, 1));
    to[4] = as_number(grade);
    to[5] = known_box(as_number(given[RUN_BOX]));
    /* A single digit is no call: sources that know none write the finishing position there. */
    PyObject *calls = given[CALLS];
    Py_UCS4 first = PyUnicode_Check(calls) && PyUnicode_GET_LENGTH(calls) > 1 ? PyUnicode_READ_CHAR(calls, 0) : 0;
    to[6] = first >= '1' && first <= '8' ? first - '0' : NAN;
    for (Py_ssize_t i = N_READ; i < n_names; i++)
        to[1 + i] = number_of(&reader->slots, run, i);
    write_usual(reader->usual, to[1], to[3], to[5], to[4], to + 1 + n_names);
done:
    for (int i = 0; i < N_READ; i++)
        Py_XDECREF(given[i]);
    Py_XDECREF(key);
    return PyErr_Occurred() ? -1 : is_missing;
}

typedef struct {
    double day;
    PyObject *run;
} DatedRun;

/* Writes a dog's runs newest first, stored ones and those that its card brings; see plain.read_card.
 * Returns 1 with the run in *unknown where it cannot be read yet, -1 with an error. */
static int read_dog(RunReader *reader, PyObject *form, PyArrayObject *runs, double race_day, npy_intp window,
                    npy_intp n_places, double *stored, npy_intp n_stored_columns, double *brought,
                    npy_intp n_columns, npy_int64 *counts, double *career, double *first_day, PyObject **unknown)
{
    const npy_intp n_form = PySequence_Fast_GET_SIZE(form), n_stored = PyArray_DIM(runs, 0);
    const double *rows = PyArray_DATA(runs);
    npy_intp n_before = 0, place = 0, row = n_stored - 1, n_brought = 0;
    int result = 0;
    DatedRun *newest_first = PyMem_Malloc((n_form ? n_form : 1) * sizeof(DatedRun));
    if (!newest_first)
        return PyErr_NoMemory(), -1;
    for (npy_intp i = 0; i < n_form; i++) {
        DatedRun one = {0.0, PySequence_Fast_GET_ITEM(form, i)};
        if ((result = day_of_run(reader, one.run, &one.day)) < 0)
            goto done;
        if (one.day >= race_day)
            continue;
        npy_intp at = n_before++;
        for (; at > 0 && newest_first[at - 1].day < one.day; at--)
            newest_first[at] = newest_first[at - 1];
        newest_first[at] = one;
    }
#define WRITE_STORED()                                                                                        \
    do {                                                                                                      \
        if (place < n_places)                                                                                 \
            memcpy(stored + place * n_stored_columns, rows + row * n_stored_columns,                          \
                   n_stored_columns * sizeof(double));                                                        \
        place++, row--;                                                                                       \
    } while (0)
    for (npy_intp i = 0; i < n_before; i++) {
        const double day = newest_first[i].day;
        while (row >= 0 && rows[row * n_stored_columns] > day)
            WRITE_STORED();
        if ((row >= 0 && rows[row * n_stored_columns] == day) || (i > 0 && newest_first[i - 1].day == day))
            continue; /* a run that both hold, or that the card brings twice, counts once */
        if (place < n_places && (result = read_run(reader, newest_first[i].run, brought + place * n_columns))) {
            *unknown = newest_first[i].run;
            goto done;
        }
        place++, n_brought++;
        /* Of runs older than the stored ones that are at hand nobody knows whether they are among those counted. */
        if (n_stored < window || day > rows[0])
            *career += 1.0;
        if (!isgreaterequal(day, *first_day)) /* or it is not known */
            *first_day = day;
    }
    while (row >= 0)
        WRITE_STORED();
    counts[0] = n_stored + n_brought;
    counts[1] = n_form - n_before;
done:
    PyMem_Free(newest_first);
    return result;
}

enum { OF_RUNNER = 4, FORM = OF_RUNNER, CAREER = OF_RUNNER, FIRST_DAY, OF_RACE, N_OF_RACE = 5 };

/* See plain.read_card. */
static PyObject *read_card(PyObject *module, PyObject *args)
{
    PyObject *runners, *dogs, *race, *tables, *unknown = NULL, *result = NULL;
    PyArrayObject *card, *stored, *brought, *counts;
    Usual usual = {{NULL}, {0}, {0}};
    Slots slots = {NULL, NULL, {0}};
    RunReader reader = {{NULL, NULL, {0}}, NULL, NULL, &usual};
    double of_race[2 + N_OF_RACE]; /* month and course; day, track, distance, class and the track's number */
    Py_ssize_t window;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!O!O!O!nO!O!O!O!", &PyList_Type, &runners, &PyList_Type, &dogs, &PyTuple_Type,
                          &race, &PyTuple_Type, &slots.names, &PyTuple_Type, &reader.slots.names, &PyDict_Type,
                          &reader.courses, &PyDict_Type, &reader.grades, &PyTuple_Type, &tables, &window, &PyArray_Type,
                          &card, &PyArray_Type, &stored, &PyArray_Type, &brought, &PyArray_Type, &counts))
        return NULL;
    const npy_intp n = PyList_GET_SIZE(runners), n_ratings = usual_tables(tables, &usual);
    const Py_ssize_t n_names = PyTuple_GET_SIZE(reader.slots.names);
    if (n_ratings < 0)
        return NULL;
    if (PyList_GET_SIZE(dogs) != n || PyTuple_GET_SIZE(race) != 2 + N_OF_RACE || n_names > MAX_NAMES
        || n_names < N_READ || PyTuple_GET_SIZE(slots.names) != OF_RUNNER + 1 || !is_block((PyObject *)card, 2)
        || !is_block((PyObject *)stored, 3) || !is_block((PyObject *)brought, 3) || PyArray_DIM(card, 0) != n
        || PyArray_DIM(stored, 0) != n || PyArray_DIM(brought, 0) != n
        || PyArray_DIM(stored, 1) != PyArray_DIM(brought, 1) || PyArray_DIM(card, 1) != OF_RACE + N_OF_RACE + 2 * n_ratings
        || PyArray_DIM(brought, 2) != 1 + n_names + 2 * n_ratings || PyArray_NDIM(counts) != 2
        || PyArray_DIM(counts, 0) != n || PyArray_DIM(counts, 1) != 2 || PyArray_TYPE(counts) != NPY_INT64
        || !PyArray_IS_C_CONTIGUOUS(counts)) {
        PyErr_SetString(PyExc_ValueError, "the blocks of a card do not fit its runners");
        return NULL;
    }
    for (int i = 0; i < 2 + N_OF_RACE; i++)
        of_race[i] = as_number(PyTuple_GET_ITEM(race, i));
    double *all = PyArray_DATA(stored);
    for (npy_intp i = 0; i < PyArray_SIZE(stored); i++)
        all[i] = NAN;
    all = PyArray_DATA(brought);
    for (npy_intp i = 0; i < PyArray_SIZE(brought); i++)
        all[i] = NAN;
    for (npy_intp i = 0; i < n && !PyErr_Occurred() && !unknown; i++) {
        PyObject *runner = PyList_GET_ITEM(runners, i), *dog = PyList_GET_ITEM(dogs, i), *runs, *n_runs, *first_day;
        double *to = PyArray_GETPTR2(card, i, 0);
        if (!PyTuple_Check(dog) || PyTuple_GET_SIZE(dog) != 3 || !is_block(runs = PyTuple_GET_ITEM(dog, 0), 2)
            || PyArray_DIM((PyArrayObject *)runs, 1) != PyArray_DIM(stored, 2)) {
            PyErr_SetString(PyExc_ValueError, "a dog is its stored runs, their number, and the day of the first");
            break;
        }
        n_runs = PyTuple_GET_ITEM(dog, 1), first_day = PyTuple_GET_ITEM(dog, 2);
        for (int j = 0; j < OF_RUNNER; j++)
            to[j] = number_of(&slots, runner, j);
        to[0] = known_box(to[0]);
        to[CAREER] = as_number(n_runs);
        to[FIRST_DAY] = as_number(first_day);
        memcpy(to + OF_RACE, of_race + 2, N_OF_RACE * sizeof(double));
        write_usual(&usual, of_race[0], of_race[1], to[0], of_race[5], to + OF_RACE + N_OF_RACE);
        PyObject *brings = attribute(&slots, runner, FORM);
        PyObject *form = brings ? PySequence_Fast(brings, "form must be a sequence of runs") : NULL;
        if (form)
            read_dog(&reader, form, (PyArrayObject *)runs, of_race[2], window, PyArray_DIM(stored, 1),
                     PyArray_GETPTR3(stored, i, 0, 0), PyArray_DIM(stored, 2), PyArray_GETPTR3(brought, i, 0, 0),
                     PyArray_DIM(brought, 2), PyArray_GETPTR2(counts, i, 0), to + CAREER, to + FIRST_DAY, &unknown);
        if (isnan(to[FIRST_DAY]))
            to[FIRST_DAY] = of_race[2];
        Py_XINCREF(unknown);
        Py_XDECREF(form), Py_XDECREF(brings);
    }
    if (PyErr_Occurred())
        Py_XDECREF(unknown);
    else
        result = unknown ? unknown : Py_NewRef(Py_None);
    return result;
}

static PyMethodDef functions[] = {
    {"read_card", read_card, METH_VARARGS, "See racing.ops.plain."}, {NULL, NULL, 0, NULL}};

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
    {"ratio", {ratio}, dd_d, 2, 1, NULL},
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
