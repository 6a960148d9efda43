/* All members of a blend in one call: trees as nodes of eight bytes, breadth-first, eight rows at a time.
 *
 * racing/ops/trees.py says what goes in.  A tree's branches are those of the doubles that it was exported with:
 * features are floats, so the greatest float not above a double splits them alike.  Leaves are summed in double,
 * tree by tree, as ONNX Runtime does, so a row's result never depends on the batch that it stands in.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
#define GROUPS 4        /* of lanes that a tree is walked for before the next: it stays in the nearest cache */
#define FEW 64          /* rows that take less time than letting go of the interpreter and coming back may cost */
#define SHALLOW 8       /* levels that are walked without a look whether all lanes have arrived */
#define MAX_OBLIVIOUS 16
#define MAX_LEAVES (1 << 23) /* greater numbers read as floats that are not tiny, in the end as NaN */

/* A branch goes to the node `ahead`, or to the one after it unless the column's value is at most the threshold.  A
 * leaf is a branch to itself: its column holds -infinity for every row, and its number reads as a tiny float. */
typedef struct {
    union {
        float threshold;
        uint32_t leaf;
    };
    uint16_t column, ahead;
} Node;

typedef struct {
    uint32_t node, leaf; /* the first of each */
    uint16_t depth;
    uint16_t is_oblivious; /* all branches of a level are alike: one node a level, 2**depth leaves in order */
} Tree;

typedef struct {
    int is_linear, is_probability;
    double weight, base, clip;
    Tree *trees;
    Node *nodes;
    double *leaves;
    Py_ssize_t n_trees, n_levels;
    double *numbers; /* linear: median, low, high, weight, weight of unknown, a row each; then value, weight of levels */
    uint16_t *level_columns;
} Member;

typedef struct {
    PyObject_HEAD
    Py_ssize_t n_features, n_members, n_bytes;
    Member *members;
} Table;

/* -- scoring ------------------------------------------------------------------------------------------------ */

/* Columns of LANES rows: every feature as it is, so that NaN is above all; again, NaN below all; and the leaves'. */
static void transpose(const char *rows, npy_intp n, const npy_intp *strides, Py_ssize_t n_features, float *to)
{
    float *unknown_is_low = to + n_features * LANES;
    for (npy_intp lane = 0; lane < LANES; lane++) {
        const char *row = rows + (lane < n ? lane : n - 1) * strides[0];
        for (Py_ssize_t feature = 0; feature < n_features; feature++) {
            float value = *(const float *)(row + feature * strides[1]);
            to[feature * LANES + lane] = value;
            unknown_is_low[feature * LANES + lane] = isnan(value) ? -INFINITY : value;
        }
    }
    for (int lane = 0; lane < LANES; lane++)
        to[2 * n_features * LANES + lane] = -INFINITY;
}

static void add_oblivious(const Tree *tree, const Node *node, const double *leaves, const float *x, double *sums)
{
    uint32_t at[LANES] = {0};
    for (int level = 0; level < tree->depth; level++) {
        const float *column = x + node[level].column, threshold = node[level].threshold;
        for (int lane = 0; lane < LANES; lane++)
            at[lane] = 2 * at[lane] + !(column[lane] <= threshold);
    }
    for (int lane = 0; lane < LANES; lane++)
        sums[lane] += leaves[at[lane]];
}

#define STEP(lane)                                                                                            \
    do {                                                                                                      \
        const Node node = *at[lane];                                                                          \
        size_t step = node.ahead + (size_t)!(x[node.column + (lane)] <= node.threshold);                      \
        at[lane] += step, moved |= step;                                                                      \
    } while (0)

static void add_tree(const Tree *tree, const Node *nodes, const double *leaves, const float *x, double *sums)
{
    const Node *at[LANES];
    size_t moved = 0;
    for (int lane = 0; lane < LANES; lane++)
        at[lane] = nodes;
    int sure = tree->depth < SHALLOW ? tree->depth : 4;
    for (int level = 0; level < sure; level++)
        for (int lane = 0; lane < LANES; lane++)
            STEP(lane);
    if (tree->depth > sure)
        do {
            moved = 0;
            for (int lane = 0; lane < LANES; lane++)
                STEP(lane);
        } while (moved);
    for (int lane = 0; lane < LANES; lane++)
        sums[lane] += leaves[at[lane]->leaf];
}

static void add_trees(const Member *member, int n_groups, const float *x, Py_ssize_t size, double *totals)
{
    double sums[GROUPS * LANES] = {0};
    for (Py_ssize_t i = 0; i < member->n_trees; i++) {
        const Tree *tree = member->trees + i;
        const Node *nodes = member->nodes + tree->node;
        const double *leaves = member->leaves + tree->leaf;
        for (int group = 0; group < n_groups; group++)
            (tree->is_oblivious ? add_oblivious : add_tree)(tree, nodes, leaves, x + group * size, sums + group * LANES);
    }
    for (int row = 0; row < n_groups * LANES; row++) {
        double answer = (float)(sums[row] + member->base); /* ONNX Runtime gives floats */
        if (member->is_probability) {
            double p = answer < member->clip ? member->clip : answer > 1 - member->clip ? 1 - member->clip : answer;
            answer = log(p / (1.0 - p));
        }
        totals[row] += member->weight * answer;
    }
}

static void add_linear(const Member *member, Py_ssize_t n_features, const float *x, double *totals)
{
    const double *median = member->numbers, *low = median + n_features, *high = low + n_features,
                 *weight = high + n_features, *of_unknown = weight + n_features,
                 *level = of_unknown + n_features, *of_level = level + member->n_levels;
    double sums[LANES] = {0}, flags[LANES] = {0}, levels[LANES] = {0};
    for (Py_ssize_t feature = 0; feature < n_features; feature++) {
        const float *column = x + feature * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            const int is_unknown = isnan(column[lane]);
            double value = is_unknown ? median[feature] : column[lane];
            value = value < low[feature] ? low[feature] : value;
            value = value > high[feature] ? high[feature] : value;
            sums[lane] += value * weight[feature];
            flags[lane] += is_unknown ? of_unknown[feature] : 0.0;
        }
    }
    for (Py_ssize_t i = 0; i < member->n_levels; i++)
        for (int lane = 0; lane < LANES; lane++)
            levels[lane] += x[member->level_columns[i] * LANES + lane] == level[i] ? of_level[i] : 0.0;
    for (int lane = 0; lane < LANES; lane++)
        totals[lane] += member->weight * (sums[lane] + flags[lane] + levels[lane] + member->base);
}

static npy_intp score(const Table *table, const char *rows, npy_intp n, const npy_intp *strides, float *x, double *out)
{
    const Py_ssize_t size = (2 * table->n_features + 1) * LANES;
    npy_intp not_finite = -1;
    for (npy_intp start = 0; start < n; start += GROUPS * LANES) {
        const npy_intp n_here = n - start < GROUPS * LANES ? n - start : GROUPS * LANES;
        const int n_groups = (int)((n_here + LANES - 1) / LANES);
        double totals[GROUPS * LANES] = {0};
        memcpy(totals, out + start, n_here * sizeof(double));
        for (int group = 0; group < n_groups; group++)
            transpose(rows + (start + group * LANES) * strides[0], n_here - group * LANES, strides, table->n_features,
                      x + group * size);
        for (const Member *member = table->members; member < table->members + table->n_members; member++)
            if (member->is_linear)
                for (int group = 0; group < n_groups; group++)
                    add_linear(member, table->n_features, x + group * size, totals + group * LANES);
            else
                add_trees(member, n_groups, x, size, totals);
        memcpy(out + start, totals, n_here * sizeof(double));
        for (npy_intp row = 0; row < n_here && not_finite < 0; row++)
            if (!isfinite(totals[row]))
                not_finite = start + row;
    }
    return not_finite;
}

/* add_to(rows, out) -> the first row of which the sum is not finite, or -1 */
static PyObject *table_add_to(Table *table, PyObject *const *args, Py_ssize_t n_args)
{
    if (n_args != 2 || !PyArray_Check(args[0]) || !PyArray_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "add_to takes two arrays");
    PyArrayObject *rows = (PyArrayObject *)args[0], *out = (PyArrayObject *)args[1];
    if (PyArray_NDIM(rows) != 2 || PyArray_TYPE(rows) != NPY_FLOAT || !PyArray_ISALIGNED(rows)
        || !PyArray_ISNOTSWAPPED(rows) || PyArray_DIM(rows, 1) != table->n_features)
        return PyErr_Format(PyExc_ValueError, "rows must be floats of shape (n, %zd)", table->n_features);
    const npy_intp n = PyArray_DIM(rows, 0);
    if (PyArray_NDIM(out) != 1 || PyArray_TYPE(out) != NPY_DOUBLE || PyArray_DIM(out, 0) != n
        || !PyArray_ISCARRAY(out))
        return PyErr_Format(PyExc_ValueError, "out must be %zd doubles", (Py_ssize_t)n);
    if (!n)
        return PyLong_FromLong(-1);
    const size_t n_groups = n < GROUPS * LANES ? (n + LANES - 1) / LANES : GROUPS;
    float *x = malloc(n_groups * (2 * table->n_features + 1) * LANES * sizeof(float));
    if (!x)
        return PyErr_NoMemory();
    npy_intp not_finite;
    if (n <= FEW)
        not_finite = score(table, PyArray_BYTES(rows), n, PyArray_STRIDES(rows), x, PyArray_DATA(out));
    else {
        Py_BEGIN_ALLOW_THREADS;
        not_finite = score(table, PyArray_BYTES(rows), n, PyArray_STRIDES(rows), x, PyArray_DATA(out));
        Py_END_ALLOW_THREADS;
    }
    free(x);
    return PyLong_FromSsize_t(not_finite);
}

/* -- building: whatever an artifact holds, a table's nodes lead to its nodes and leaves alone ------------------- */

typedef struct {
    const int64_t *roots, *feature, *yes, *no;
    const double *threshold, *value;
    const npy_bool *unknown_is_yes;
    Py_ssize_t n_trees, n_nodes, n_features;
    int comparison; /* '<': less, 'l': less or equal, 'g': greater */
} Graph;

/* The greatest float t for which "x <= t" says of every float x what the comparison with a double says. */
static float as_float(double threshold, int comparison)
{
    float below = (float)threshold;
    if ((double)below > threshold || (comparison == '<' && (double)below == threshold))
        below = nextafterf(below, -INFINITY);
    return below;
}

static int refuse(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return -1;
}

/* Lay one tree out breadth-first: `source` is the queue, and says which node of the graph each is. */
static Py_ssize_t lay_out(const Graph *graph, int64_t root, Node *nodes, double *leaves, Py_ssize_t room,
                          int64_t *source, uint16_t *level, Py_ssize_t *n_leaves)
{
    Py_ssize_t end = 1;
    if (room < 1)
        return refuse("a tree shares its nodes with another");
    source[0] = root, level[0] = 0, *n_leaves = 0;
    for (Py_ssize_t i = 0; i < end; i++) {
        const int64_t from = source[i];
        if (from < 0 || from >= graph->n_nodes)
            return refuse("a branch leads nowhere");
        if (graph->yes[from] < 0) {
            if (!isfinite(graph->value[from]))
                return refuse("a leaf must be finite");
            if (*n_leaves >= MAX_LEAVES)
                return refuse("a tree has too many leaves");
            nodes[i] = (Node){.leaf = (uint32_t)*n_leaves, .column = (uint16_t)(2 * graph->n_features * LANES), .ahead = 0};
            leaves[(*n_leaves)++] = graph->value[from];
            continue;
        }
        const int is_greater = graph->comparison == 'g';
        const float threshold = as_float(graph->threshold[from], graph->comparison);
        if (graph->feature[from] < 0 || graph->feature[from] >= graph->n_features || isnan(threshold))
            return refuse("a branch compares a feature with a number");
        if (end + 2 > room || end - i > UINT16_MAX - 1 || level[i] == UINT16_MAX)
            return refuse("a tree is too large, or no tree");
        const int unknown_is_low = (graph->unknown_is_yes[from] != 0) != is_greater;
        nodes[i] = (Node){.threshold = threshold,
                          .column = (uint16_t)((graph->feature[from] + (unknown_is_low ? graph->n_features : 0)) * LANES),
                          .ahead = (uint16_t)(end - i)};
        source[end] = is_greater ? graph->no[from] : graph->yes[from];
        source[end + 1] = is_greater ? graph->yes[from] : graph->no[from];
        level[end] = level[end + 1] = level[i] + 1;
        end += 2;
    }
    return end;
}

/* Whether a complete tree asks the same on all branches of a level; its leaves are in order then. */
static int is_oblivious(const Node *nodes, Py_ssize_t n, int depth, Py_ssize_t n_leaves)
{
    if (depth > MAX_OBLIVIOUS || n_leaves != (Py_ssize_t)1 << depth || n != 2 * n_leaves - 1)
        return 0;
    for (int level = 0; level < depth; level++) {
        const Node *first = nodes + (((Py_ssize_t)1 << level) - 1);
        for (Py_ssize_t i = 0; i < (Py_ssize_t)1 << level; i++)
            if (first[i].column != first->column || first[i].threshold != first->threshold || !first[i].ahead)
                return 0;
    }
    return 1;
}

static int build_trees(Table *table, Member *member, const Graph *graph)
{
    member->trees = PyMem_Calloc(graph->n_trees, sizeof(Tree));
    member->nodes = PyMem_Calloc(graph->n_nodes, sizeof(Node));
    member->leaves = PyMem_Calloc(graph->n_nodes, sizeof(double));
    int64_t *source = PyMem_Calloc(graph->n_nodes, sizeof(int64_t));
    uint16_t *level = PyMem_Calloc(graph->n_nodes, sizeof(uint16_t));
    Py_ssize_t n_nodes = 0, n_leaves = 0, n_seen = 0;
    int is_built = member->trees && member->nodes && member->leaves && source && level;
    if (!is_built)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; is_built && i < graph->n_trees; i++) {
        Tree *tree = member->trees + i;
        Node *nodes = member->nodes + n_nodes;
        Py_ssize_t new_leaves, n = lay_out(graph, graph->roots[i], nodes, member->leaves + n_leaves,
                                           graph->n_nodes - n_seen, source, level, &new_leaves);
        if (n < 0) {
            is_built = 0;
            break;
        }
        *tree = (Tree){.node = (uint32_t)n_nodes, .leaf = (uint32_t)n_leaves, .depth = level[n - 1]};
        n_seen += n;
        if (is_oblivious(nodes, n, tree->depth, new_leaves)) {
            tree->is_oblivious = 1;
            for (int each = 0; each < tree->depth; each++)
                nodes[each] = nodes[((Py_ssize_t)1 << each) - 1];
            n = tree->depth;
        }
        n_nodes += n, n_leaves += new_leaves;
    }
    PyMem_Free(source), PyMem_Free(level);
    if (!is_built)
        return -1;
    Node *fewer = PyMem_Realloc(member->nodes, (n_nodes ? n_nodes : 1) * sizeof(Node));
    double *fewer_leaves = PyMem_Realloc(member->leaves, n_leaves * sizeof(double));
    member->nodes = fewer ? fewer : member->nodes, member->leaves = fewer_leaves ? fewer_leaves : member->leaves;
    member->n_trees = graph->n_trees;
    table->n_bytes += n_nodes * sizeof(Node) + n_leaves * sizeof(double) + graph->n_trees * sizeof(Tree);
    return 0;
}

static const void *array_of(PyObject *value, int type, Py_ssize_t n)
{
    if (PyArray_Check(value) && PyArray_TYPE((PyArrayObject *)value) == type && PyArray_NDIM((PyArrayObject *)value) == 1
        && PyArray_DIM((PyArrayObject *)value, 0) == n && PyArray_ISCARRAY_RO((PyArrayObject *)value))
        return PyArray_DATA((PyArrayObject *)value);
    refuse("arrays must be of the types and lengths that racing.ops.trees names");
    return NULL;
}

static Member *new_member(Table *table, double weight, double base)
{
    Member *members = PyMem_Realloc(table->members, (table->n_members + 1) * sizeof(Member));
    if (!members)
        return (Member *)PyErr_NoMemory();
    table->members = members;
    Member *member = members + table->n_members;
    *member = (Member){.weight = weight, .base = base};
    return member;
}

static void free_member(Member *member)
{
    PyMem_Free(member->trees), PyMem_Free(member->nodes), PyMem_Free(member->leaves);
    PyMem_Free(member->numbers), PyMem_Free(member->level_columns);
}

/* add_trees(weight, base, clip, comparison, roots, feature, threshold, yes, no, unknown_is_yes, value) */
static PyObject *table_add_trees(Table *table, PyObject *args)
{
    double weight, base, clip;
    PyObject *roots, *feature, *threshold, *yes, *no, *unknown, *value;
    Graph graph = {.n_features = table->n_features};
    if (!PyArg_ParseTuple(args, "dddCOOOOOOO", &weight, &base, &clip, &graph.comparison, &roots, &feature, &threshold,
                          &yes, &no, &unknown, &value))
        return NULL;
    if (!PyArray_Check(roots) || !PyArray_Check(feature) || PyArray_NDIM((PyArrayObject *)roots) != 1
        || PyArray_NDIM((PyArrayObject *)feature) != 1)
        return refuse("arrays must have one dimension"), NULL;
    graph.n_trees = PyArray_DIM((PyArrayObject *)roots, 0), graph.n_nodes = PyArray_DIM((PyArrayObject *)feature, 0);
    if (!graph.n_trees || !graph.n_nodes || graph.n_nodes >= INT32_MAX)
        return refuse("a member has trees, and fewer than 2**31 nodes"), NULL;
    const Py_ssize_t n = graph.n_nodes;
    if (!(graph.roots = array_of(roots, NPY_INT64, graph.n_trees)) || !(graph.feature = array_of(feature, NPY_INT64, n))
        || !(graph.threshold = array_of(threshold, NPY_DOUBLE, n)) || !(graph.yes = array_of(yes, NPY_INT64, n))
        || !(graph.no = array_of(no, NPY_INT64, n)) || !(graph.unknown_is_yes = array_of(unknown, NPY_BOOL, n))
        || !(graph.value = array_of(value, NPY_DOUBLE, n)))
        return NULL;
    Member *member = new_member(table, weight, base);
    if (!member)
        return NULL;
    member->is_probability = clip > 0, member->clip = clip;
    if (build_trees(table, member, &graph) < 0) {
        free_member(member);
        return NULL;
    }
    table->n_members++;
    Py_RETURN_NONE;
}

/* add_linear(weight, base, numbers, level_columns): five numbers a feature, then values and weights of levels */
static PyObject *table_add_linear(Table *table, PyObject *args)
{
    double weight, base;
    PyObject *numbers, *columns;
    if (!PyArg_ParseTuple(args, "ddO!O", &weight, &base, &PyArray_Type, &numbers, &columns))
        return NULL;
    const Py_ssize_t n_levels = PyObject_Length(columns), n = 5 * table->n_features + 2 * n_levels;
    if (n_levels < 0)
        return NULL;
    const double *from = array_of(numbers, NPY_DOUBLE, n);
    const int64_t *level_columns = from ? array_of(columns, NPY_INT64, n_levels) : NULL;
    Member *member = level_columns ? new_member(table, weight, base) : NULL;
    if (!member)
        return NULL;
    member->is_linear = 1, member->n_levels = n_levels;
    member->numbers = PyMem_Malloc(n * sizeof(double));
    member->level_columns = PyMem_Malloc((n_levels + 1) * sizeof(uint16_t));
    int is_built = member->numbers && member->level_columns;
    if (!is_built)
        PyErr_NoMemory();
    else
        memcpy(member->numbers, from, n * sizeof(double));
    for (Py_ssize_t i = 0; is_built && i < n; i++)
        is_built = isfinite(from[i]) || refuse("numbers must be finite") == 0;
    for (Py_ssize_t i = 0; is_built && i < n_levels; i++) {
        is_built = (level_columns[i] >= 0 && level_columns[i] < table->n_features) || refuse("a level is of no feature") == 0;
        member->level_columns[i] = (uint16_t)level_columns[i];
    }
    if (!is_built) {
        free_member(member);
        return NULL;
    }
    table->n_bytes += n * sizeof(double);
    table->n_members++;
    Py_RETURN_NONE;
}

/* -- repeated fields of Protocol Buffers, of which a graph has many ---------------------------------------------- */

/* unpack_integers(content, start, tag) -> (integers that follow one another, each after its tag; where they end) */
static PyObject *unpack_integers(PyObject *module, PyObject *args)
{
    const char *content;
    Py_ssize_t size, start;
    int tag;
    if (!PyArg_ParseTuple(args, "y#ni", &content, &size, &start, &tag))
        return NULL;
    const unsigned char *first = (const unsigned char *)content + (start < 0 ? size : start),
                        *end = (const unsigned char *)content + size, *at = first;
    npy_intp n = 0, n_room = first < end ? (end - first) / 2 + 1 : 1;
    PyArrayObject *values = (PyArrayObject *)PyArray_SimpleNew(1, &n_room, NPY_INT64);
    if (!values)
        return NULL;
    int64_t *to = PyArray_DATA(values);
    while (at + 1 < end && *at == tag) {
        const unsigned char *next = at + 1;
        uint64_t value = 0;
        int shift = 0;
        for (; next < end && *next > 127 && shift < 56; next++, shift += 7)
            value |= (uint64_t)(*next & 127) << shift;
        if (next == end || *next > 127) { /* cut off, or above 2**63: no number of a node or feature */
            Py_DECREF(values);
            return refuse("an integer that is negative, too great or cut off"), NULL;
        }
        to[n++] = (int64_t)(value | (uint64_t)*next << shift);
        at = next + 1;
    }
    PyObject *found = PySequence_GetSlice((PyObject *)values, 0, n);
    Py_DECREF(values);
    return found ? Py_BuildValue("Nn", found, (Py_ssize_t)(at - (const unsigned char *)content)) : NULL;
}

/* unpack_choices(content, start, fields) -> (which of some encoded fields follow one another; where they end) */
static PyObject *unpack_choices(PyObject *module, PyObject *args)
{
    const char *content;
    Py_ssize_t size, start;
    PyObject *fields;
    if (!PyArg_ParseTuple(args, "y#nO!", &content, &size, &start, &PyTuple_Type, &fields))
        return NULL;
    Py_ssize_t at = start < 0 || start > size ? size : start;
    const Py_ssize_t n_fields = PyTuple_GET_SIZE(fields);
    npy_intp n = 0, n_room = size - at + 1;
    PyArrayObject *values = (PyArrayObject *)PyArray_SimpleNew(1, &n_room, NPY_UINT8);
    if (!values)
        return NULL;
    uint8_t *to = PyArray_DATA(values);
    for (Py_ssize_t which = 0; which < n_fields;) {
        PyObject *field = PyTuple_GET_ITEM(fields, which);
        const Py_ssize_t length = PyBytes_Check(field) ? PyBytes_GET_SIZE(field) : 0;
        if (length && length <= size - at && !memcmp(content + at, PyBytes_AS_STRING(field), length))
            to[n++] = (uint8_t)which, at += length, which = 0;
        else
            which++;
    }
    PyObject *found = PySequence_GetSlice((PyObject *)values, 0, n);
    Py_DECREF(values);
    return found ? Py_BuildValue("Nn", found, at) : NULL;
}

static PyMethodDef functions[] = {
    {"unpack_integers", unpack_integers, METH_VARARGS, "Integers of a repeated field, and where they end."},
    {"unpack_choices", unpack_choices, METH_VARARGS, "Which of some encoded fields come, and where they end."},
    {NULL, NULL, 0, NULL}};

/* -- the type --------------------------------------------------------------------------------------------------- */

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t n_features;
    if (!PyArg_ParseTuple(args, "n", &n_features))
        return NULL;
    if (n_features < 1 || 2 * n_features * LANES > UINT16_MAX)
        return refuse("a table takes 1..4095 features"), NULL;
    Table *table = (Table *)type->tp_alloc(type, 0);
    if (table)
        table->n_features = n_features;
    return (PyObject *)table;
}

static void table_dealloc(Table *table)
{
    for (Py_ssize_t i = 0; i < table->n_members; i++)
        free_member(table->members + i);
    PyMem_Free(table->members);
    Py_TYPE(table)->tp_free((PyObject *)table);
}

static PyObject *table_n_bytes(Table *table, void *unused) { return PyLong_FromSsize_t(table->n_bytes); }

static PyMethodDef table_methods[] = {
    {"add_trees", (PyCFunction)table_add_trees, METH_VARARGS, "Take a member of trees in; see racing.ops.trees."},
    {"add_linear", (PyCFunction)table_add_linear, METH_VARARGS, "Take a linear member in; see racing.ops.trees."},
    {"add_to", (PyCFunction)(void (*)(void))table_add_to, METH_FASTCALL,
     "Add every row's log odds to out; return the first row that is not finite then, or -1."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef table_attributes[] = {
    {"n_bytes", (getter)table_n_bytes, NULL, "Bytes of the table.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyTypeObject TableType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "racing.ops._trees.Table",
    .tp_doc = "Members of a blend, ready to score; threads may share it once all members are in.",
    .tp_basicsize = sizeof(Table),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = table_new,
    .tp_dealloc = (destructor)table_dealloc,
    .tp_methods = table_methods,
    .tp_getset = table_attributes,
};

static int exec_module(PyObject *module)
{
    if (PyArray_ImportNumPyAPI() < 0 || PyType_Ready(&TableType) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Table", (PyObject *)&TableType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "racing.ops._trees", .m_size = 0, .m_methods = functions, .m_slots = slots};

PyMODINIT_FUNC PyInit__trees(void) { return PyModuleDef_Init(&definition); }
