/* Records that tests/c/pickles.py writes. */
#ifndef HOOKING_TESTS_PICKLE_RECORDS_H
#define HOOKING_TESTS_PICKLE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "unit.h"

typedef struct Record {
    unsigned char *bytes; /* owned, NUL behind */
    uint32_t size;
} Record;

/* Run it with such arguments. HK_TEST_PYTHON is the interpreter. */
static FILE *
records_open(const char *arguments)
{
    char command[4096];
    const char *python = getenv("HK_TEST_PYTHON");
    const char *folder = getenv("srcdir");
    snprintf(command, sizeof command, "'%s' '%s/tests/c/pickles.py' %s", python ? python : "python3",
             folder ? folder : ".", arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    return pipe;
}

/* False at the end. */
static bool
records_next(FILE *pipe, Record *record)
{
    if (fread(&record->size, sizeof record->size, 1, pipe) != 1) {
        return false;
    }
    record->bytes = malloc(record->size + 1);
    ck_assert_ptr_nonnull(record->bytes);
    ck_assert_uint_eq(fread(record->bytes, 1, record->size, pipe), record->size);
    record->bytes[record->size] = '\0';
    return true;
}

#endif
