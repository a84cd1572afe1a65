/* pickle_ops.h and pickle_scan.h on any bytes.
 *
 * With -DFUZZ -fsanitize=fuzzer a target of libFuzzer; otherwise a program that goes through the files named, or
 * through all of tests/fuzz/corpus and some thousand mutations of each. There a file's name begins with its verdict. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pickle_ops.h"
#include "pickle_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
require(bool truth, const char *what)
{
    if (!truth) {
        fprintf(stderr, "fuzz_pickle: %s\n", what);
        abort();
    }
}

/* What has to be true of any bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    PickleScan scan;
    PickleOp op;
    size_t at = 0;
    while (at < size && pickle_op_read(bytes + at, size - at, &op) == PICKLE_WHOLE) {
        require(op.head > 0 && op.body_size <= size - at - op.head, "an opcode is longer than the bytes");
        at += op.head + (size_t)op.body_size;
        if (op.code == PICKLE_STOP) {
            break;
        }
    }
    if (pickle_scan(bytes, size, &scan)) {
        require(scan.verdict == PICKLE_BROKEN || scan.end == at, "the scan ends elsewhere");
        require((scan.why[0] != '\0') == (scan.verdict != PICKLE_SAFE), "there is no reason");
        require(scan.offset <= size, "the offset is behind the end");
        for (size_t i = 0; i < scan.count; i++) {
            const PickleImport *import = &scan.imports[i];
            require(scan.verdict != PICKLE_SAFE || import->safe, "an unsafe import is called safe");
            require(!import->safe || pickle_safe_is_known(import->module, import->name), "it is not known");
        }
    }
    pickle_scan_clear(&scan);
    return 0;
}

#ifndef FUZZ

enum { MUTATIONS = 5000, FUZZ_LARGEST = 1 << 20 };

static const char *const verdicts[] = {[PICKLE_SAFE] = "safe", [PICKLE_ASK] = "ask", [PICKLE_BROKEN] = "broken"};

/* Bytes that a sanitizer sees the end of. */
static void
fuzz_once(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    require(copy != NULL, "memory is out");
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void
fuzz_mutations(uint8_t *bytes, size_t size)
{
    uint32_t state = 1;
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL, "memory is out");
    for (int i = 0; i < MUTATIONS && size > 0; i++) {
        memcpy(copy, bytes, size);
        size_t end = size;
        for (uint32_t times = 1 + i % 4; times > 0; times--) {
            state = state * 1664525 + 1013904223;
            copy[(state >> 8) % size] = times % 2 != 0 ? (uint8_t)(state >> 24) : bytes[(state >> 12) % size];
            end = (state >> 6) % 8 == 0 ? (state >> 9) % (size + 1) : end;
        }
        fuzz_once(copy, end);
    }
    free(copy);
}

/* Read, look at, tell; false when its name says something else. */
static bool
fuzz_file(const char *path, const char *name)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FUZZ_LARGEST);
    PickleScan scan;
    require(file != NULL && bytes != NULL, path);
    size_t size = fread(bytes, 1, FUZZ_LARGEST, file);
    fclose(file);
    require(pickle_scan(bytes, size, &scan), "memory is out");
    const char *verdict = verdicts[scan.verdict];
    bool right = name == NULL || strncmp(name, verdict, strlen(verdict)) == 0;
    if (name == NULL || !right) {
        printf("%s: %s at %zu: %s\n", path, verdict, scan.offset, scan.why);
        for (size_t i = 0; i < scan.count; i++) {
            printf("  %s %s%s%s\n", scan.imports[i].module, scan.imports[i].name, scan.imports[i].safe ? ", safe" : "",
                   scan.imports[i].called ? ", called" : "");
        }
    }
    pickle_scan_clear(&scan);
    fuzz_once(bytes, size);
    if (name != NULL) {
        fuzz_mutations(bytes, size);
    }
    free(bytes);
    return right;
}

int
main(int argc, char **argv)
{
    const char *folder = getenv("srcdir");
    char corpus[4096], path[8192];
    int wrong = 0, count = argc - 1;
    for (int i = 1; i < argc; i++) {
        fuzz_file(argv[i], NULL);
    }
    if (argc > 1) {
        return EXIT_SUCCESS;
    }
    snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus", folder != NULL ? folder : ".");
    DIR *directory = opendir(corpus);
    require(directory != NULL, corpus);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", corpus, entry->d_name);
            wrong += !fuzz_file(path, entry->d_name);
            count++;
        }
    }
    closedir(directory);
    printf("%d files, %d wrong\n", count, wrong);
    return count > 10 && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
