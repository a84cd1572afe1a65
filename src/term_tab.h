/* Tab: indentation, or candidates from the client, inserted and listed as readline's own functions would. For the files
 * of the terminal alone. */
#ifndef HOOKING_TERM_TAB_H
#define HOOKING_TERM_TAB_H

#include "term.h"

void term_tab_begin(const Term *term, const TermClient *client);

/* A step of indentation as the block has it above the cursor: so many blanks, which are stored. */
int term_tab_step(char *blank);

/* Tab: a step of indentation in the blanks that a line begins with, else completion. Shift-Tab takes a step away. */
int term_tab_key(int count, int key);
int term_tab_shift(int count, int key);

/* In the place of readline's functions of like names. */
int term_tab_list(int count, int key);
int term_tab_insert_all(int count, int key);
int term_tab_menu(int count, int key);
int term_tab_menu_back(int count, int key);
int term_tab_vi(int count, int key);

#endif
