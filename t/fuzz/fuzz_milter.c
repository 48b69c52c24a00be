#include "smtpd/milter/milter.h"

#include <string.h>

#include "common/mail/envelope.h"
#include "t/fuzz/must.h"

static const struct milter_macro known[] = {{"j", SPAN("mx.example")}, {"i", SPAN("ID")}, {"{rcpt_addr}", SPAN("b")}};
static const struct milter_macros macros = {known, 3};

/* Sends event number WHICH, whatever the state. */
static bool send_event(struct milter *m, uint8_t which)
{
	static const struct milter_client client = {SPAN("c.example"), '4', 25, SPAN("192.0.2.1")};
	static const struct span args[] = {SPAN("<a@a.example>"), SPAN("SIZE=1")};
	switch (which % 12) {
	case 0:
		return milter_connect(m, &client, macros);
	case 1:
		return milter_helo(m, SPAN("helo.example"), macros);
	case 2:
		return milter_mail(m, args, 2, macros);
	case 3:
		return milter_rcpt(m, args, 1, macros);
	case 4:
		return milter_data(m, macros);
	case 5:
		return milter_unknown(m, SPAN("WHAT"));
	case 6:
		return milter_header(m, SPAN("Subject: one\r\n\ttwo\r\n"), macros);
	case 7:
		return milter_eoh(m, macros);
	case 8:
		return milter_body(m, SPAN("text\r\n"), macros);
	case 9:
		return milter_eom(m, macros);
	case 10:
		milter_abort(m);
		return false;
	default:
		milter_quit(m);
		return false;
	}
}

/* What goes to the filter is always made of whole packets within bounds. */
static void check_out(struct milter *m)
{
	struct span rest = str_span(&m->out);
	MUST(!m->out.failed);
	while (rest.len) {
		struct milter_packet packet;
		size_t taken;
		uint32_t length;
		MUST(milter_unwrap(rest, &packet, &taken, &length) == MILTER_WHOLE);
		MUST(packet.data.len <= MILTER_DATA_MAX && strchr("OCHMRTULNBEADQ", packet.letter));
		rest = span_skip(rest, taken);
	}
	str_clear(&m->out);
}

static void check_take(struct milter *m, enum milter_result result, char awaited, size_t taken, size_t size)
{
	MUST(taken <= size && (taken || result == MILTER_MORE || result == MILTER_FAULT));
	MUST(m->out.len == 0 && m->words[sizeof(m->words) - 1] == '\0');
	MUST((result == MILTER_FAULT) == (m->state == MILTER_DOWN) || result == MILTER_MORE);
	MUST(result != MILTER_FAULT || (m->words[0] && !m->awaited));
	MUST(result < MILTER_READY || !m->awaited);
	MUST(result >= MILTER_READY || m->awaited == awaited);
	MUST((result != MILTER_EDIT && result != MILTER_BODY) || (awaited == 'E' && !edits_none(&m->edits)) ||
	     m->words[0]);
	MUST(result != MILTER_SKIP || awaited == 'B');
	MUST(m->edits.field_count <= EDITS_FIELDS_MAX + 1 && m->edits.rcpt_count <= ENVELOPE_RCPT_MAX + 1);
}

/* An input is a row of: number of an event, octets of the filter up to where they answer it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct milter m;
	struct span rest = {(const char *)data, size};
	enum milter_result result = MILTER_MORE;
	milter_init(&m);
	check_out(&m);
	while (rest.len) {
		size_t taken;
		char awaited = m.awaited;
		if (!awaited) {
			bool asks = send_event(&m, (uint8_t)rest.at[0]);
			MUST(asks == (m.awaited != 0));
			check_out(&m);
			rest = span_skip(rest, 1);
			continue;
		}
		result = milter_take(&m, rest, &taken);
		check_take(&m, result, awaited, taken, rest.len);
		if (result == MILTER_MORE || result == MILTER_FAULT)
			break;
		rest = span_skip(rest, taken);
	}
	if (result == MILTER_FAULT)
		for (int event = 0; event < 12; event++)
			MUST(!send_event(&m, (uint8_t)event) && !m.out.len);
	milter_free(&m);
	return 0;
}
