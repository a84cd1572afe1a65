/* Threads and children of this process, see others.h. */
#include "others.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char TASKS[] = "/proc/self/task";

/* The next thread that is not this one; 0 at the end. */
static long
others_next(DIR *tasks)
{
    struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) {
        long thread = strtol(entry->d_name, NULL, 10);
        if (thread > 0 && thread != gettid()) {
            return thread;
        }
    }
    return 0;
}

int
others_count(void)
{
    int count = 0;
    DIR *tasks = opendir(TASKS);
    while (tasks != NULL && others_next(tasks) > 0) {
        count++;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

/* A list of those of threading, without the current one; *ids (or NULL) gets a list of their native numbers. */
static int
others_list(PyObject **names, PyObject **ids)
{
    int ret = -1;
    PyObject *modules = PySys_GetObject("modules");
    PyObject *threading = modules == NULL ? NULL : PyDict_GetItemString(modules, "threading");
    PyObject *threads = threading == NULL ? PyList_New(0) : PyObject_CallMethod(threading, "enumerate", NULL);
    *names = PyList_New(0);
    *ids = PyList_New(0);
    if (threads == NULL || *names == NULL || *ids == NULL) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(threads); i++) {
        PyObject *thread = PyList_GetItem(threads, i);
        PyObject *ident = PyObject_GetAttrString(thread, "ident");
        /* up to 3.12 still the parent's in a forked child */
        PyObject *id = ident == NULL ? NULL : PyObject_GetAttrString(thread, "native_id");
        PyObject *name = id == NULL ? NULL : PyObject_GetAttrString(thread, "name");
        bool is_this = ident != NULL && PyLong_Check(ident)
                       && PyLong_AsUnsignedLong(ident) == PyThread_get_thread_ident();
        int failed = ident == NULL || id == NULL || name == NULL
                     || (!is_this && (PyList_Append(*names, name) < 0 || PyList_Append(*ids, id) < 0));
        Py_XDECREF(ident);
        Py_XDECREF(name);
        Py_XDECREF(id);
        if (failed) {
            goto done;
        }
    }
    ret = 0;
done:
    Py_XDECREF(threads);
    if (ret < 0) {
        Py_CLEAR(*names);
        Py_CLEAR(*ids);
    }
    return ret;
}

PyObject *
others_of_python(void)
{
    PyObject *names, *ids;
    others_list(&names, &ids);
    Py_XDECREF(ids);
    return names;
}

/* The system's name for a thread. New reference. */
static PyObject *
others_command(long thread)
{
    char path[64], name[64] = "?";
    snprintf(path, sizeof path, "%s/%ld/comm", TASKS, thread);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof name, file) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(file);
    }
    return PyUnicode_DecodeFSDefault(name);
}

/* A list of the names of threads that Python does not know of. */
static PyObject *
others_native(PyObject *ids)
{
    PyObject *names = PyList_New(0);
    DIR *tasks = opendir(TASKS);
    long thread;
    while (names != NULL && tasks != NULL && (thread = others_next(tasks)) > 0) {
        PyObject *id = PyLong_FromLong(thread);
        int is_known = id == NULL ? -1 : PySequence_Contains(ids, id);
        PyObject *name = is_known == 0 ? others_command(thread) : NULL;
        if (is_known < 0 || (is_known == 0 && (name == NULL || PyList_Append(names, name) < 0))) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
        Py_XDECREF(id);
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return names;
}

/* "NAME, NAME" in brackets, each name once. */
static PyObject *
others_join(PyObject *names)
{
    PyObject *once = PyDict_New();
    for (Py_ssize_t i = 0; once != NULL && i < PyList_Size(names); i++) {
        if (PyDict_SetItem(once, PyList_GetItem(names, i), Py_None) < 0) {
            Py_CLEAR(once);
        }
    }
    PyObject *comma = PyUnicode_FromString(", ");
    PyObject *joined = once == NULL || comma == NULL ? NULL : PyUnicode_Join(comma, once);
    Py_XDECREF(comma);
    Py_XDECREF(once);
    return joined;
}

PyObject *
others_describe(void)
{
    PyObject *names, *ids, *text = NULL, *known = NULL, *others = NULL, *native = NULL;
    if (others_list(&names, &ids) < 0) {
        return NULL;
    }
    native = others_native(ids);
    known = native == NULL ? NULL : others_join(names);
    others = known == NULL ? NULL : others_join(native);
    if (others != NULL) {
        Py_ssize_t of_python = PyList_Size(names), of_others = PyList_Size(native);
        const char *plural = of_others == 1 ? "" : "s";
        text = of_others == 0 ? PyUnicode_FromFormat("%zd of threading (%U)", of_python, known)
               : of_python == 0
                   ? PyUnicode_FromFormat("%zd native one%s (%U)", of_others, plural, others)
                   : PyUnicode_FromFormat("%zd of threading (%U) and %zd native one%s (%U)", of_python, known,
                                          of_others, plural, others);
    }
    Py_XDECREF(others);
    Py_XDECREF(known);
    Py_XDECREF(native);
    Py_XDECREF(names);
    Py_XDECREF(ids);
    return text;
}

void
others_children(char *text, size_t size)
{
    DIR *tasks = opendir(TASKS);
    struct dirent *entry;
    size_t used = 0;
    text[0] = '\0';
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        char path[sizeof TASKS + sizeof entry->d_name + 16];
        long child;
        snprintf(path, sizeof path, "%s/%s/children", TASKS, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        while (file != NULL && used < size && fscanf(file, "%ld", &child) == 1) {
            used += (size_t)snprintf(text + used, size - used, "%s%ld", used > 0 ? ", " : "", child);
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
}
