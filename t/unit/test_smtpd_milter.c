/* What is sent to a filter, and what state its answers lead to. */
#include "t/unit/milter_fixture.h"

START_TEST(a_message_goes_through)
{
	ck_assert(negotiate(6, MILTER_ACTIONS, 0) == MILTER_READY);
	ck_assert(milter_connect(&m, &client, macros));
	ck_assert_str_eq(written(), "DCj|mx.example|{daemon_name}|port25| Cc.example|4\\x01A192.0.2.1|");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_helo(&m, SPAN("helo.example"), macros));
	ck_assert_str_eq(written(), "DH Hhelo.example|");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_mail(&m, from, 2, macros));
	ck_assert_str_eq(written(), "DMi|ID|{mail_addr}|a@a.example| M<a@a.example>|SIZE=10|");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_rcpt(&m, to, 1, macros));
	ck_assert_str_eq(written(), "DRi|ID|{rcpt_addr}|b@b.example|{rcpt_host}|| R<b@b.example>|");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_data(&m, macros));
	ck_assert_str_eq(written(), "DTi|ID| T");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_header(&m, SPAN("Subject: one\r\n\ttwo\r\n"), macros));
	ck_assert_str_eq(written(), "DLi|ID| LSubject|one\\x0a\\x09two|");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_header(&m, SPAN("X : \r\n"), macros));
	ck_assert_str_eq(written(), "LX||");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_eoh(&m, macros));
	ck_assert_str_eq(written(), "DNi|ID| N");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_body(&m, SPAN("text\r\n"), macros));
	ck_assert_str_eq(written(), "DBi|ID| Btext\\x0d\\x0a");
	ck_assert(SAY('c') == MILTER_CONTINUE);
	ck_assert(milter_body(&m, SPAN("more"), macros) && SAY('c') == MILTER_CONTINUE);
	ck_assert_str_eq(written(), "Bmore");
	ck_assert(milter_eom(&m, macros));
	ck_assert_str_eq(written(), "DEi|ID| E");
	ck_assert(SAY('c') == MILTER_CONTINUE && m.state == MILTER_SESSION);
	milter_abort(&m);
	ck_assert_str_eq(written(), "");
	milter_quit(&m);
	ck_assert_str_eq(written(), "Q");
}
END_TEST

START_TEST(what_a_filter_does_not_want_is_not_sent)
{
	ck_assert(negotiate(6, 0,
			    MILTER_NO_CONNECT | MILTER_NO_HELO | MILTER_NO_MAIL | MILTER_NO_RCPT | MILTER_NO_BODY |
				    MILTER_NO_HEADER | MILTER_NO_EOH | MILTER_NO_UNKNOWN | MILTER_NO_DATA) ==
		  MILTER_READY);
	ck_assert(!milter_connect(&m, &client, macros) && !milter_helo(&m, SPAN("h"), macros));
	ck_assert(!milter_unknown(&m, SPAN("WHAT")) && !milter_mail(&m, from, 2, macros));
	ck_assert(!milter_rcpt(&m, to, 1, macros) && !milter_data(&m, macros));
	/* Macros are sent all the same: those of an earlier event end with them. */
	ck_assert_str_eq(written(), "DCj|mx.example|{daemon_name}|port25| DH DMi|ID|{mail_addr}|a@a.example| "
				    "DRi|ID|{rcpt_addr}|b@b.example|{rcpt_host}|| DTi|ID|");
	ck_assert(!milter_wants_header(&m) && !milter_wants_body(&m) && milter_wants_message(&m));
	ck_assert(!milter_header(&m, SPAN("A: b\r\n"), macros) && !milter_eoh(&m, macros));
	ck_assert(!milter_body(&m, SPAN("x"), macros));
	ck_assert_str_eq(written(), "");
	ck_assert(milter_eom(&m, macros));
	ck_assert_str_eq(written(), "DEi|ID| E");
}
END_TEST

START_TEST(a_mute_filter_is_not_waited_for)
{
	ck_assert(negotiate(6, 0,
			    MILTER_MUTE_CONNECT | MILTER_MUTE_HELO | MILTER_MUTE_MAIL | MILTER_MUTE_RCPT |
				    MILTER_MUTE_DATA | MILTER_MUTE_HEADER | MILTER_MUTE_EOH | MILTER_MUTE_BODY |
				    MILTER_MUTE_UNKNOWN) == MILTER_READY);
	ck_assert(!milter_connect(&m, &client, macros) && !milter_helo(&m, SPAN("h"), macros));
	ck_assert(!milter_mail(&m, from, 1, macros) && !milter_unknown(&m, SPAN("WHAT ever")));
	ck_assert(!milter_rcpt(&m, to, 1, macros) && !milter_data(&m, macros));
	ck_assert(!milter_header(&m, SPAN("A: b\r\n"), macros) && !milter_header(&m, SPAN("C: d\r\n"), macros));
	ck_assert(!milter_eoh(&m, macros) && !milter_body(&m, SPAN("x"), macros));
	ck_assert_ptr_nonnull(
		strstr(written(), " UWHAT ever| DRi|ID|{rcpt_addr}|b@b.example|{rcpt_host}|| R<b@b.example>| DTi|ID| T "
				  "DLi|ID| LA|b| LC|d| DNi|ID| N DBi|ID| Bx"));
	ck_assert(milter_eom(&m, macros) && SAY('a') == MILTER_ACCEPT);
}
END_TEST

START_TEST(old_filters_get_what_they_know)
{
	ck_assert(negotiate(2, 0x0f, 0) == MILTER_READY);
	ck_assert(milter_mail(&m, from, 1, macros) && SAY('c') == MILTER_CONTINUE);
	written();
	ck_assert(!milter_unknown(&m, SPAN("WHAT")) && !milter_data(&m, macros));
	ck_assert_str_eq(written(), "");
	ck_assert(negotiate(3, 0x3f, 0) == MILTER_READY);
	ck_assert(milter_unknown(&m, SPAN("WHAT")) && SAY('c') == MILTER_CONTINUE);
	ck_assert_str_eq(written(), "UWHAT|");
	ck_assert(negotiate(4, 0x3f, 0) == MILTER_READY);
	ck_assert(milter_mail(&m, from, 1, macros) && SAY('c') == MILTER_CONTINUE && milter_data(&m, macros));
	ck_assert(negotiate(1, 0, 0) == MILTER_FAULT && negotiate(7, 0, 0) == MILTER_FAULT);
	ck_assert_str_eq(m.words, "sent a packet 'O' (negotiation) that has a protocol version other than 2 to 6");
	ck_assert(negotiate(6, 0x200, 0) == MILTER_FAULT);
	ck_assert(!milter_connect(&m, &client, macros) && m.state == MILTER_DOWN);
}
END_TEST

START_TEST(a_filter_has_lists_of_macros)
{
	ck_assert(say('O', SPAN("\0\0\0\6\0\0\1\0\0\0\0\0"
				"\0\0\0\0{i} j,{nothing}\0"
				"\0\0\0\3{j}\0")) == MILTER_READY);
	str_clear(&m.out);
	milter_connect(&m, &client, macros);
	ck_assert_str_eq(written(), "DC{i}|ID|j|mx.example| Cc.example|4\\x01A192.0.2.1|");
	SAY('c');
	ck_assert(milter_mail(&m, from, 1, macros) && SAY('c') == MILTER_CONTINUE);
	written();
	milter_rcpt(&m, to, 1, macros);
	ck_assert_str_eq(written(), "DR{j}|mx.example| R<b@b.example>|");
}
END_TEST

START_TEST(families_of_clients)
{
	static const struct {
		struct milter_client client;
		const char *packet;
	} rows[] = {
		{{SPAN("localhost"), '6', 25, SPAN("::1")}, "Clocalhost|6|\\x19::1|"},
		{{SPAN("localhost"), 'L', 0, SPAN("/run/s")}, "Clocalhost|L||/run/s|"},
		{{SPAN("unknown"), 'U', 0, SPAN("")}, "Cunknown|U"},
		{{SPAN(""), '6', 25, SPAN("::1")}, "C[::1]|6|\\x19::1|"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(negotiate(6, 0, 0) == MILTER_READY);
		milter_connect(&m, &rows[i].client, (struct milter_macros){0});
		ck_assert_str_eq(strrchr(written(), 'C'), rows[i].packet);
	}
}
END_TEST

/* The blank after the colon belongs to the value for a filter that asked for it. */
START_TEST(values_of_fields)
{
	static const struct {
		struct span field;
		const char *without, *with;
	} rows[] = {
		{SPAN("A: b\r\n"), "LA|b|", "LA| b|"},
		{SPAN("A:  b \r\n"), "LA| b |", "LA|  b |"},
		{SPAN("A:\tb\r\n"), "LA|\\x09b|", "LA|\\x09b|"},
		{SPAN("A:b\r\n"), "LA|b|", "LA|b|"},
		{SPAN("A:\r\n b\r\n"), "LA|\\x0a b|", "LA|\\x0a b|"},
		{SPAN("A:\r\n"), "LA||", "LA||"},
		{SPAN("A:"), "LA||", "LA||"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int with = 0; with < 2; with++) {
			negotiate(6, 0, MILTER_MUTE_HEADER | MILTER_MUTE_MAIL | (with ? MILTER_LEADING_SPACE : 0));
			milter_mail(&m, from, 1, macros);
			milter_header(&m, SPAN("First: 1\r\n"), macros);
			written();
			milter_header(&m, rows[i].field, macros);
			ck_assert_str_eq(written(), with ? rows[i].with : rows[i].without);
		}
}
END_TEST

START_TEST(large_fields_are_shown_cut)
{
	struct str field;
	struct milter_packet packet;
	size_t taken;
	uint32_t length;
	str_init(&field, 1 << 20);
	str_append_text(&field, "Name: ");
	while (field.len < 100000)
		str_append_text(&field, "line of text\r\n ");
	negotiate(6, 0, MILTER_MUTE_MAIL);
	milter_mail(&m, from, 1, macros);
	milter_header(&m, SPAN("A: b\r\n"), macros);
	SAY('c');
	written();
	ck_assert(milter_header(&m, str_span(&field), macros));
	ck_assert(milter_unwrap(str_span(&m.out), &packet, &taken, &length) == MILTER_WHOLE && taken == m.out.len);
	ck_assert_uint_eq(packet.data.len, MILTER_DATA_MAX);
	ck_assert(packet.data.at[packet.data.len - 1] == '\0');
	str_free(&field);
}
END_TEST

static const struct {
	char event;
	char answer;
	enum milter_result result;
	enum milter_state state;
} verdicts[] = {
	{'C', 'c', MILTER_CONTINUE, MILTER_SESSION},
	{'C', 'a', MILTER_ACCEPT, MILTER_PASSED},
	{'C', 'd', MILTER_CONTINUE, MILTER_SESSION},
	{'C', 'r', MILTER_REJECT, MILTER_REFUSED},
	{'C', 't', MILTER_TEMPFAIL, MILTER_REFUSED},
	{'C', 'y', MILTER_REPLY, MILTER_REFUSED},
	{'C', 'f', MILTER_CONN_FAIL, MILTER_REFUSED},
	{'C', '4', MILTER_SHUTDOWN, MILTER_REFUSED},
	{'C', 's', MILTER_FAULT, MILTER_DOWN},
	{'H', 'f', MILTER_FAULT, MILTER_DOWN},
	{'H', 'a', MILTER_ACCEPT, MILTER_PASSED},
	{'H', 'r', MILTER_REJECT, MILTER_REFUSED},
	{'H', 'd', MILTER_CONTINUE, MILTER_SESSION},
	{'M', 'c', MILTER_CONTINUE, MILTER_MESSAGE},
	{'M', 'a', MILTER_ACCEPT, MILTER_PASSED_MESSAGE},
	{'M', 'd', MILTER_DISCARD, MILTER_PASSED_MESSAGE},
	{'M', 'r', MILTER_REJECT, MILTER_PASSED_MESSAGE},
	{'M', '4', MILTER_SHUTDOWN, MILTER_REFUSED},
	{'R', 'r', MILTER_REJECT, MILTER_MESSAGE},
	{'R', 't', MILTER_TEMPFAIL, MILTER_MESSAGE},
	{'R', 'y', MILTER_REPLY, MILTER_MESSAGE},
	{'R', 'a', MILTER_ACCEPT, MILTER_PASSED_MESSAGE},
	{'R', 'd', MILTER_DISCARD, MILTER_PASSED_MESSAGE},
	{'R', 'h', MILTER_FAULT, MILTER_DOWN},
	{'T', 'y', MILTER_REPLY, MILTER_PASSED_MESSAGE},
	{'U', 'r', MILTER_REJECT, MILTER_MESSAGE},
	{'U', 'a', MILTER_ACCEPT, MILTER_MESSAGE},
	{'L', 'c', MILTER_CONTINUE, MILTER_CONTENT},
	{'L', 't', MILTER_TEMPFAIL, MILTER_PASSED_MESSAGE},
	{'L', 's', MILTER_FAULT, MILTER_DOWN},
	{'L', 'p', MILTER_PROGRESS, MILTER_CONTENT},
	{'N', 'a', MILTER_ACCEPT, MILTER_PASSED_MESSAGE},
	{'N', 'q', MILTER_FAULT, MILTER_DOWN},
	{'B', 's', MILTER_SKIP, MILTER_CONTENT},
	{'B', 'd', MILTER_DISCARD, MILTER_PASSED_MESSAGE},
	{'B', 'b', MILTER_FAULT, MILTER_DOWN},
	{'E', 'c', MILTER_CONTINUE, MILTER_SESSION},
	{'E', 'a', MILTER_ACCEPT, MILTER_SESSION},
	{'E', 'd', MILTER_DISCARD, MILTER_SESSION},
	{'E', 'r', MILTER_REJECT, MILTER_SESSION},
	{'E', 't', MILTER_TEMPFAIL, MILTER_SESSION},
	{'E', 'y', MILTER_REPLY, MILTER_SESSION},
	{'E', '4', MILTER_SHUTDOWN, MILTER_REFUSED},
	{'E', 'p', MILTER_PROGRESS, MILTER_CONTENT},
	{'E', 's', MILTER_FAULT, MILTER_DOWN},
	{'E', 'O', MILTER_FAULT, MILTER_DOWN},
	{'E', 'C', MILTER_FAULT, MILTER_DOWN},
	{'E', '\0', MILTER_FAULT, MILTER_DOWN},
};

static void send_event(char event)
{
	if (event == 'C')
		ck_assert(milter_connect(&m, &client, macros));
	else if (event == 'H')
		ck_assert(milter_helo(&m, SPAN("h"), macros));
	else
		ck_assert(milter_mail(&m, from, 1, macros));
	if (strchr("CHM", event))
		return;
	SAY('c');
	bool asks = event == 'R'   ? milter_rcpt(&m, to, 1, macros)
		    : event == 'T' ? milter_data(&m, macros)
		    : event == 'U' ? milter_unknown(&m, SPAN("WHAT"))
		    : event == 'L' ? milter_header(&m, SPAN("A: b\r\n"), macros)
		    : event == 'N' ? milter_eoh(&m, macros)
		    : event == 'B' ? milter_body(&m, SPAN("x"), macros)
				   : milter_eom(&m, macros);
	ck_assert(asks);
}

START_TEST(answers_lead_to_states)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		negotiate(6, MILTER_ACTIONS, 0);
		send_event(verdicts[i].event);
		ck_assert_int_eq(m.awaited, verdicts[i].event);
		char answer = verdicts[i].answer;
		enum milter_result result = answer == 'y' ? say('y', SPAN("550 5.7.1 no\0")) : SAY(answer);
		ck_assert_msg(result == verdicts[i].result && m.state == verdicts[i].state, "row %zu: %d, %d, %s", i,
			      (int)result, (int)m.state, m.words);
		ck_assert(result == MILTER_PROGRESS || !m.awaited);
		ck_assert(result != MILTER_FAULT || strstr(m.words, answer ? (char[]){'\'', answer, '\'', 0} : "0x00"));
	}
}
END_TEST

START_TEST(nothing_is_sent_in_vain)
{
	/* Accepted early: nothing more of the session. */
	negotiate(6, 0, 0);
	send_event('C');
	SAY('a');
	written();
	ck_assert(!milter_helo(&m, SPAN("h"), macros) && !milter_mail(&m, from, 1, macros));
	ck_assert(!milter_unknown(&m, SPAN("WHAT")) && !milter_wants_message(&m));
	milter_abort(&m);
	milter_quit(&m);
	ck_assert_str_eq(written(), "");
	/* Accepted in the message: the next one is shown again. */
	negotiate(6, 0, 0);
	send_event('R');
	SAY('a');
	written();
	ck_assert(!milter_rcpt(&m, to, 1, macros) && !milter_data(&m, macros) && !milter_eoh(&m, macros));
	ck_assert(!milter_header(&m, SPAN("A: b\r\n"), macros) && !milter_body(&m, SPAN("x"), macros));
	ck_assert(!milter_eom(&m, macros) && !milter_wants_message(&m));
	ck_assert_str_eq(written(), "");
	ck_assert(milter_mail(&m, from, 1, (struct milter_macros){0}));
	ck_assert_str_eq(written(), "A DM M<a@a.example>|");
	SAY('c');
	/* Skipped: the rest of the body of this message alone. */
	ck_assert(milter_body(&m, SPAN("x"), macros) && SAY('s') == MILTER_SKIP);
	ck_assert(!milter_body(&m, SPAN("x"), macros) && !milter_wants_body(&m) && milter_eom(&m, macros));
	SAY('c');
	milter_mail(&m, from, 1, macros);
	ck_assert(SAY('c') == MILTER_CONTINUE && milter_wants_body(&m));
	written();
	milter_abort(&m);
	milter_abort(&m);
	ck_assert_str_eq(written(), "A");
	ck_assert(milter_helo(&m, SPAN("again"), (struct milter_macros){0}));
	ck_assert_str_eq(written(), "DH Hagain|");
	/* The end of the session is that of the message. */
	SAY('c');
	milter_mail(&m, from, 1, macros);
	written();
	milter_quit(&m);
	ck_assert_str_eq(written(), "A Q");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_message_goes_through,
				      what_a_filter_does_not_want_is_not_sent,
				      a_mute_filter_is_not_waited_for,
				      old_filters_get_what_they_know,
				      a_filter_has_lists_of_macros,
				      families_of_clients,
				      values_of_fields,
				      large_fields_are_shown_cut,
				      answers_lead_to_states,
				      nothing_is_sent_in_vain};
	return run_tests("smtpd_milter", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
