/* What the Check units share: the way to run one. */
#ifndef HOOKING_TESTS_UNIT_H
#define HOOKING_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Run the cases as a suite of that name; the result is main's. */
static int
unit_run(const char *name, TCase *const *cases, size_t count)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        suite_add_tcase(suite, cases[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
