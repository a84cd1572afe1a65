/* What the two halves of the scan share: pickle_scan.c walks, pickle_call.c is about imports and calls. */
#ifndef HOOKING_PICKLE_SCAN_PARTS_H
#define HOOKING_PICKLE_SCAN_PARTS_H

#include "pickle_ops.h"
#include "pickle_safe.h"
#include "pickle_scan.h"
#include "unpickle.h"

enum { SCAN_IMPORTS = 100 }; /* are told apart; the others are one more */

typedef struct Scan {
    Unpickle machine;
    PickleScan *out;
    const SafeRow *rows[SCAN_IMPORTS + 1]; /* of the imports; NULL: not known */
    PickleOp op;
    size_t at, opcodes;
    size_t frame_end; /* where the last FRAME ends */
    int protocol;
    bool strange_key; /* a dict has a key that may be a name with two underscores: a hook, in an instance */
    size_t strange_at;
    bool converts; /* something looks for such hooks */
    bool walks;    /* something goes through what is in its arguments, and in that */
    uint64_t work; /* cost of all that is hashed, or gone through by a call */
    uint64_t most_work; /* of one of these */
    size_t most_work_at;
    bool stopped;
} Scan;

/* Note why it is not safe, unless something is noted. */
void pickle_scan_ask(Scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Always false: there is no going on. */
bool pickle_scan_broken(Scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Are there so many values above the last mark? If not, it is broken. */
bool pickle_scan_needs(Scan *scan, size_t count);
/* Take the last mark away; *depth: where it stood. `below`: so many values have to stand under it. */
bool pickle_scan_mark(Scan *scan, size_t below, size_t *depth);

/* Something of that cost is hashed or gone through. */
void pickle_scan_work(Scan *scan, uint64_t cost);

/* What these opcodes do; false when it is broken. REDUCE is NEWOBJ and NEWOBJ_EX too. */
bool pickle_call_global(Scan *scan);
bool pickle_call_stack_global(Scan *scan);
bool pickle_call_extension(Scan *scan);
bool pickle_call_reduce(Scan *scan);
bool pickle_call_inst(Scan *scan);
bool pickle_call_obj(Scan *scan);
bool pickle_call_build(Scan *scan);

#endif
