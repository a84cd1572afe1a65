/* Signatures of dumps, see dump_sign.h. */
#include "dump_sign.h"

#include <stdlib.h>
#include <string.h>

#include "dump_key.h"

static PyObject *
sign_view(const void *bytes, size_t size)
{
    return PyMemoryView_FromMemory((char *)bytes, (Py_ssize_t)size, PyBUF_READ);
}

/* Take the bytes out of an object, which must have so many. Steals it. */
static int
sign_take(PyObject *bytes, unsigned char *out, Py_ssize_t size)
{
    int ret = -1;
    if (bytes != NULL && PyBytes_Check(bytes) && PyBytes_Size(bytes) == size) {
        memcpy(out, PyBytes_AsString(bytes), (size_t)size);
        ret = 0;
    }
    else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_SystemError, "hashlib gave something other than a digest");
    }
    Py_XDECREF(bytes);
    return ret;
}

PyObject *
dump_sign_hash(void)
{
    PyObject *hashlib = compat_import("hashlib");
    PyObject *hash = hashlib == NULL ? NULL : PyObject_CallMethod(hashlib, "sha256", NULL);
    Py_XDECREF(hashlib);
    return hash;
}

int
dump_sign_add(PyObject *hash, const void *bytes, size_t size)
{
    PyObject *view = sign_view(bytes, size);
    PyObject *none = view == NULL ? NULL : PyObject_CallMethod(hash, "update", "O", view);
    Py_XDECREF(view);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

int
dump_sign_finish(PyObject *hash, unsigned char digest[DUMP_DIGEST])
{
    return sign_take(PyObject_CallMethod(hash, "digest", NULL), digest, DUMP_DIGEST);
}

static int
sign_with(const unsigned char key[DUMP_KEY], const void *bytes, size_t size, unsigned char signature[DUMP_SIGNATURE])
{
    PyObject *hmac = compat_import("hmac");
    PyObject *secret = hmac == NULL ? NULL : PyBytes_FromStringAndSize((const char *)key, DUMP_KEY);
    PyObject *view = secret == NULL ? NULL : sign_view(bytes, size);
    PyObject *digest = view == NULL ? NULL : PyObject_CallMethod(hmac, "digest", "OOs", secret, view, "sha256");
    Py_XDECREF(view);
    Py_XDECREF(secret);
    Py_XDECREF(hmac);
    return digest == NULL ? -1 : sign_take(digest, signature, DUMP_SIGNATURE);
}

int
dump_sign(const Buffer *bytes, unsigned char signature[DUMP_SIGNATURE], PyObject **why)
{
    unsigned char key[DUMP_KEY];
    char *path;
    const char *reason;
    *why = NULL;
    memset(signature, 0, DUMP_SIGNATURE);
    bool has_key = dump_key_read(key, true, &path, &reason);
    if (!has_key) {
        PyObject *place = path == NULL ? PyUnicode_FromString("no key") : PyUnicode_DecodeFSDefault(path);
        *why = place == NULL ? NULL : PyUnicode_FromFormat("%U: %s", place, reason);
        Py_XDECREF(place);
    }
    free(path);
    return has_key ? sign_with(key, bytes->bytes, bytes->size, signature) : *why == NULL ? -1 : 0;
}

int
dump_sign_is_own(const unsigned char *bytes, size_t size, const unsigned char signature[DUMP_SIGNATURE])
{
    unsigned char key[DUMP_KEY], expected[DUMP_SIGNATURE];
    char *path;
    const char *why;
    bool has_key = dump_key_read(key, false, &path, &why);
    free(path);
    if (!has_key) {
        return 0;
    }
    if (sign_with(key, bytes, size, expected) < 0) {
        return -1;
    }
    unsigned char differs = 0; /* in the same time whatever differs: as hmac.compare_digest() */
    for (int i = 0; i < DUMP_SIGNATURE; i++) {
        differs |= expected[i] ^ signature[i];
    }
    return differs == 0;
}
