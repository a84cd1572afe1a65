/* Nodes of Python's syntax tree, see node.h. */
#include "node.h"

#include "compat.h"
#include "compile.h"

/* Is the node of that type? */
int
node_is(PyObject *node, const char *type)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(node), "__name__");
    int is = name != NULL && PyUnicode_CompareWithASCIIString(name, type) == 0;
    Py_XDECREF(name);
    return is;
}

/* Does an assignment's target, a name or names in tuples and lists, bind the name? */
static int
node_binds(PyObject *target, const char *name)
{
    int ret = 0;
    PyObject *inner;
    if (node_is(target, "Name")) {
        inner = PyObject_GetAttrString(target, "id");
        ret = inner == NULL ? -1 : PyUnicode_CompareWithASCIIString(inner, name) == 0;
    }
    else if (node_is(target, "Starred")) {
        inner = PyObject_GetAttrString(target, "value");
        ret = inner == NULL ? -1 : node_binds(inner, name);
    }
    else if (node_is(target, "Tuple") || node_is(target, "List")) {
        inner = PyObject_GetAttrString(target, "elts");
        for (Py_ssize_t i = 0; inner != NULL && ret == 0 && i < PyList_Size(inner); i++) {
            ret = node_binds(PyList_GetItem(inner, i), name);
        }
        ret = inner == NULL ? -1 : ret;
    }
    else {
        return 0;
    }
    Py_XDECREF(inner);
    return ret;
}

int
node_assigns(PyObject *body, const char *name)
{
    int ret = 0;
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(body); i++) {
        PyObject *statement = PyList_GetItem(body, i);
        PyObject *targets = NULL;
        if (node_is(statement, "Assign")) {
            targets = PyObject_GetAttrString(statement, "targets");
            for (Py_ssize_t j = 0; targets != NULL && ret == 0 && j < PyList_Size(targets); j++) {
                ret = node_binds(PyList_GetItem(targets, j), name);
            }
        }
        else if (node_is(statement, "AugAssign") || node_is(statement, "AnnAssign")) {
            targets = PyObject_GetAttrString(statement, "target");
            ret = targets == NULL ? -1 : node_binds(targets, name);
        }
        Py_XDECREF(targets);
    }
    return PyErr_Occurred() ? -1 : ret;
}

/* Add the names of `global` statements at the top level to a set. */
int
node_add_globals(PyObject *body, PyObject *set)
{
    for (Py_ssize_t i = 0; i < PyList_Size(body); i++) {
        PyObject *statement = PyList_GetItem(body, i);
        if (!node_is(statement, "Global")) {
            continue;
        }
        PyObject *names = PyObject_GetAttrString(statement, "names");
        PyObject *added = names == NULL ? NULL : PyObject_CallMethod(set, "update", "O", names);
        Py_XDECREF(added);
        Py_XDECREF(names);
        if (added == NULL) {
            return -1;
        }
    }
    return 0;
}

int
node_is_future_import(PyObject *statement)
{
    if (!node_is(statement, "ImportFrom")) {
        return 0;
    }
    PyObject *module = PyObject_GetAttrString(statement, "module");
    int is = module != NULL && PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "__future__") == 0;
    Py_XDECREF(module);
    return is;
}

/* Does the statement import `*`? */
int
node_is_star_import(PyObject *statement)
{
    if (!node_is(statement, "ImportFrom")) {
        return 0;
    }
    PyObject *names = PyObject_GetAttrString(statement, "names");
    PyObject *name = names == NULL ? NULL : PyObject_GetAttrString(PyList_GetItem(names, 0), "name");
    int is = name != NULL && PyUnicode_CompareWithASCIIString(name, "*") == 0;
    Py_XDECREF(name);
    Py_XDECREF(names);
    return is;
}

static int
node_copy_place(PyObject *from, PyObject *to)
{
    static const char *const places[] = {"lineno", "col_offset", "end_lineno", "end_col_offset"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        PyObject *place = PyObject_GetAttrString(from, places[i]);
        int failed = place == NULL || PyObject_SetAttrString(to, places[i], place) < 0;
        Py_XDECREF(place);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* `value` as a statement becomes `.display(value)`: a name that nobody can type. New reference. */
static PyObject *
node_display(PyObject *ast, PyObject *expression)
{
    PyObject *statement = NULL, *call = NULL, *name = NULL;
    PyObject *value = PyObject_GetAttrString(expression, "value");
    PyObject *load = PyObject_CallMethod(ast, "Load", NULL);
    if (value == NULL || load == NULL) {
        goto done;
    }
    name = PyObject_CallMethod(ast, "Name", "sO", ".display", load);
    call = name == NULL ? NULL : PyObject_CallMethod(ast, "Call", "O[O][]", name, value);
    statement = call == NULL ? NULL : PyObject_CallMethod(ast, "Expr", "O", call);
    if (statement == NULL || node_copy_place(expression, statement) < 0 || node_copy_place(value, call) < 0
        || node_copy_place(value, name) < 0) {
        Py_CLEAR(statement);
    }
done:
    Py_XDECREF(name);
    Py_XDECREF(call);
    Py_XDECREF(load);
    Py_XDECREF(value);
    return statement;
}

/* Show expressions within a statement that is no function or class: `for`, `if`, `with`, `try`, `match`. */
static int
node_display_within(PyObject *ast, PyObject *statement)
{
    static const char *const blocks[] = {"body", "orelse", "finalbody"};
    static const char *const holders[] = {"handlers", "cases"}; /* lists of nodes that have a body */
    if (node_is(statement, "FunctionDef") || node_is(statement, "AsyncFunctionDef") || node_is(statement, "ClassDef")) {
        return 0;
    }
    int ret = 0;
    for (size_t i = 0; ret == 0 && i < sizeof blocks / sizeof *blocks; i++) {
        PyObject *block = PyObject_GetAttrString(statement, blocks[i]);
        PyErr_Clear(); /* it has none */
        ret = block != NULL && PyList_Check(block) ? node_display_block(ast, block) : 0;
        Py_XDECREF(block);
    }
    for (size_t i = 0; ret == 0 && i < sizeof holders / sizeof *holders; i++) {
        PyObject *list = PyObject_GetAttrString(statement, holders[i]);
        PyErr_Clear();
        for (Py_ssize_t j = 0; ret == 0 && list != NULL && j < PyList_Size(list); j++) {
            ret = node_display_within(ast, PyList_GetItem(list, j));
        }
        Py_XDECREF(list);
    }
    return ret;
}

/* Show the values of the expressions among statements, in place. */
int
node_display_block(PyObject *ast, PyObject *statements)
{
    for (Py_ssize_t i = 0; i < PyList_Size(statements); i++) {
        PyObject *statement = PyList_GetItem(statements, i);
        if (!node_is(statement, "Expr")) {
            if (node_display_within(ast, statement) < 0) {
                return -1;
            }
            continue;
        }
        PyObject *shown = node_display(ast, statement);
        if (shown == NULL || PyList_SetItem(statements, i, shown) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A parsed template, the body of its first statement or of that one's: `depth` steps down. New reference. */
PyObject *
node_template(PyObject *text, PyObject **module, int depth)
{
    PyObject *filename = PyUnicode_FromString("<hook>");
    *module = filename == NULL ? NULL : compile_call(text, filename, "exec", ONLY_AST);
    Py_XDECREF(filename);
    PyObject *node = Py_XNewRef(*module);
    while (node != NULL && depth-- > 0) {
        PyObject *body = PyObject_GetAttrString(node, "body");
        Py_SETREF(node, body == NULL ? NULL : Py_XNewRef(PyList_GetItem(body, 0)));
        Py_XDECREF(body);
    }
    return node;
}

/* Rename the first parameter of a template's function to what no text could spell. */
int
node_name_first_parameter(PyObject *module, const char *name)
{
    PyObject *value = PyUnicode_FromString(name);
    PyObject *body = PyObject_GetAttrString(module, "body");
    PyObject *node = body == NULL ? NULL : Py_XNewRef(PyList_GetItem(body, 0));
    for (int step = 0; node != NULL && step < 2; step++) { /* of the function: its arguments, their list */
        Py_SETREF(node, PyObject_GetAttrString(node, "args"));
    }
    PyObject *parameter = node == NULL ? NULL : PyList_GetItem(node, 0);
    int ret = parameter == NULL || value == NULL ? -1 : PyObject_SetAttrString(parameter, "arg", value);
    Py_XDECREF(node);
    Py_XDECREF(body);
    Py_XDECREF(value);
    return ret;
}

/* `global NAMES` or `nonlocal NAMES` as a statement; NULL without an exception when there are no names. */
PyObject *
node_declaration(const char *keyword, PyObject *names)
{
    PyObject *statement = NULL, *module = NULL;
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *joined = comma == NULL ? NULL : PyUnicode_Join(comma, names);
    if (joined != NULL && PyUnicode_GetLength(joined) > 0) {
        /* Within a function, where `nonlocal` is allowed to the parser. */
        PyObject *text = PyUnicode_FromFormat("def _():\n %s %U", keyword, joined);
        statement = text == NULL ? NULL : node_template(text, &module, 2);
        Py_XDECREF(text);
        Py_XDECREF(module);
    }
    Py_XDECREF(joined);
    Py_XDECREF(comma);
    return statement;
}
