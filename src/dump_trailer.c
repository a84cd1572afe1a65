/* Trailer of a dump, see dump_trailer.h. */
#include "dump_trailer.h"

#include <stdlib.h>
#include <string.h>

#include "digest.h"

static const char MAGIC[] = "hookd\0\0\1"; /* the last byte is the format's version */
static const char END[] = "hookdump";
enum {
    MAGIC_SIZE = 8,
    NUMBERS = 4,
    NUMBER = 8,
    HEAD = MAGIC_SIZE + NUMBERS * NUMBER + DUMP_DIGEST,
    REGION = 4 * NUMBER,
    TAIL = DUMP_SIGNATURE + NUMBER + MAGIC_SIZE, /* what is not signed */
    SMALLEST = HEAD + DUMP_CHECK + TAIL,
};

/* ---- numbers ---- */

static void
trailer_add_number(Buffer *out, uint64_t number)
{
    char bytes[NUMBER];
    for (int i = 0; i < NUMBER; i++) {
        bytes[i] = (char)(number >> (8 * i));
    }
    buffer_add(out, bytes, sizeof bytes);
}

static uint64_t
trailer_number(const unsigned char *bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < NUMBER; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

/* ---- facts ---- */

void
dump_trailer_add_fact(DumpTrailer *trailer, const char *name, const char *value)
{
    buffer_add(&trailer->facts, name, strlen(name) + 1);
    buffer_add(&trailer->facts, value, strlen(value) + 1);
}

const char *
dump_trailer_fact(const DumpTrailer *trailer, const char *name)
{
    const char *at = trailer->facts.bytes, *end = at + trailer->facts.size;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* ---- writing ---- */

void
dump_trailer_write(const DumpTrailer *trailer, Buffer *out)
{
    unsigned char check[DUMP_CHECK];
    buffer_add(out, MAGIC, MAGIC_SIZE);
    trailer_add_number(out, trailer->stream_end);
    trailer_add_number(out, trailer->region_count);
    trailer_add_number(out, trailer->block_count);
    trailer_add_number(out, trailer->facts.size);
    buffer_add(out, (const char *)trailer->digest, DUMP_DIGEST);
    for (size_t i = 0; i < trailer->region_count; i++) {
        const DumpRegion *region = &trailer->regions[i];
        trailer_add_number(out, region->begin);
        trailer_add_number(out, region->offset);
        trailer_add_number(out, region->size);
        trailer_add_number(out, region->readonly);
    }
    if (trailer->block_count > 0) {
        buffer_add(out, (const char *)trailer->blocks, trailer->block_count * DUMP_CHECK);
    }
    if (trailer->facts.size > 0) {
        buffer_add(out, trailer->facts.bytes, trailer->facts.size);
    }
    if (!out->failed) {
        digest_of(out->bytes, out->size, check);
        buffer_add(out, (const char *)check, sizeof check);
    }
}

void
dump_trailer_sign(Buffer *out, const unsigned char signature[DUMP_SIGNATURE])
{
    buffer_add(out, (const char *)signature, DUMP_SIGNATURE);
    trailer_add_number(out, out->size + NUMBER + MAGIC_SIZE);
    buffer_add(out, END, MAGIC_SIZE);
}

/* ---- reading ---- */

/* Regions are in their order, within the pickle, and apart from each other. */
static bool
trailer_read_regions(DumpTrailer *trailer, const unsigned char *at)
{
    uint64_t before = 0;
    trailer->regions = calloc(trailer->region_count + 1, sizeof *trailer->regions);
    for (size_t i = 0; trailer->regions != NULL && i < trailer->region_count; i++, at += REGION) {
        DumpRegion region = {trailer_number(at), trailer_number(at + NUMBER), trailer_number(at + 2 * NUMBER),
                             trailer_number(at + 3 * NUMBER)};
        if (region.begin < before || region.offset < region.begin || region.offset > trailer->stream_end
            || region.size > trailer->stream_end - region.offset) {
            return false;
        }
        trailer->regions[i] = region;
        before = region.offset + region.size;
    }
    return trailer->regions != NULL;
}

static bool
trailer_read_facts(DumpTrailer *trailer, const unsigned char *at, size_t size)
{
    size_t ends = 0;
    for (size_t i = 0; i < size; i++) {
        ends += at[i] == '\0';
    }
    if (ends % 2 != 0 || (size > 0 && at[size - 1] != '\0')) {
        return false;
    }
    buffer_add(&trailer->facts, (const char *)at, size);
    return !trailer->facts.failed;
}

/* What is signed, from `at` on. */
static bool
trailer_read_signed(DumpTrailer *trailer, const unsigned char *at, uint64_t stream_end)
{
    uint64_t left = trailer->signed_size - HEAD - DUMP_CHECK;
    uint64_t regions = trailer_number(at + MAGIC_SIZE + NUMBER);
    uint64_t blocks = trailer_number(at + MAGIC_SIZE + 2 * NUMBER);
    uint64_t facts = trailer_number(at + MAGIC_SIZE + 3 * NUMBER);
    trailer->stream_end = trailer_number(at + MAGIC_SIZE);
    if (trailer->stream_end != stream_end || regions > left / REGION || blocks > left / DUMP_CHECK || facts > left
        || regions * REGION + blocks * DUMP_CHECK + facts != left
        || blocks != (stream_end + DUMP_BLOCK - 1) / DUMP_BLOCK) {
        return false;
    }
    memcpy(trailer->digest, at + HEAD - DUMP_DIGEST, DUMP_DIGEST);
    trailer->region_count = (size_t)regions;
    trailer->block_count = (size_t)blocks;
    at += HEAD;
    trailer->blocks = malloc(trailer->block_count * DUMP_CHECK + 1);
    if (trailer->blocks == NULL || !trailer_read_regions(trailer, at)) {
        return false;
    }
    at += regions * REGION;
    memcpy(trailer->blocks, at, trailer->block_count * DUMP_CHECK);
    return trailer_read_facts(trailer, at + blocks * DUMP_CHECK, (size_t)facts);
}

static DumpKind
trailer_fault(DumpKind kind, const char *message, uint64_t at, const char **why, uint64_t *offset)
{
    *why = message;
    *offset = at;
    return kind;
}

size_t
dump_trailer_size(const unsigned char *bytes, size_t size)
{
    bool ends = size >= SMALLEST && memcmp(bytes + size - MAGIC_SIZE, END, MAGIC_SIZE) == 0;
    uint64_t whole = ends ? trailer_number(bytes + size - MAGIC_SIZE - NUMBER) : 0;
    return whole <= size ? (size_t)whole : 0;
}

DumpKind
dump_trailer_read(const unsigned char *bytes, size_t size, DumpTrailer *trailer, const char **why, uint64_t *offset)
{
    unsigned char check[DUMP_CHECK];
    memset(trailer, 0, sizeof *trailer);
    bool begins = size >= DUMP_HEAD_SIZE && memcmp(bytes, DUMP_HEAD, DUMP_HEAD_SIZE) == 0;
    bool ends = size >= SMALLEST && memcmp(bytes + size - MAGIC_SIZE, END, MAGIC_SIZE) == 0;
    if (!begins) {
        return trailer_fault(DUMP_NONE, "not a dump", 0, why, offset);
    }
    if (!ends) {
        return trailer_fault(DUMP_DAMAGED, "its end is missing", size, why, offset);
    }
    uint64_t whole = trailer_number(bytes + size - MAGIC_SIZE - NUMBER);
    if (whole < SMALLEST || whole > size - DUMP_HEAD_SIZE) {
        return trailer_fault(DUMP_DAMAGED, "its end is damaged", size - MAGIC_SIZE - NUMBER, why, offset);
    }
    uint64_t start = size - whole;
    const unsigned char *at = bytes + start;
    trailer->size = (size_t)whole;
    trailer->signed_size = (size_t)whole - TAIL;
    if (memcmp(at, MAGIC, MAGIC_SIZE - 1) != 0) {
        return trailer_fault(DUMP_DAMAGED, "its end is damaged", start, why, offset);
    }
    if (at[MAGIC_SIZE - 1] > MAGIC[MAGIC_SIZE - 1]) {
        return trailer_fault(DUMP_NEWER, "made by a later hooking: update it to load this", start, why, offset);
    }
    digest_of(at, trailer->signed_size - DUMP_CHECK, check);
    if (memcmp(check, at + trailer->signed_size - DUMP_CHECK, DUMP_CHECK) != 0
        || !trailer_read_signed(trailer, at, start)) {
        return trailer_fault(DUMP_DAMAGED, "its end is damaged", start, why, offset);
    }
    memcpy(trailer->signature, at + trailer->signed_size, DUMP_SIGNATURE);
    return DUMP_WHOLE;
}

void
dump_trailer_clear(DumpTrailer *trailer)
{
    free(trailer->regions);
    free(trailer->blocks);
    buffer_free(&trailer->facts);
    memset(trailer, 0, sizeof *trailer);
}

size_t
dump_trailer_find_damage(const DumpTrailer *trailer, const unsigned char *bytes)
{
    for (size_t i = 0; i < trailer->block_count; i++) {
        unsigned char check[DUMP_CHECK];
        uint64_t from = (uint64_t)i * DUMP_BLOCK;
        uint64_t left = trailer->stream_end - from;
        digest_of(bytes + from, left < DUMP_BLOCK ? (size_t)left : DUMP_BLOCK, check);
        if (memcmp(check, trailer->blocks + i * DUMP_CHECK, DUMP_CHECK) != 0) {
            return i;
        }
    }
    return trailer->block_count;
}
