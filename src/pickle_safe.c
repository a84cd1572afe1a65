/* The names that may be imported and called without asking, see pickle_safe.h.
 *
 * The rule of admission: called with any arguments that its rule lets through, and given any state that its rule lets
 * through, it does nothing but construct data. It opens, runs and changes nothing; it hands back no function and none
 * of its arguments; it does not read the memory of others, nor take all of it. Where in doubt it is left out, and the
 * user is asked. An argument may always be another entry of the table: none of them is called by any, except by
 * _reconstructor, _new_Index and the like, which call __new__ of a class, and these are told apart by their rules.
 *
 * Left out after a look: map, filter, getattr, type (they hand back or call what they are given), functools.partial and
 * operator.* (likewise), zoneinfo.ZoneInfo (it is written with getattr), Exception and its kind, numpy's records and
 * masked arrays (rules would have to follow their dtypes), numpy.random, everything of pyarrow. */
#include "pickle_safe.h"

#include <string.h>

#include "pickle_rules.h"
#include "pickle_scan.h"

static const SafeRow safe_rows[] = {
    /* Classes that are only named: a factory of defaultdict, an element. To call one is for a type that is not known.
     * The instances Ellipsis, NotImplemented and NA are written as names too. */
    {"builtins", "list", NULL, NULL, SAFE_CLASS},
    {"builtins", "dict", NULL, NULL, SAFE_CLASS},
    {"builtins", "tuple", NULL, NULL, SAFE_CLASS},
    {"builtins", "str", NULL, NULL, SAFE_CLASS},
    {"builtins", "int", NULL, NULL, SAFE_CLASS},
    {"builtins", "float", NULL, NULL, SAFE_CLASS},
    {"builtins", "bool", NULL, NULL, SAFE_CLASS},
    {"builtins", "Ellipsis", NULL, NULL, SAFE_CLASS},
    {"builtins", "NotImplemented", NULL, NULL, SAFE_CLASS},
    {"pandas._libs.missing", "NA", NULL, NULL, 0},
    /* Bytes of a number, or items of a range, would be a bomb; slice and complex do not look at what they are given. */
    {"builtins", "set", pickle_rule_items, NULL, SAFE_CLASS},
    {"builtins", "frozenset", pickle_rule_items, NULL, SAFE_CLASS},
    {"builtins", "bytes", pickle_rule_bytes, NULL, SAFE_CLASS},
    {"builtins", "bytearray", pickle_rule_bytes, NULL, SAFE_CLASS},
    {"builtins", "complex", pickle_rule_numbers, NULL, SAFE_CLASS},
    {"builtins", "range", pickle_rule_numbers, NULL, SAFE_CLASS},
    {"builtins", "slice", pickle_rule_any, NULL, SAFE_CLASS | SAFE_DEEP},
    {"builtins", "object", pickle_rule_nothing, NULL, SAFE_CLASS},
    /* What protocols 0 to 2 write bytes with, and objects without a state of their own. */
    {"_codecs", "encode", pickle_rule_encode, NULL, 0},
    {"copyreg", "_reconstructor", pickle_rule_bare_object, NULL, 0},
    /* The factory of a defaultdict is not called while it is filled. */
    {"collections", "OrderedDict", pickle_rule_items, NULL, SAFE_CLASS | SAFE_SET_ITEM | SAFE_WALKS},
    {"collections", "Counter", pickle_rule_mapping, NULL, SAFE_CLASS | SAFE_SET_ITEM},
    {"collections", "defaultdict", pickle_rule_factory, NULL, SAFE_CLASS | SAFE_SET_ITEM | SAFE_DEEP},
    {"collections", "deque", pickle_rule_items, NULL, SAFE_CLASS | SAFE_EXTEND | SAFE_DEEP},
    /* Numbers, texts, and each other as an argument. */
    {"datetime", "date", pickle_rule_scalars, NULL, SAFE_CLASS},
    {"datetime", "datetime", pickle_rule_scalars, NULL, SAFE_CLASS},
    {"datetime", "time", pickle_rule_scalars, NULL, SAFE_CLASS},
    {"datetime", "timedelta", pickle_rule_scalars, NULL, SAFE_CLASS},
    {"datetime", "timezone", pickle_rule_scalars, NULL, SAFE_CLASS},
    {"decimal", "Decimal", pickle_rule_texts, NULL, SAFE_CLASS},
    {"fractions", "Fraction", pickle_rule_fraction, NULL, SAFE_CLASS},
    /* Its __setstate__ takes two keys out of a dict. */
    {"uuid", "UUID", pickle_rule_nothing, pickle_rule_attributes, SAFE_CLASS},
    /* They take their parts apart; none looks at a disk. */
    {"pathlib", "PosixPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"pathlib", "PurePosixPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"pathlib", "PureWindowsPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"pathlib._local", "PosixPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"pathlib._local", "PurePosixPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"pathlib._local", "PureWindowsPath", pickle_rule_texts, NULL, SAFE_CLASS},
    {"array", "array", pickle_rule_code_and_items, NULL, SAFE_CLASS},
    {"array", "_array_reconstructor", pickle_rule_class_first, NULL, 0},
    /* Attributes, and nothing else. */
    {"types", "SimpleNamespace", pickle_rule_nothing, pickle_rule_attributes, SAFE_CLASS},
    /* numpy 1 and 2: rules in pickle_rules.c. The classes of scalars are only named. */
    {"numpy", "ndarray", NULL, NULL, SAFE_CLASS},
    {"numpy", "dtype", pickle_rule_type_code, pickle_rule_type_state, SAFE_CLASS},
    {"numpy.core.multiarray", "_reconstruct", pickle_rule_empty_array, pickle_rule_array_state, SAFE_DEEP},
    {"numpy.core.multiarray", "scalar", pickle_rule_array_scalar, NULL, SAFE_TEXT},
    {"numpy.core.numeric", "_frombuffer", pickle_rule_array_bytes, NULL, 0},
    {"numpy._core.multiarray", "_reconstruct", pickle_rule_empty_array, pickle_rule_array_state, SAFE_DEEP},
    {"numpy._core.multiarray", "scalar", pickle_rule_array_scalar, NULL, SAFE_TEXT},
    {"numpy._core.numeric", "_frombuffer", pickle_rule_array_bytes, NULL, 0},
    {"numpy", "bool_", NULL, NULL, 0},
    {"numpy", "int8", NULL, NULL, 0},
    {"numpy", "int16", NULL, NULL, 0},
    {"numpy", "int32", NULL, NULL, 0},
    {"numpy", "int64", NULL, NULL, 0},
    {"numpy", "uint8", NULL, NULL, 0},
    {"numpy", "uint16", NULL, NULL, 0},
    {"numpy", "uint32", NULL, NULL, 0},
    {"numpy", "uint64", NULL, NULL, 0},
    {"numpy", "float16", NULL, NULL, 0},
    {"numpy", "float32", NULL, NULL, 0},
    {"numpy", "float64", NULL, NULL, 0},
    {"numpy", "complex64", NULL, NULL, 0},
    {"numpy", "complex128", NULL, NULL, 0},
    /* pandas 1.5 to 2: what frames, series and indexes of numbers, texts and times are made of. A class among the
     * arguments may be any of the known ones: __new__ refuses what is not of its own kind. Left out, because codes that
     * point past the end are believed: Categorical, MultiIndex. */
    {"pandas.core.frame", "DataFrame", pickle_rule_nothing, pickle_rule_attributes, SAFE_CLASS | SAFE_CONVERTS},
    {"pandas.core.series", "Series", pickle_rule_nothing, pickle_rule_attributes, SAFE_CLASS | SAFE_CONVERTS},
    {"pandas.core.internals.managers", "BlockManager", pickle_rule_any, pickle_rule_any, SAFE_CLASS | SAFE_CONVERTS},
    {"pandas.core.internals.managers", "SingleBlockManager",
     pickle_rule_any, pickle_rule_any, SAFE_CLASS | SAFE_CONVERTS},
    {"pandas._libs.internals", "_unpickle_block", pickle_rule_any, NULL, SAFE_CONVERTS},
    {"pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked", pickle_rule_class_first, pickle_rule_any, SAFE_CONVERTS},
    {"pandas.core.indexes.base", "_new_Index", pickle_rule_class_first, NULL, SAFE_CONVERTS},
    {"pandas.core.indexes.datetimes", "_new_DatetimeIndex", pickle_rule_class_first, NULL, SAFE_CONVERTS},
    {"pandas.core.indexes.base", "Index", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.numeric", "Int64Index", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.numeric", "UInt64Index", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.numeric", "Float64Index", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.range", "RangeIndex", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.datetimes", "DatetimeIndex", NULL, NULL, SAFE_CLASS},
    {"pandas.core.indexes.timedeltas", "TimedeltaIndex", NULL, NULL, SAFE_CLASS},
    {"pandas.core.arrays.datetimes", "DatetimeArray", NULL, NULL, SAFE_CLASS},
    {"pandas.core.arrays.timedeltas", "TimedeltaArray", NULL, NULL, SAFE_CLASS},
    {"pandas.core.dtypes.dtypes", "DatetimeTZDtype",
     pickle_rule_nothing, pickle_rule_attributes, SAFE_CLASS | SAFE_CONVERTS},
    {"pandas.core.arrays.string_", "StringDtype", pickle_rule_nothing, pickle_rule_attributes,
     SAFE_CLASS | SAFE_CONVERTS},
    {"pandas.core.arrays.string_", "StringArray", NULL, NULL, SAFE_CLASS},
    {"pandas._libs.tslibs.timestamps", "_unpickle_timestamp", pickle_rule_scalars, NULL, 0},
    {"pandas._libs.tslibs.timedeltas", "_timedelta_unpickle", pickle_rule_scalars, NULL, 0},
    {"pandas._libs.tslibs.nattype", "__nat_unpickle", pickle_rule_scalars, NULL, 0},
    {"pandas._libs.tslibs.nattype", "_nat_unpickle", pickle_rule_scalars, NULL, 0},
    {"pandas._libs.tslibs.offsets", "Day", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Hour", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Minute", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Second", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Milli", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Micro", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pandas._libs.tslibs.offsets", "Nano", pickle_rule_scalars, pickle_rule_attributes, SAFE_CLASS},
    {"pytz", "_UTC", pickle_rule_nothing, NULL, 0},
};

/* As the unpickler translates them below protocol 3. Source: Lib/_compat_pickle.py. A NULL name stands for any. */
static const struct {
    const char *old_module, *old_name, *module, *name;
} safe_old[] = {
    {"__builtin__", "xrange", "builtins", "range"},
    {"__builtin__", "long", "builtins", "int"},
    {"__builtin__", "unicode", "builtins", "str"},
    {"__builtin__", NULL, "builtins", NULL},
    {"copy_reg", NULL, "copyreg", NULL},
};

static bool
safe_is(const char *wanted, const char *text, size_t size)
{
    return strncmp(wanted, text, size) == 0 && wanted[size] == '\0';
}

const SafeRow *
pickle_safe_find(const char *module, size_t module_size, const char *name, size_t name_size, int protocol)
{
    if (memchr(module, '\0', module_size) != NULL || memchr(name, '\0', name_size) != NULL) {
        return NULL;
    }
    for (size_t i = 0; protocol < 3 && i < sizeof safe_old / sizeof *safe_old; i++) {
        if (safe_is(safe_old[i].old_module, module, module_size)
            && (safe_old[i].old_name == NULL || safe_is(safe_old[i].old_name, name, name_size))) {
            module = safe_old[i].module;
            module_size = strlen(module);
            name = safe_old[i].name != NULL ? safe_old[i].name : name;
            name_size = safe_old[i].name != NULL ? strlen(name) : name_size;
        }
    }
    for (size_t i = 0; i < sizeof safe_rows / sizeof *safe_rows; i++) {
        if (safe_is(safe_rows[i].name, name, name_size) && safe_is(safe_rows[i].module, module, module_size)) {
            return &safe_rows[i];
        }
    }
    return NULL;
}

/* The protocol is not known here: what no protocol lets through is not known. */
bool
pickle_safe_is_known(const char *module, const char *name)
{
    return pickle_safe_find(module, strlen(module), name, strlen(name), 0) != NULL;
}
