/* A program that embeds Python: init, import hooking, use it, finalize, a
 * hundred times. What a module keeps in statics, or frees twice, shows here.
 * Run by make check, which sets PYTHONPATH to the staged package and
 * HK_TEST_PYTHON to the interpreter, whose prefix this program then shares. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 100 };

static const char use[] =
    "import hooking\n"
    "if hasattr(hooking, 'hook'):\n"
    "    hooking.hook(when=False)\n";

static int
start(void)
{
    const char *python = getenv("HK_TEST_PYTHON");
    PyConfig config;
    PyStatus status;

    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 1;
    status = python == NULL ? PyStatus_Ok()
                            : PyConfig_SetBytesString(&config, &config.program_name, python);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "embed: %s: %s\n", status.func ? status.func : "start", status.err_msg);
        return -1;
    }
    return 0;
}

int
main(void)
{
    for (int round = 1; round <= ROUNDS; round++) {
        if (start() < 0)
            return 1;
        if (PyRun_SimpleString(use) < 0) {
            fprintf(stderr, "embed: round %d of %d failed\n", round, ROUNDS);
            return 1;
        }
        if (Py_FinalizeEx() < 0) {
            fprintf(stderr, "embed: round %d of %d: finalize failed\n", round, ROUNDS);
            return 1;
        }
    }
    printf("embed: %d rounds\n", ROUNDS);
    return 0;
}
