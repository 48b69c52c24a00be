/* What holds for every row of a log. */
#ifndef T_FUZZ_REPLAY_ROW_H
#define T_FUZZ_REPLAY_ROW_H

#include "ctl/replay/row.h"
#include "t/fuzz/must.h"

static inline void must_be_inside(struct span part, struct span whole)
{
	MUST(!part.len || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

/* ROW is of LINE. */
static inline void check_row(const struct row *row, struct span line)
{
	struct address address;
	const char *why = NULL;
	must_be_inside(row->name, line);
	must_be_inside(row->verb, line);
	must_be_inside(row->rest, line);
	MUST(row->status <= 999 && row->octets >= ROW_NO_OCTETS && row->time_s >= ROW_NO_TIME);
	if (row_address(row, "TO:", &address, &why)) {
		must_be_inside(address.text, row->rest);
		must_be_inside(address.domain, row->rest);
	} else {
		MUST(why);
	}
}

#endif
