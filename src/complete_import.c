/* Modules and what is in them, for import statements. Nothing is imported: a package that is not there yet is looked
 * for on the disk, and what a module defines is read from its source. */
#include "complete_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outline.h"

enum { IMPORT_SOURCE = 1 << 24 }; /* the largest source that is read, in bytes */

/* ---- finding ---- */

/* The text of a key of a dictionary, if it is a str: borrowed, or NULL. */
static PyObject *
import_text(PyObject *dict, const char *key)
{
    PyObject *value = peek_get_string(dict, key);
    return value != NULL && PyUnicode_CheckExact(value) ? value : NULL;
}

/* The folders of a package as a list: a new reference, or NULL. A namespace package keeps them in `_path`, and would
 * look for its parent in sys.modules if it was asked. */
static PyObject *
import_folders(PyObject *path)
{
    if (path == NULL || PyList_CheckExact(path)) {
        return Py_XNewRef(path);
    }
    PyObject *dict = peek_dict(path);
    PyObject *list = dict == NULL ? NULL : Py_XNewRef(peek_get_string(dict, "_path"));
    if (list != NULL && !PyList_CheckExact(list)) {
        Py_CLEAR(list);
    }
    Py_XDECREF(dict);
    return list;
}

static PyObject *import_spec(PyObject *module);
static PyObject *import_package(PyObject *package);

/* Where a package would be that has no __init__.py, within a package that is not imported: the import system itself
 * would want that in sys.modules. A new list of folders, there or not; or NULL. */
static PyObject *
import_guess(PyObject *package)
{
    Py_ssize_t size = PyUnicode_GetLength(package);
    Py_ssize_t dot = PyUnicode_FindChar(package, '.', 0, size, -1);
    PyObject *list = NULL;
    PyObject *above = dot <= 0 ? NULL : PyUnicode_Substring(package, 0, dot);
    PyObject *name = above == NULL ? NULL : PyUnicode_Substring(package, dot + 1, size);
    PyObject *folders = name == NULL ? NULL : import_package(above);
    if (folders != NULL) {
        list = PyList_New(0);
    }
    for (Py_ssize_t i = 0; list != NULL && i < PyList_Size(folders); i++) {
        PyObject *folder = PyList_GetItem(folders, i);
        PyObject *path = PyUnicode_CheckExact(folder) ? PyUnicode_FromFormat("%U/%U", folder, name) : NULL;
        if (path != NULL && PyList_Append(list, path) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(path);
    }
    PyErr_Clear();
    Py_XDECREF(above);
    Py_XDECREF(name);
    Py_XDECREF(folders);
    return list;
}

/* Where the modules of a package are: a new list, or NULL. */
static PyObject *
import_package(PyObject *package)
{
    PyObject *path = NULL;
    PyObject *module = peek_module(package);
    if (module != NULL) {
        PyObject *dict = peek_dict(module);
        path = dict == NULL ? NULL : import_folders(peek_get_string(dict, "__path__"));
        Py_XDECREF(dict);
        Py_DECREF(module);
        return path;
    }
    PyObject *spec = import_spec(package);
    PyObject *locations = spec == NULL ? NULL : PyObject_GetAttrString(spec, "submodule_search_locations");
    path = spec == NULL ? import_guess(package) : import_folders(locations);
    PyErr_Clear();
    Py_XDECREF(locations);
    Py_XDECREF(spec);
    return path;
}

/* What the import system knows of a module that is not imported: a new reference, or NULL. */
static PyObject *
import_spec(PyObject *module)
{
    PyObject *spec = NULL, *path = NULL;
    Py_ssize_t size = PyUnicode_GetLength(module);
    Py_ssize_t dot = PyUnicode_FindChar(module, '.', 0, size, -1);
    if (dot == 0 || size == 0) {
        return NULL;
    }
    if (dot < 0) {
        path = Py_NewRef(Py_None);
    }
    else {
        PyObject *package = PyUnicode_Substring(module, 0, dot);
        path = package == NULL ? NULL : import_package(package);
        Py_XDECREF(package);
    }
    PyObject *machinery = path == NULL ? NULL : compat_import("importlib.machinery");
    PyObject *finder = machinery == NULL ? NULL : PyObject_GetAttrString(machinery, "PathFinder");
    if (finder != NULL) {
        spec = PyObject_CallMethod(finder, "find_spec", "OO", module, path);
    }
    if (spec == Py_None) {
        Py_CLEAR(spec);
    }
    PyErr_Clear();
    Py_XDECREF(finder);
    Py_XDECREF(machinery);
    Py_XDECREF(path);
    return spec;
}

/* ---- modules ---- */

/* Modules in folders; `path` None for those of sys.path. */
static void
import_offer_found(Completing *c, PyObject *path)
{
    PyObject *info;
    PyObject *pkgutil = compat_import("pkgutil");
    PyObject *found = pkgutil == NULL ? NULL : PyObject_CallMethod(pkgutil, "iter_modules", "(O)", path);
    PyObject *iterator = found == NULL ? NULL : PyObject_GetIter(found);
    while (iterator != NULL && (info = PyIter_Next(iterator)) != NULL) {
        PyObject *name = PySequence_GetItem(info, 1);
        if (name != NULL) {
            complete_offer_name(c, name);
        }
        Py_XDECREF(name);
        Py_DECREF(info);
    }
    PyErr_Clear();
    Py_XDECREF(iterator);
    Py_XDECREF(found);
    Py_XDECREF(pkgutil);
}

/* Modules of a package that are imported, however they came there: os.path. */
static void
import_offer_imported(Completing *c, PyObject *package)
{
    PyObject *modules = PySys_GetObject("modules");
    PyObject *names = modules == NULL || !PyDict_Check(modules) ? NULL : PyDict_Keys(modules);
    Py_ssize_t size = PyUnicode_GetLength(package);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_Size(names); i++) {
        PyObject *name = PyList_GetItem(names, i);
        if (!PyUnicode_CheckExact(name) || PyUnicode_Tailmatch(name, package, 0, PY_SSIZE_T_MAX, -1) != 1) {
            continue;
        }
        Py_ssize_t whole = PyUnicode_GetLength(name);
        if (whole > size && PyUnicode_ReadChar(name, size) == '.'
            && PyUnicode_FindChar(name, '.', size + 1, whole, 1) < 0) {
            PyObject *last = PyUnicode_Substring(name, size + 1, whole);
            if (last != NULL) {
                complete_offer_name(c, last);
            }
            Py_XDECREF(last);
        }
    }
    PyErr_Clear();
    Py_XDECREF(names);
}

static void
import_offer_modules(Completing *c, PyObject *package)
{
    if (PyUnicode_GetLength(package) > 0) {
        PyObject *path = import_package(package);
        if (path != NULL) {
            import_offer_found(c, path);
        }
        Py_XDECREF(path);
        import_offer_imported(c, package);
        return;
    }
    import_offer_found(c, Py_None);
    PyObject *builtin = PySys_GetObject("builtin_module_names");
    for (Py_ssize_t i = 0; builtin != NULL && PyTuple_Check(builtin) && i < PyTuple_Size(builtin); i++) {
        complete_offer_name(c, PyTuple_GetItem(builtin, i));
    }
}

/* ---- what a module has ---- */

static void
import_offer_defined(void *receiver, const char *name, size_t size)
{
    PyObject *text = PyUnicode_FromStringAndSize(name, (Py_ssize_t)size);
    if (text != NULL) {
        complete_offer_name(receiver, text);
    }
    PyErr_Clear();
    Py_XDECREF(text);
}

/* The bytes of a file: to be freed; NULL if it cannot be read. */
static char *
import_read(const char *path, size_t *size)
{
    char *text = NULL;
    FILE *file = fopen(path, "rbe");
    if (file != NULL) {
        text = malloc(IMPORT_SOURCE);
        *size = text == NULL ? 0 : fread(text, 1, IMPORT_SOURCE, file);
        fclose(file);
    }
    return text;
}

static void
import_offer_source(Completing *c, PyObject *module)
{
    PyObject *spec = import_spec(module);
    PyObject *origin = spec == NULL ? NULL : PyObject_GetAttrString(spec, "origin");
    PyObject *bytes = origin == NULL || !PyUnicode_CheckExact(origin) ? NULL : PyUnicode_EncodeFSDefault(origin);
    const char *path = bytes == NULL ? NULL : PyBytes_AsString(bytes);
    size_t length = path == NULL ? 0 : strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".py") == 0) {
        char *text;
        size_t size = 0;
        Py_BEGIN_ALLOW_THREADS
        text = import_read(path, &size);
        Py_END_ALLOW_THREADS
        if (text != NULL) {
            outline_run(text, size, import_offer_defined, c);
        }
        free(text);
    }
    PyErr_Clear();
    Py_XDECREF(bytes);
    Py_XDECREF(origin);
    Py_XDECREF(spec);
}

/* What can stand behind `from X import`. */
static void
import_offer_members(Completing *c, PyObject *name)
{
    PyObject *module = peek_module(name);
    PyObject *dict = module == NULL ? NULL : peek_dict(module);
    if (dict != NULL) {
        PyObject *all = peek_get_string(dict, "__all__");
        complete_offer_keys(c, dict);
        for (Py_ssize_t i = 0; all != NULL && PyList_CheckExact(all) && i < PyList_Size(all); i++) {
            complete_offer_name(c, PyList_GetItem(all, i));
        }
        for (Py_ssize_t i = 0; all != NULL && PyTuple_CheckExact(all) && i < PyTuple_Size(all); i++) {
            complete_offer_name(c, PyTuple_GetItem(all, i));
        }
    }
    else if (module == NULL) {
        import_offer_source(c, name);
    }
    import_offer_modules(c, name);
    Py_XDECREF(dict);
    Py_XDECREF(module);
}

/* ---- the statement ---- */

/* The package that so many dots stand for: a new str, or NULL. */
static PyObject *
import_base(const Completing *c, int dots)
{
    PyObject *globals = scope_globals(c->ns);
    PyObject *name = globals == NULL || !PyDict_Check(globals) ? NULL : import_text(globals, "__package__");
    Py_XINCREF(name);
    if (name == NULL && globals != NULL && PyDict_Check(globals)) {
        name = Py_XNewRef(import_text(globals, "__name__"));
        dots += peek_get_string(globals, "__path__") == NULL;
    }
    for (; name != NULL && dots > 1; dots--) {
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GetLength(name), -1);
        Py_SETREF(name, dot < 0 ? NULL : PyUnicode_Substring(name, 0, dot));
    }
    if (name != NULL && PyUnicode_GetLength(name) == 0) {
        Py_CLEAR(name);
    }
    return name;
}

/* The dotted name that the tokens are, the last dot left out: a new str, empty for none, NULL if it is none.
 * *whole: no dot is its last token, so the name is complete. */
static PyObject *
import_name(const Completing *c, uint32_t first, uint32_t end, bool *whole)
{
    int dots = 0;
    for (; first < end && (complete_is(c, first, ".") || complete_is(c, first, "...")); first++) {
        dots += complete_is(c, first, ".") ? 1 : 3;
    }
    PyObject *name = dots > 0 ? import_base(c, dots) : PyUnicode_FromString("");
    *whole = false;
    for (uint32_t i = first; name != NULL && i < end; i++) {
        if ((i - first) % 2 == 1) {
            *whole = false;
            if (!complete_is(c, i, ".")) {
                Py_CLEAR(name);
            }
            continue;
        }
        PyObject *part = complete_name(c, i);
        bool empty = PyUnicode_GetLength(name) == 0;
        Py_SETREF(name, part == NULL ? NULL : PyUnicode_FromFormat(empty ? "%U%U" : "%U.%U", name, part));
        Py_XDECREF(part);
        *whole = true;
    }
    PyErr_Clear();
    return name;
}

void
complete_import(Completing *c, uint32_t first)
{
    bool from = complete_is(c, first, "from"), whole;
    uint32_t before = lexer_before(&c->tokens, c->completion->start);
    uint32_t end = before == TOKEN_NONE ? 0 : before + 1;
    uint32_t begin = first + 1, import = TOKEN_NONE;
    for (uint32_t i = first + 1; i < end; i++) {
        if (from && import == TOKEN_NONE && complete_is(c, i, "import")) {
            import = i;
        }
        else if (!from && complete_is(c, i, ",")) {
            begin = i + 1;
        }
    }
    PyObject *name = import_name(c, begin, import != TOKEN_NONE ? import : end, &whole);
    while (before != TOKEN_NONE && c->tokens.list[before].kind == TOKEN_LINE_END) {
        before = complete_previous(c, before);
    }
    if (name == NULL) {
        return; /* `import a as b`, or nothing that could be a name */
    }
    if (import != TOKEN_NONE) {
        if (before == import || complete_is(c, before, ",") || complete_is(c, before, "(")) {
            import_offer_members(c, name);
        }
        else if (!complete_is(c, before, "as")) {
            complete_offer_string(c, "as");
        }
    }
    else if (whole) {
        complete_offer_string(c, from ? "import" : "as");
    }
    else {
        import_offer_modules(c, name);
    }
    Py_DECREF(name);
}
