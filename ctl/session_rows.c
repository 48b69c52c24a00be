#include "ctl/session_rows.h"

#include <stdio.h>

#include "common/base/fd.h"
#include "common/ipc/rows.h"

struct asking {
	bool (*row)(void *context, const struct link_row *row);
	void *context;
	uint64_t next; /* where the next portion begins; 0 = none */
	bool enough;
};

int session_rows_link(const char *run_dir, const char *server, size_t older, char *why)
{
	return older ? link_to_older(run_dir, server, older, why) : link_to_child(run_dir, server, CHILD_SMTPD, why);
}

static void on_row(void *context, const struct link_row *row)
{
	struct asking *asking = context;
	if (span_equal(row->kind, SPAN(ROW_NEXT)) && !span_to_u64(row->cells[0], UINT32_MAX, &asking->next))
		asking->next = 0;
	if (span_equal(row->kind, SPAN(ROW_SESSION)) && !asking->enough)
		asking->enough = !asking->row(asking->context, row);
}

/* Asks for the portion that begins at FROM. */
static bool ask_portion(struct asking *asking, int fd, uint64_t from, char *why)
{
	struct link_answer answer = {.row = on_row, .context = asking};
	struct wire_smtpd_sessions portion = {.from = from};
	struct str request;
	asking->next = 0;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_smtpd_sessions(&portion, &request);
	bool good = link_ask(fd, &request, &answer);
	if (!good)
		snprintf(why, LINK_TEXT_MAX + 1, "%s", answer.said);
	fd_close(&answer.fd);
	return good;
}

/* Closes FD. */
static bool ask_smtpd(struct asking *asking, int fd, char *why)
{
	uint64_t from = 0;
	bool good = ask_portion(asking, fd, from, why);
	while (good && !asking->enough && asking->next > from) {
		from = asking->next;
		good = ask_portion(asking, fd, from, why);
	}
	fd_close(&fd);
	return good;
}

bool session_rows_ask(const char *run_dir, const char *server, bool (*row)(void *context, const struct link_row *row),
		      void *context, char *why)
{
	struct asking asking = {.row = row, .context = context};
	char none[LINK_TEXT_MAX + 1];
	int fd = session_rows_link(run_dir, server, 0, why);
	bool good = fd >= 0;
	for (size_t older = 1; fd >= 0 && !asking.enough; older++) {
		good = ask_smtpd(&asking, fd, why) && good;
		fd = asking.enough ? -1 : session_rows_link(run_dir, server, older, none);
	}
	return good;
}
