/* Writing snapshots, see snapshot_save.h. In a copy of the program, mostly, so it may take its time. */
#include "snapshot_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump.h"
#include "report.h"
#include "snapshot_size.h"

/* ---- what can be pickled ---- */

/* Is the exception that is set one object's fault, and not that of the disk, of memory or of a signal handler? */
static bool
save_is_excused(const SnapshotJob *job)
{
    return !PyErr_ExceptionMatches(PyExc_OSError) && !PyErr_ExceptionMatches(PyExc_MemoryError)
           && (job->is_copy || PyErr_ExceptionMatches(PyExc_Exception));
}

/* SystemExit, say, which pickling an object has raised: a new str for it, NULL with an exception. */
static PyObject *
save_excuse(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *summary = report_headline(error, PY_SSIZE_T_MAX); /* pickle adds notes to it, from 3.14 on */
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return summary;
}

/* A new dict of those that can be pickled; of the others `left` gets the reasons. */
static PyObject *
save_sort_out(const SnapshotJob *job, PyObject *objects, PyObject *left)
{
    PyObject *kept = PyDict_New(), *name, *value;
    Py_ssize_t at = 0;
    while (kept != NULL && PyDict_Next(objects, &at, &name, &value)) {
        PyObject *why = NULL;
        int can = dump_try(value, name, &why);
        if (can < 0 && save_is_excused(job)) {
            why = save_excuse();
            can = why == NULL ? -1 : 0;
        }
        if (why != NULL && PyUnicode_Tailmatch(why, name, 0, PY_SSIZE_T_MAX, -1) == 0) {
            Py_SETREF(why, PyUnicode_FromFormat("%U: %U", name, why));
            can = why == NULL ? -1 : can;
        }
        if (can < 0 || (can > 0 ? PyDict_SetItem(kept, name, value) : PyDict_SetItem(left, name, why)) < 0) {
            Py_CLEAR(kept);
        }
        Py_XDECREF(why);
    }
    return kept;
}

/* "a, b", as "smaller": what was left alone for its size. -1 with an exception. */
static int
save_note_small(PyObject *notes, PyObject *small)
{
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *joined = comma == NULL ? NULL : PyUnicode_Join(comma, small);
    int ret = joined == NULL ? -1 : PyDict_SetItemString(notes, "smaller", joined);
    Py_XDECREF(joined);
    Py_XDECREF(comma);
    return ret;
}

/* What the file says of itself: a new dict of str. Of each that is left out: "left out NAME", and why. */
static PyObject *
save_notes(const SnapshotJob *job, PyObject *left)
{
    PyObject *notes = Py_BuildValue("{sOsO}", "snapshot", job->name, "script", job->script), *name, *why;
    Py_ssize_t at = 0;
    while (notes != NULL && PyDict_Next(left, &at, &name, &why)) {
        PyObject *key = PyUnicode_FromFormat("left out %U", name);
        if (key == NULL || PyDict_SetItem(notes, key, why) < 0) {
            Py_CLEAR(notes);
        }
        Py_XDECREF(key);
    }
    if (notes != NULL && PyList_Size(job->small) > 0 && save_note_small(notes, job->small) < 0) {
        Py_CLEAR(notes);
    }
    return notes;
}

/* The same in lines, as much as there is room for. */
static void
save_tell(PyObject *left, SnapshotNote *note)
{
    PyObject *name, *why;
    Py_ssize_t at = 0;
    size_t size = 0;
    note->text[0] = '\0';
    while (PyDict_Next(left, &at, &name, &why) && size < sizeof note->text) {
        const char *text = PyUnicode_AsUTF8AndSize(why, NULL);
        size += (size_t)snprintf(note->text + size, sizeof note->text - size, "%s%s", size > 0 ? "\n" : "",
                                 text == NULL ? "?" : text);
    }
    PyErr_Clear();
}

/* ---- the list ---- */

/* Sizes by name: a new dict of int. */
static PyObject *
save_sizes(PyObject *objects)
{
    static const double looking = 0.1; /* seconds */
    SizeBudget budget;
    PyObject *sizes = PyDict_New(), *name, *value;
    Py_ssize_t at = 0;
    snapshot_size_begin(&budget, looking);
    while (sizes != NULL && PyDict_Next(objects, &at, &name, &value)) {
        uint64_t bytes = snapshot_size(value, UINT64_MAX, &budget);
        PyObject *size = bytes == UINT64_MAX ? Py_NewRef(Py_None) : PyLong_FromUnsignedLongLong(bytes);
        if (size == NULL || PyDict_SetItem(sizes, name, size) < 0) {
            Py_CLEAR(sizes);
        }
        Py_XDECREF(size);
    }
    return sizes;
}

static PyObject *
save_line(const SnapshotJob *job, const SnapshotNote *note, PyObject *kept, PyObject *left)
{
    PyObject *json = compat_import("json");
    PyObject *time = json == NULL ? NULL : compat_import("time");
    PyObject *sizes = time == NULL ? NULL : save_sizes(kept);
    PyObject *now = sizes == NULL ? NULL : PyObject_CallMethod(time, "time", NULL);
    PyObject *facts = sizes == NULL || now == NULL
                          ? NULL
                          : Py_BuildValue("{sOsOsOsdsKsOsO}", "file", job->file, "name", job->name, "time", now,
                                          "pause", note->pause, "size", note->size, "objects", sizes, "left_out", left);
    PyObject *text = json == NULL || facts == NULL ? NULL : PyObject_CallMethod(json, "dumps", "O", facts);
    PyObject *line = text == NULL ? NULL : PyUnicode_FromFormat("%U\n", text);
    Py_XDECREF(text);
    Py_XDECREF(facts);
    Py_XDECREF(now);
    Py_XDECREF(sizes);
    Py_XDECREF(time);
    Py_XDECREF(json);
    return line;
}

/* All of it: mostly in one write(). False with errno. */
static bool
save_write(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written <= 0) {
            errno = written == 0 ? EIO : errno;
            return false;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Append the line, in one write(): what a crash leaves of it ends the file, and the next one begins a line of its own.
 * -1 with an exception. */
static int
save_append(PyObject *folder, PyObject *line)
{
    int ret = -1, fd = -1;
    struct stat found;
    char last = '\n';
    PyObject *path = PyUnicode_FromFormat("%U/" SNAPSHOT_LIST, folder);
    PyObject *name = path == NULL ? NULL : PyUnicode_EncodeFSDefault(path);
    PyObject *text = name == NULL ? NULL : PyUnicode_AsUTF8String(line);
    if (text == NULL) {
        goto done;
    }
    fd = open(PyBytes_AsString(name), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0 && fstat(fd, &found) == 0 && found.st_size > 0
        && pread(fd, &last, 1, found.st_size - 1) == 1 && last != '\n') {
        PyObject *begin = PyBytes_FromString("\n");
        PyBytes_Concat(&begin, text);
        Py_SETREF(text, begin);
        if (text == NULL) {
            goto done;
        }
    }
    if (fd < 0 || !save_write(fd, PyBytes_AsString(text), (size_t)PyBytes_Size(text)) || fsync(fd) < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        goto done;
    }
    ret = 0;
done:
    if (fd >= 0) {
        close(fd);
    }
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(path);
    return ret;
}

/* The snapshot is there, and whole, whatever becomes of its line: who reads the folder goes by the files. -1 with an
 * exception if memory has run out, or one of a signal handler. */
static int
save_list(const SnapshotJob *job, SnapshotNote *note, PyObject *kept, PyObject *left)
{
    PyObject *line = save_line(job, note, kept, left);
    int ret = line == NULL ? -1 : save_append(job->folder, line);
    Py_XDECREF(line);
    if (ret < 0 && PyErr_ExceptionMatches(PyExc_OSError)) {
        PyObject *type, *error, *traceback;
        PyErr_Fetch(&type, &error, &traceback);
        PyErr_NormalizeException(&type, &error, &traceback);
        PyObject *why = PyObject_GetAttrString(error, "strerror");
        const char *text = why == NULL || !PyUnicode_Check(why) ? NULL : PyUnicode_AsUTF8AndSize(why, NULL);
        snprintf(note->unlisted, sizeof note->unlisted, "%s", text == NULL ? "it is not known why" : text);
        PyErr_Clear();
        Py_XDECREF(why);
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(traceback);
        ret = 0;
    }
    return ret;
}

/* ---- writing ---- */

static int
save_make_folder(PyObject *folder)
{
    PyObject *os = compat_import("os");
    PyObject *makedirs = os == NULL ? NULL : PyObject_GetAttrString(os, "makedirs");
    PyObject *args = makedirs == NULL ? NULL : PyTuple_Pack(1, folder);
    PyObject *named = args == NULL ? NULL : Py_BuildValue("{sO}", "exist_ok", Py_True);
    PyObject *none = named == NULL ? NULL : PyObject_Call(makedirs, args, named);
    int ret = none == NULL ? -1 : 0;
    Py_XDECREF(none);
    Py_XDECREF(named);
    Py_XDECREF(args);
    Py_XDECREF(makedirs);
    Py_XDECREF(os);
    return ret;
}

static unsigned long long
save_size(PyObject *path)
{
    struct stat found = {0};
    PyObject *name = PyUnicode_EncodeFSDefault(path);
    if (name == NULL || stat(PyBytes_AsString(name), &found) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(name);
    return (unsigned long long)found.st_size;
}

/* The program's side tells how long it was kept, a moment after the copy was made. */
static void
save_wait_for_pause(const SnapshotNote *note)
{
    enum { SLICE = 1000, SLICES = 1000 }; /* microseconds */
    for (int i = 0; i < SLICES && !note->paused; i++) {
        usleep(SLICE);
    }
}

/* -1 with an exception. */
static int
save_dump(const SnapshotJob *job, PyObject *objects, PyObject *left, PyObject *path)
{
    PyObject *notes = save_notes(job, left);
    PyObject *before = job->before == NULL ? NULL : PyUnicode_FromFormat("%U/%U", job->folder, job->before);
    DumpRequest request = {.object = objects, .path = path, .frame = job->place, .notes = notes, .share = before,
                           .all = true};
    int ret = PyErr_Occurred() ? -1 : dump_save(&request);
    Py_XDECREF(before);
    Py_XDECREF(notes);
    return ret;
}

/* Mostly all of it can be pickled. If not, it is found out what: *kept, a new dict, is the rest. -1 with an exception.
 * */
static int
save_what_can_be(const SnapshotJob *job, PyObject *left, PyObject *path, PyObject **kept)
{
    *kept = Py_NewRef(job->objects);
    if (save_dump(job, *kept, left, path) == 0) {
        return 0;
    }
    if (!save_is_excused(job) && !PyErr_ExceptionMatches(PyExc_MemoryError)) {
        return -1;
    }
    PyErr_Clear();
    Py_SETREF(*kept, save_sort_out(job, job->objects, left));
    return *kept == NULL ? -1 : save_dump(job, *kept, left, path);
}

int
snapshot_save(const SnapshotJob *job, SnapshotNote *note)
{
    int ret = -1;
    PyObject *kept = NULL, *left = PyDict_New();
    PyObject *path = PyUnicode_FromFormat("%U/%U", job->folder, job->file);
    if (path == NULL || left == NULL || save_make_folder(job->folder) < 0
        || save_what_can_be(job, left, path, &kept) < 0) {
        goto done;
    }
    note->size = save_size(path);
    save_wait_for_pause(note);
    if (save_list(job, note, kept, left) < 0) {
        goto done;
    }
    save_tell(left, note);
    ret = 0;
done:
    Py_XDECREF(kept);
    Py_XDECREF(path);
    Py_XDECREF(left);
    return ret;
}
