/* What a dump tells about itself: when, where and of what it was made. */
#ifndef HOOKING_DUMP_FACTS_H
#define HOOKING_DUMP_FACTS_H

#include "compat.h"

#include "dump_trailer.h"

/* Facts about the object, the frame (NULL for none) and the process. -1 with an exception. */
int dump_facts_add(DumpTrailer *trailer, PyObject *object, PyObject *frame);

/* One fact of str; nothing is added for NULL. -1 with an exception. */
int dump_facts_add_text(DumpTrailer *trailer, const char *name, PyObject *text);

/* Those of a dict of str, or none for NULL. -1 with an exception. */
int dump_facts_add_notes(DumpTrailer *trailer, PyObject *notes);

/* "names": the keys of a dict, which are str, in a line. -1 with an exception. */
int dump_facts_add_names(DumpTrailer *trailer, PyObject *dict);

/* All of them, a new dict of str. NULL with an exception. */
PyObject *dump_facts_dict(const DumpTrailer *trailer);

#endif
