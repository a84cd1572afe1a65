/* Commands about snapshots: snapshot, diff. Comparing is Python's, see python/hooking/difference.py. */
#include "command.h"

#include "checkpoint.h"
#include "compat.h"
#include "frame.h"

/* ---- snapshot ---- */

static int
snapshot_run(Console *console, const char *rest)
{
    PyObject *name = PyUnicode_DecodeFSDefault(*rest == '\0' ? "snapshot" : rest), *path = NULL;
    int ret = name == NULL ? -1 : checkpoint_take(console->state, name, &path);
    if (ret == 0) {
        PyErr_SetString(PyExc_ValueError, "snapshots are taken of programs that run under `hooking checkpoint`, and "
                                          "this one does not: `dump --all FILE` saves the variables of this frame");
        ret = -1;
    }
    else if (ret > 0) {
        ret = path == Py_None ? 0 : console_say(console, "%S", path);
    }
    Py_XDECREF(path);
    Py_XDECREF(name);
    return ret;
}

const Command cmd_snapshot = {
    .name = "snapshot", .alias = "", .usage = "[NAME]", .family = "keep",
    .summary = "save the program's variables now",
    .detail = "Under `hooking checkpoint`: as Checkpoint.snapshot(NAME) does, in a file that is told.",
    .takes = TAKES_NOTHING,
    .run = snapshot_run,
};

/* ---- diff ---- */

/* hooking.snapshots.compare(): a new list of str, NULL with an exception. */
static PyObject *
diff_lines(PyObject *frame, const char *rest)
{
    PyObject *module = compat_import("hooking.snapshots");
    PyObject *text = module == NULL ? NULL : PyUnicode_DecodeFSDefault(rest);
    PyObject *file = text == NULL ? NULL : frame_filename(frame);
    PyObject *lines = file == NULL ? NULL : PyObject_CallMethod(module, "compare", "OO", text, file);
    Py_XDECREF(file);
    Py_XDECREF(text);
    Py_XDECREF(module);
    return lines;
}

/* The exception that is set is shown by its message: where in our own code it was raised is nobody's concern. */
static void
diff_forget_traceback(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyException_SetTraceback(error, Py_None);
    Py_XDECREF(traceback);
    PyErr_Restore(type, error, NULL);
}

static int
diff_run(Console *console, const char *rest)
{
    if (*rest == '\0') {
        return command_usage(&cmd_diff);
    }
    PyObject *lines = diff_lines(console->place.frame, rest);
    int ret = lines == NULL ? -1 : 0;
    if (lines == NULL) {
        diff_forget_traceback();
    }
    for (Py_ssize_t i = 0; ret == 0 && i < PyList_Size(lines); i++) {
        ret = console_say(console, "%U", PyList_GetItem(lines, i));
    }
    Py_XDECREF(lines);
    return ret;
}

const Command cmd_diff = {
    .name = "diff", .alias = "", .usage = "A B", .family = "keep",
    .summary = "say what has changed between two snapshots",
    .detail = "Two files that dump() or `hooking checkpoint` has written; behind `hooking show -i` the numbers of "
              "snapshots in that folder, too. Of arrays it says where they differ, and by how much.",
    .takes = TAKES_FILE,
    .run = diff_run,
};
