/* Cells, see cell.h. Their C API is not in the limited one; `cell_contents` is as good. */
#include "cell.h"

PyObject *
cell_new(ModuleState *state, PyObject *value)
{
    if (state->cell_type == NULL) {
        PyObject *types = compat_import("types");
        state->cell_type = types == NULL ? NULL : PyObject_GetAttrString(types, "CellType");
        Py_XDECREF(types);
        if (state->cell_type == NULL) {
            return NULL;
        }
    }
    return value == NULL ? PyObject_CallNoArgs(state->cell_type)
                         : PyObject_CallFunctionObjArgs(state->cell_type, value, NULL);
}

int
cell_get(PyObject *cell, PyObject **value)
{
    *value = PyObject_GetAttrString(cell, "cell_contents");
    if (*value == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        return 0;
    }
    return *value == NULL ? -1 : 1;
}

int
cell_set(PyObject *cell, PyObject *value)
{
    return PyObject_SetAttrString(cell, "cell_contents", value);
}
