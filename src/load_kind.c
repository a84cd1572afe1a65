/* Kinds of files, see load_kind.h. */
#include "load_kind.h"

#include <string.h>

typedef struct Magic {
    const char *bytes;
    size_t size;
    LoadKind kind;
} Magic;

#define BYTES(text) (text), sizeof(text) - 1

static const Magic magics[] = {
    {BYTES("\x1f\x8b"), {"compressed with gzip", NULL, "gzip"}},
    {BYTES("BZh"), {"compressed with bzip2", NULL, "bz2"}},
    {BYTES("\xfd\x37zXZ\0"), {"compressed with xz", NULL, "lzma"}},
    {BYTES("\x5d\0\0"), {"compressed with lzma", NULL, "lzma"}},
    {BYTES("\x28\xb5\x2f\xfd"), {"compressed with zstd", NULL, "compression.zstd|zstandard"}},
    /* of the four levels that zlib tells apart */
    {BYTES("\x78\x01"), {"a joblib file, compressed with zlib", "joblib.load() reads it", NULL}},
    {BYTES("\x78\x5e"), {"a joblib file, compressed with zlib", "joblib.load() reads it", NULL}},
    {BYTES("\x78\x9c"), {"a joblib file, compressed with zlib", "joblib.load() reads it", NULL}},
    {BYTES("\x78\xda"), {"a joblib file, compressed with zlib", "joblib.load() reads it", NULL}},
    {BYTES("\x04\x22\x4d\x18"), {"compressed with lz4", "joblib.load() reads it if joblib has made it", NULL}},
    {BYTES("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
     {"a torch.save() file of before torch 1.6", "torch.load() reads it", NULL}},
    {BYTES("\x93NUMPY"), {"an array of numpy.save()", "numpy.load() reads it", NULL}},
    {BYTES("\x89HDF\r\n\x1a\n"), {"an HDF5 file", "h5py or pandas.read_hdf() reads it", NULL}},
    {BYTES("PAR1"), {"a Parquet file", "pandas.read_parquet() reads it", NULL}},
    {BYTES("ARROW1"), {"an Arrow file", "pyarrow or pandas.read_feather() reads it", NULL}},
    {BYTES("SQLite format 3"), {"an SQLite database", "sqlite3 reads it", NULL}},
    {BYTES("\x7f" "ELF"), {"a program or library", "nothing loads it as an object", NULL}},
};

static const LoadKind joblib = {"a joblib file", "joblib.load() reads it", NULL};
static const LoadKind torch = {"a torch.save() file", "torch.load() reads it", NULL};
static const LoadKind npz = {"an archive of numpy.savez()", "numpy.load() reads it", NULL};
static const LoadKind zip = {"a zip archive", "zipfile reads it", NULL};
static const LoadKind nothing = {"not a pickle", "load reads what dump() or pickle.dump() has written", NULL};

/* A zip archive says by the name of its first member what it is. */
static const LoadKind *
kind_of_zip(const unsigned char *bytes, size_t size)
{
    enum { NAME_LENGTH = 26, NAME = 30 };
    size_t length = size > NAME ? (size_t)bytes[NAME_LENGTH] | (size_t)bytes[NAME_LENGTH + 1] << 8 : 0;
    if (length == 0 || length > size - NAME) {
        return &zip;
    }
    static const struct {
        const char *end;
        const LoadKind *kind;
    } ends[] = {{"/data.pkl", &torch}, {"/version", &torch}, {"/.format_version", &torch}, {".npy", &npz}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i].end);
        if (length > end && memcmp(bytes + NAME + length - end, ends[i].end, end) == 0) {
            return ends[i].kind;
        }
    }
    return &zip;
}

/* What a pickle of protocol 0 or 1 may begin with; from 2 on all begin with PROTO. */
static bool
kind_may_be_pickle(unsigned char first)
{
    return first == 0x80 || (first != '\0' && strchr("()]}.NIJKLMFGSTUVXcPtdlBC", first) != NULL);
}

const LoadKind *
load_kind_of(const unsigned char *bytes, size_t size)
{
    if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) {
        return kind_of_zip(bytes, size);
    }
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (size >= magics[i].size && memcmp(bytes, magics[i].bytes, magics[i].size) == 0) {
            return &magics[i].kind;
        }
    }
    return size > 0 && kind_may_be_pickle(bytes[0]) ? NULL : &nothing;
}

const LoadKind *
load_kind_of_imports(const PickleScan *scan)
{
    static const char numbers[] = "joblib.numpy_pickle";
    for (size_t i = 0; i < scan->count; i++) {
        if (strncmp(scan->imports[i].module, numbers, sizeof numbers - 1) == 0) {
            return &joblib;
        }
    }
    return NULL;
}
