/* load_kind.h: what a file is that is not a pickle. */
#include <stdio.h>
#include <string.h>

#include "load_kind.h"
#include "unit.h"

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t size;
    const char *name, *reader, *module; /* parts of what is said; NULL: nothing is said */
} kinds[] = {
    {BYTES("\x1f\x8b\x08\x00"), "gzip", NULL, "gzip"},
    {BYTES("BZh91AY&SY"), "bzip2", NULL, "bz2"},
    {BYTES("\xfd" "7zXZ\0\0\4"), "xz", NULL, "lzma"},
    {BYTES("\x5d\0\0\x80\0"), "lzma", NULL, "lzma"},
    {BYTES("\x28\xb5\x2f\xfd\x04"), "zstd", NULL, "compression.zstd|zstandard"},
    {BYTES("\x78\x01x"), "joblib", "joblib.load()", NULL},
    {BYTES("\x78\x5ex"), "joblib", "joblib.load()", NULL},
    {BYTES("\x78\x9cx"), "joblib", "joblib.load()", NULL},
    {BYTES("\x78\xdax"), "joblib", "joblib.load()", NULL},
    {BYTES("\x04\x22\x4d\x18x"), "lz4", "joblib.load()", NULL},
    {BYTES("\x80\x02\x8a\nl\xfc\x9c" "F\xf9 j\xa8P\x19.\x80\x02M"), "torch.save()", "torch.load()", NULL},
    {BYTES("\x93NUMPY\1\0v\0"), "numpy.save()", "numpy.load()", NULL},
    {BYTES("\x89HDF\r\n\x1a\n"), "HDF5", "h5py", NULL},
    {BYTES("PAR1\x15"), "Parquet", "pandas.read_parquet()", NULL},
    {BYTES("ARROW1\0\0"), "Arrow", "pandas.read_feather()", NULL},
    {BYTES("SQLite format 3\0"), "SQLite", "sqlite3", NULL},
    {BYTES("\x7f" "ELF\2\1\1"), "program", "nothing", NULL},
    {BYTES(""), "not a pickle", "pickle", NULL},
    {BYTES("hello"), "not a pickle", "pickle", NULL},
    {BYTES("\0\0\0\0"), "not a pickle", "pickle", NULL},
    {BYTES("\xff\xd8\xff\xe0"), "not a pickle", "pickle", NULL},
    {BYTES("{\"a\": 1}"), "not a pickle", "pickle", NULL},
    {BYTES("#!/usr/bin/env python3\n"), "not a pickle", "pickle", NULL},
    {BYTES("\xef\xbb\xbf" "a,b"), "not a pickle", "pickle", NULL},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void
says(const char *said, const char *want)
{
    ck_assert_msg((said == NULL) == (want == NULL) && (want == NULL || strstr(said, want) != NULL), "<%s>, not <%s>",
                  said == NULL ? "nothing" : said, want == NULL ? "nothing" : want);
}

/* A copy that ends where its memory does, so that a sanitizer sees a look behind it. */
static const LoadKind *
kind_of(const char *bytes, size_t size)
{
    unsigned char *copy = malloc(size);
    ck_assert(copy != NULL || size == 0);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    const LoadKind *kind = load_kind_of(copy, size);
    free(copy);
    return kind;
}

START_TEST(test_kind)
{
    const LoadKind *kind = kind_of(kinds[_i].bytes, kinds[_i].size);
    ck_assert_ptr_nonnull(kind);
    says(kind->name, kinds[_i].name);
    says(kind->reader, kinds[_i].reader);
    says(kind->module, kinds[_i].module);
    /* a message always ends with what reads it */
    ck_assert((kind->reader == NULL) == (kind->module != NULL));
    for (size_t size = 0; size < kinds[_i].size; size++) {
        kind_of(kinds[_i].bytes, size); /* wherever it is cut off */
    }
}
END_TEST

/* Of protocols 0 to 5, as Python 3.11 writes them. */
static const struct {
    const char *bytes;
    size_t size;
} pickles[] = {
    {BYTES("N.")},
    {BYTES("I1\n.")},
    {BYTES("I01\n.")},
    {BYTES("F1.5\n.")},
    {BYTES("Va\np0\n.")},
    {BYTES("(lp0\n.")},
    {BYTES("(dp0\n.")},
    {BYTES("c__builtin__\nset\np0\n.")},
    {BYTES("ccopy_reg\n_reconstructor\np0\n(c__main__\nC\n")},
    {BYTES("K\1.")},
    {BYTES("M\xe8\3.")},
    {BYTES("J\0\0\1\0.")},
    {BYTES("G?\xf8\0\0\0\0\0\0.")},
    {BYTES("]q\0.")},
    {BYTES("}q\0.")},
    {BYTES(").")},
    {BYTES("X\1\0\0\0aq\0.")},
    {BYTES("U\1aq\0.")},
    {BYTES("T\0\1\0\0")},
    {BYTES("\x80\2K\1.")},
    {BYTES("\x80\3K\1.")},
    {BYTES("\x80\4K\1.")},
    {BYTES("\x80\5\x95\3\0\0\0\0\0\0\0]\x94.")},
};
enum { PICKLES = sizeof pickles / sizeof *pickles };

START_TEST(test_pickle)
{
    const LoadKind *kind = kind_of(pickles[_i].bytes, pickles[_i].size);
    ck_assert_msg(kind == NULL, "<%s> is taken for %s", pickles[_i].bytes, kind == NULL ? "" : kind->name);
}
END_TEST

/* ---- zip archives: the name of the first member says what it is ---- */

static const struct {
    const char *member, *kind;
} archives[] = {
    {"archive/data.pkl", "torch.save()"},
    {"model/data.pkl", "torch.save()"},
    {"model/version", "torch.save()"},
    {"model/.format_version", "torch.save()"},
    {"arr_0.npy", "numpy.savez()"},
    {".npy", "zip archive"},
    {"data.pkl", "zip archive"},
    {"word/document.xml", "zip archive"},
    {"", "zip archive"},
};
enum { ARCHIVES = sizeof archives / sizeof *archives };

static size_t
make_archive(const char *member, size_t length, char bytes[128])
{
    memset(bytes, 0, 128);
    memcpy(bytes, "PK\3\4\x14", 5);
    bytes[26] = (char)length;
    bytes[27] = (char)(length >> 8);
    memcpy(bytes + 30, member, strlen(member));
    return 30 + strlen(member);
}

START_TEST(test_zip)
{
    char bytes[128];
    const char *member = archives[_i].member;
    size_t size = make_archive(member, strlen(member), bytes);
    for (size_t more = 0; more < 3; more++) {
        says(kind_of(bytes, size + more)->name, archives[_i].kind);
    }
    for (size_t cut = 4; cut < size; cut++) {
        says(kind_of(bytes, cut)->name, "zip archive");
    }
}
END_TEST

/* A name that is longer than the file. */
START_TEST(test_zip_that_lies)
{
    char bytes[128];
    for (size_t length = 17; length < 0x10000; length = length * 2 - 1) {
        size_t size = make_archive("archive/data.pkl", length, bytes);
        says(kind_of(bytes, size)->name, "zip archive");
    }
}
END_TEST

int
main(void)
{
    TCase *all = tcase_create("kinds");
    tcase_add_loop_test(all, test_kind, 0, KINDS);
    tcase_add_loop_test(all, test_pickle, 0, PICKLES);
    tcase_add_loop_test(all, test_zip, 0, ARCHIVES);
    tcase_add_test(all, test_zip_that_lies);
    return unit_run("load kind", (TCase *const[]){all}, 1);
}
