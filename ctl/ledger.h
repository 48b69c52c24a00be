/*
 * Which mail was imported into a spool before: the lists of moved/ (common/spool/moved.h), which are sorted and
 * searched where they are.
 */
#ifndef CTL_LEDGER_H
#define CTL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

/* Imports within MOVED_DAYS: with more of them an import is refused, so that no search takes long. */
enum { LEDGER_LISTS_MAX = 1000 };

struct ledger {
	struct ledger_list {
		const char *at; /* mapped */
		size_t lines;
	} lists[LEDGER_LISTS_MAX];
	size_t count;
};

/* Maps the lists of the folder MOVED. 0 or -errno; -EMFILE: there are more than LEDGER_LISTS_MAX. Close it in any case.
 */
int ledger_open(int moved, struct ledger *out);
void ledger_close(struct ledger *ledger);

/* Whether a list has ID. */
bool ledger_has(const struct ledger *ledger, const char *id);

/* Whether the sorted LINES of MOVED_LINE octets at AT have ID. Pure. */
bool ledger_find(const char *at, size_t lines, const char *id);

#endif
