#include "smtpd/answer.h"

#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"

enum { DONE_MAX = 2048 /* of ctl_done */ };

static void send_packet(struct answer *a, bool encoded)
{
	if (!encoded || ipc_send(a->link, str_span(&a->packet), NULL, 0) != 0)
		a->failed = true;
	str_clear(&a->packet);
	str_clear(&a->cells);
}

void answer_row(struct answer *a, const char *kind)
{
	struct wire_ctl_row row = {.kind = span_of(kind), .cells = str_span(&a->cells)};
	send_packet(a, wire_encode_ctl_row(&row, &a->packet));
}

void answer_done(struct answer *a, unsigned exit_code, struct span text)
{
	if (text.len > DONE_MAX)
		text.len = DONE_MAX;
	struct wire_ctl_done done = {.exit_code = exit_code, .text = text};
	send_packet(a, wire_encode_ctl_done(&done, &a->packet));
}

void answer_origin(struct answer *a, const struct config_origin *origin)
{
	if (origin->file)
		str_printf(&a->cells, "%s:%u", origin->file, origin->line);
}
