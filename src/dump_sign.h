/* SHA-256 of a dump's stream, and its signature with the user's own key. */
#ifndef HOOKING_DUMP_SIGN_H
#define HOOKING_DUMP_SIGN_H

#include "compat.h"

#include "dump_trailer.h"

/* A new hashlib.sha256(). NULL with an exception. */
PyObject *dump_sign_hash(void);

/* Hash bytes in it; then take the result. -1 with an exception. */
int dump_sign_add(PyObject *hash, const void *bytes, size_t size);
int dump_sign_finish(PyObject *hash, unsigned char digest[DUMP_DIGEST]);

/* Sign, with a key that is made if there is none. Where none can be had it is zeros, and *why a new str that says why;
 * else NULL. -1 with an exception. */
int dump_sign(const Buffer *bytes, unsigned char signature[DUMP_SIGNATURE], PyObject **why);

/* Is it signed with the user's own key? 1, 0, -1 with an exception. */
int dump_sign_is_own(const unsigned char *bytes, size_t size, const unsigned char signature[DUMP_SIGNATURE]);

#endif
