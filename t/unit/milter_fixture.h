/* The milter protocol without a connection: the test is the filter. */
#ifndef T_UNIT_MILTER_FIXTURE_H
#define T_UNIT_MILTER_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "smtpd/milter/milter.h"
#include "t/unit/suite.h"

static struct milter m;

static const struct milter_macro known[] = {
	{"j", SPAN("mx.example")}, {"{daemon_name}", SPAN("port25")},
	{"i", SPAN("ID")},         {"{rcpt_addr}", SPAN("b@b.example")},
	{"{rcpt_host}", SPAN("")}, {"{mail_addr}", SPAN("a@a.example")},
};
static const struct milter_macros macros = {known, sizeof(known) / sizeof(known[0])};
static const struct span from[] = {SPAN("<a@a.example>"), SPAN("SIZE=10")}, to[] = {SPAN("<b@b.example>")};

/* The packets in m.out as "M<a@a.example>|SIZE=10| ...", which are then written. */
static inline const char *written(void)
{
	static struct str shown;
	struct milter_packet packet;
	size_t taken;
	uint32_t length;
	struct span rest = str_span(&m.out);
	str_free(&shown);
	str_init(&shown, 1 << 20);
	while (rest.len) {
		ck_assert(milter_unwrap(rest, &packet, &taken, &length) == MILTER_WHOLE);
		str_printf(&shown, "%s%c", shown.len ? " " : "", packet.letter);
		for (size_t i = 0; i < packet.data.len; i++) {
			char c = packet.data.at[i];
			if (!c)
				str_append_c(&shown, '|');
			else
				str_append_clean(&shown, (struct span){&c, 1});
		}
		rest = span_skip(rest, taken);
	}
	str_clear(&m.out);
	return str_text(&shown);
}

static inline enum milter_result say(char letter, struct span data)
{
	struct str in;
	size_t taken;
	str_init(&in, 1 << 20);
	size_t at = milter_wrap(&in, letter);
	str_append(&in, data);
	milter_wrap_end(&in, at);
	for (size_t len = 0; len < in.len && len < 20; len++) {
		ck_assert(milter_take(&m, (struct span){in.at, len}, &taken) == MILTER_MORE);
		ck_assert_uint_eq(taken, 0);
	}
	enum milter_result result = milter_take(&m, str_span(&in), &taken);
	ck_assert_uint_eq(taken, in.len);
	if (result == MILTER_BODY)
		m.piece.at = data.at; /* where the copy was is freed */
	str_free(&in);
	return result;
}

#define SAY(letter) say(letter, SPAN(""))

static inline enum milter_result negotiate(uint32_t version, uint32_t actions, uint32_t protocol)
{
	struct str data;
	str_init(&data, 100);
	milter_put_u32(&data, version);
	milter_put_u32(&data, actions);
	milter_put_u32(&data, protocol);
	milter_free(&m);
	milter_init(&m);
	ck_assert_str_eq(written(), "O|||\\x06||\\x01\\xff|\\x1f\\xff\\xff");
	enum milter_result result = say('O', str_span(&data));
	str_free(&data);
	return result;
}

static inline void setup(void)
{
	milter_init(&m);
}

static inline void teardown(void)
{
	milter_free(&m);
}

static const struct milter_client client = {SPAN("c.example"), '4', 0x0141, SPAN("192.0.2.1")};

/* To the end of the message; E waits for its answer. */
static inline void go_to_eom(void)
{
	ck_assert(milter_mail(&m, from, 1, macros) && SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_rcpt(&m, to, 1, macros) && SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_eom(&m, macros));
	written();
}

#endif
