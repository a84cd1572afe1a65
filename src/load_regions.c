/* Regions of a dump, see load_regions.h. */
#include "load_regions.h"

#include "pickle_ops.h"

/* Read the opcode at *at, which must be this one and whole, and go on behind it. */
static bool
regions_take(const unsigned char *bytes, size_t end, size_t *at, unsigned char code, PickleOp *op)
{
    if (*at >= end || pickle_op_read(bytes + *at, end - *at, op) != PICKLE_WHOLE || op->code != code) {
        return false;
    }
    *at += op->head + (size_t)op->body_size;
    return true;
}

/* Room that is taken away at once, then bytes of the region's size: in their place one object is pushed, too. */
static bool
regions_is_one(const unsigned char *bytes, size_t end, size_t *at, const DumpRegion *region)
{
    PickleOp op;
    return regions_take(bytes, end, at, PICKLE_BINBYTES, &op) && regions_take(bytes, end, at, PICKLE_POP, &op)
           && regions_take(bytes, end, at, region->readonly ? PICKLE_BINBYTES8 : PICKLE_BYTEARRAY8, &op)
           && op.body_size == region->size && *at == region->offset + region->size;
}

bool
load_regions_fit(const unsigned char *bytes, size_t end, const DumpRegion *regions, size_t count, uint64_t *offset)
{
    size_t at = 0, found = 0;
    PickleOp op = {0};
    while (found < count && at < end && op.code != PICKLE_STOP) {
        if (at == regions[found].begin) {
            if (!regions_is_one(bytes, end, &at, &regions[found])) {
                break;
            }
            found++;
        }
        else if (at > regions[found].begin || pickle_op_read(bytes + at, end - at, &op) != PICKLE_WHOLE) {
            break;
        }
        else {
            at += op.head + (size_t)op.body_size;
        }
    }
    *offset = found < count ? regions[found].begin : 0;
    return found == count;
}
