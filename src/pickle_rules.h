/* What the known constructors may be given. Each is a SafeRule. No Python here. */
#ifndef HOOKING_PICKLE_RULES_H
#define HOOKING_PICKLE_RULES_H

#include "pickle_safe.h"

bool pickle_rule_any(const SafeUse *use);
bool pickle_rule_nothing(const SafeUse *use);      /* () */
bool pickle_rule_items(const SafeUse *use);        /* (), or a list or tuple, and numbers or None */
bool pickle_rule_code_and_items(const SafeUse *use); /* text, and a list or bytes */
bool pickle_rule_mapping(const SafeUse *use);      /* (), or a dict */
bool pickle_rule_bytes(const SafeUse *use);        /* (), bytes, a list, or text with an encoding */
bool pickle_rule_encode(const SafeUse *use);       /* text, and an encoding that does not decompress */
bool pickle_rule_texts(const SafeUse *use);        /* text only */
bool pickle_rule_numbers(const SafeUse *use);      /* numbers only */
bool pickle_rule_fraction(const SafeUse *use);     /* two numbers, or their text: no exponent */
bool pickle_rule_factory(const SafeUse *use);      /* (), None or a class */
bool pickle_rule_class_first(const SafeUse *use);  /* a class, and whatever */
bool pickle_rule_scalars(const SafeUse *use);      /* nothing that can be iterated over or called */
bool pickle_rule_bare_object(const SafeUse *use);  /* a class, object, None */
bool pickle_rule_empty_array(const SafeUse *use);  /* ndarray, (0,), bytes */
bool pickle_rule_type_code(const SafeUse *use);    /* "f8", False, True */
bool pickle_rule_type_state(const SafeUse *use);   /* BUILD of a dtype: what its type code says, and a byte order */
bool pickle_rule_array_state(const SafeUse *use);  /* BUILD of an ndarray */
bool pickle_rule_array_scalar(const SafeUse *use); /* a dtype that is not object, bytes */
bool pickle_rule_array_bytes(const SafeUse *use);  /* bytes, a dtype, a shape, an order */
bool pickle_rule_attributes(const SafeUse *use);   /* BUILD: a dict, or None and a dict */

#endif
