#include "ctl/alias.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/fd.h"
#include "common/ipc/rows.h"

enum { PLACE_MAX = 8192, MEMBERS_OCTETS = 1 << 20 };

static void on_row(void *context, const struct link_row *row)
{
	struct ctl_alias *alias = context;
	if (span_equal(row->kind, SPAN(ROW_ALIAS)) && !alias->at.len)
		str_append(&alias->at, row->cells[0]);
	if (!span_equal(row->kind, SPAN(ROW_MEMBER)))
		return;
	str_append(&alias->members, row->cells[0]);
	str_append_text(&alias->members, "\n");
	alias->n++;
}

void ctl_alias_ask(struct ctl *ctl, const char *server, const char *address, struct ctl_alias *out)
{
	const struct wire_explain_alias question = {.recipient = span_of(address)};
	struct link_answer answer = {.row = on_row, .context = out, .fd = -1};
	char why[LINK_TEXT_MAX + 1];
	char *run_dir = cmd_run_dir(ctl);
	struct str request;
	*out = (struct ctl_alias){.n = 0};
	str_init(&out->at, PLACE_MAX);
	str_init(&out->members, MEMBERS_OCTETS);
	int fd = run_dir ? link_to_child(run_dir, server, CHILD_SMTPD, why) : -1;
	free(run_dir);
	if (fd < 0)
		return;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_explain_alias(&question, &request);
	if (link_ask(fd, &request, &answer))
		snprintf(out->fault, sizeof(out->fault), "%s", answer.said);
	fd_close(&answer.fd);
	fd_close(&fd);
}

void ctl_alias_free(struct ctl_alias *alias)
{
	str_free(&alias->at);
	str_free(&alias->members);
}
