/* A net over the field, one race at a time: what racing/ops/nets.py describes, on vectors as wide as a processor has.
 *
 * Here is what comes from Python and goes there; the sums are in _nets_kernel.h, which is built for each width.
 */
#include "_nets.h"

#include <numpy/arrayobject.h>

#define FEW 64 /* runners that take less time than letting go of the interpreter and coming back may cost */

static AddRaces *add_races = add_races_by_4;

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
    if (net->width % (net->n_heads * BLOCK) || net->hidden % BLOCK || net->run_width % BLOCK
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
        net->numbers = PyMem_Malloc((n_numbers + BLOCK) * sizeof(float));
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

static AddRaces *of_width(int lanes)
{
#if HAS_WIDE_VECTORS
    if (lanes == 16 && __builtin_cpu_supports("avx512f"))
        return add_races_by_16;
    if (lanes == 8 && __builtin_cpu_supports("avx2"))
        return add_races_by_8;
#endif
    return lanes == 4 ? add_races_by_4 : NULL;
}

/* use_lanes(n): from now on vectors have so many floats; for tests, which hold that the answers are the same */
static PyObject *use_lanes(PyObject *module, PyObject *lanes)
{
    AddRaces *chosen = of_width((int)PyLong_AsLong(lanes));
    if (PyErr_Occurred())
        return NULL;
    if (!chosen)
        return refuse("vectors have 4 floats, or 8 or 16 where the processor has them"), NULL;
    add_races = chosen;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"use_lanes", use_lanes, METH_O, "Use vectors of 4, 8 or 16 floats from now on."}, {NULL, NULL, 0, NULL}};

static int exec_module(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0 || PyType_Ready(&NetType) < 0)
        return -1;
    for (int lanes = 4; lanes <= BLOCK; lanes *= 2)
        add_races = of_width(lanes) ? of_width(lanes) : add_races;
    return PyModule_AddObjectRef(module, "Net", (PyObject *)&NetType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "racing.ops._nets", .m_size = 0, .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__nets(void) { return PyModuleDef_Init(&definition); }
