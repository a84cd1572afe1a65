/* The module: slots, exec, method table. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyMethodDef module_methods[] = {{NULL, NULL, 0, NULL}};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, .m_name = "hooking._core", .m_size = 0, .m_methods = module_methods,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
