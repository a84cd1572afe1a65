/* What unpickling would import and call, found out without doing it. No Python here. */
#ifndef HOOKING_PICKLE_SCAN_H
#define HOOKING_PICKLE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

typedef enum PickleVerdict {
    PICKLE_SAFE,   /* plain data, and constructors that are known to do nothing but construct */
    PICKLE_ASK,    /* it imports something else, or does something to it that data has no need of */
    PICKLE_BROKEN, /* no unpickler would come to its end, or no pickler has written it: not to be loaded */
} PickleVerdict;

/* One name that would be imported, once however often it is used. A hundred are told apart, then one is "?". */
typedef struct PickleImport {
    char *module, *name; /* owned; \xNN for what is not printable ASCII; "?" for what is only known when it is run */
    size_t offset;       /* of the opcode that first does it */
    bool safe;           /* it is one of the known ones, and is used as those are */
    bool called;
} PickleImport;

typedef struct PickleScan {
    PickleVerdict verdict;
    char why[160];        /* unless safe: what was found, for a message */
    size_t offset;        /* and where */
    size_t end;           /* behind STOP, unless broken */
    int protocol;         /* the highest that PROTO says, else 0 */
    PickleImport *imports;
    size_t count;
} PickleScan;

/* Go through the pickle at the start of `bytes`. What stands behind its STOP is not looked at. False when memory is
 * out. pickle_scan_clear() in every case. */
bool pickle_scan(const unsigned char *bytes, size_t size, PickleScan *scan);
void pickle_scan_clear(PickleScan *scan);

/* Is it one of the known constructors? In pickle_safe.c, the one table of them. */
bool pickle_safe_is_known(const char *module, const char *name);

#endif
