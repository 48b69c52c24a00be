/* Edits and faults: what a filter sends at the end of the message, or unasked. */
#include "t/unit/milter_fixture.h"

START_TEST(edits_are_collected)
{
	negotiate(6, MILTER_ACTIONS, 0);
	go_to_eom();
	ck_assert(say('h', SPAN("X-A\0one\0")) == MILTER_EDIT);
	ck_assert(say('i', SPAN("\0\0\0\0X-B\0two\0")) == MILTER_EDIT);
	ck_assert(say('m', SPAN("\0\0\0\1Subject\0\0")) == MILTER_EDIT);
	ck_assert(say('+', SPAN("<c@c.example>\0")) == MILTER_EDIT && !m.words[0]);
	ck_assert(say('2', SPAN("<d@d.example>\0NOTIFY=NEVER\0")) == MILTER_EDIT && !m.words[0]);
	ck_assert(say('2', SPAN("<e@e.example>\0")) == MILTER_EDIT && !m.words[0]);
	ck_assert(say('2', SPAN("<f@f.example>\0BY=10\0")) == MILTER_EDIT);
	ck_assert_str_eq(m.words,
			 "sent a packet '2' (add recipient with parameters) that has parameters of a recipient "
			 "that have no effect");
	ck_assert(say('-', SPAN("<b@b.example>\0")) == MILTER_EDIT);
	ck_assert(say('e', SPAN("<s@s.example>\0SIZE=1\0")) == MILTER_EDIT && m.words[0]);
	ck_assert(say('q', SPAN("virus\0")) == MILTER_EDIT);
	ck_assert(SAY('p') == MILTER_PROGRESS);
	ck_assert(say('b', SPAN("new ")) == MILTER_BODY && span_equal(m.piece, SPAN("new ")));
	ck_assert(SAY('p') == MILTER_PROGRESS);
	ck_assert(say('b', SPAN("body")) == MILTER_BODY && span_equal(m.piece, SPAN("body")));
	ck_assert(SAY('c') == MILTER_CONTINUE && m.words[0]);
	ck_assert(m.edits.field_count == 3 && m.edits.sender && m.edits.body && m.edits.quarantine);
	ck_assert_ptr_nonnull(m.edits.added->next->next->next);
	ck_assert_uint_eq(m.edits.added->next->dsn.notify, DSN_NEVER);
	milter_mail(&m, from, 1, macros);
	ck_assert(edits_none(&m.edits));
}
END_TEST

START_TEST(the_blank_is_ours_or_the_filters)
{
	for (int asked = 0; asked < 2; asked++) {
		negotiate(6, MILTER_ACTIONS, asked ? MILTER_LEADING_SPACE : 0);
		go_to_eom();
		say('h', SPAN("X\0 y\0"));
		ck_assert(span_equal(m.edits.fields->value, asked ? SPAN(" y") : SPAN("  y")));
	}
}
END_TEST

static const struct {
	char letter;
	struct span data;
	const char *words;
} faults[] = {
	{'h', SPAN("X-A\0one"), "sent a packet 'h' (add field) that is too short"},
	{'h', SPAN("X-A\0one\0more"), "sent a packet 'h' (add field) that has data after its end"},
	{'h', SPAN("X:A\0one\0"), "sent a packet 'h' (add field) that has no valid name of a field"},
	{'h', SPAN("\0one\0"), "sent a packet 'h' (add field) that has no valid name of a field"},
	{'i', SPAN("\0\0\0"), "sent a packet 'i' (insert field) that is too short"},
	{'i', SPAN("\xff\xff\xff\xffX\0one\0"), "sent a packet 'i' (insert field) that has an index beyond 2147483647"},
	{'m', SPAN("\xff\xff\xff\xffX\0one\0"), "sent a packet 'm' (change field) that has an index beyond 2147483647"},
	{'+', SPAN("<c@c.example"), "sent a packet '+' (add recipient) that is too short"},
	{'+', SPAN("<c@c.example>\0NOTIFY=NEVER\0"), "sent a packet '+' (add recipient) that has data after its end"},
	{'+', SPAN("c c\0"), "sent a packet '+' (add recipient) that has no valid address"},
	{'-', SPAN("c c\0"), "sent a packet '-' (remove recipient) that has no valid address"},
	{'2', SPAN("c\0NOTIFY=NEVER"), "sent a packet '2' (add recipient with parameters) that is too short"},
	{'e', SPAN("<s@@s>\0"), "sent a packet 'e' (change sender) that has no valid address"},
	{'e', SPAN(""), "sent a packet 'e' (change sender) that is too short"},
	{'c', SPAN("x"), "sent a packet 'c' (continue) that has data"},
	{'p', SPAN("x"), "sent a packet 'p' (progress) that has data"},
	{'y', SPAN("250 2.0.0 fine\0"),
	 "sent a packet 'y' (reply) that has a line that does not begin with a code of 400 to 599"},
	{'s', SPAN(""), "answered 'E' (end of message) with 's' (skip), which is not permitted"},
	{'Z', SPAN(""), "answered 'E' (end of message) with 'Z' (unknown), which is not permitted"},
};

START_TEST(faults_name_the_packet)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		negotiate(6, MILTER_ACTIONS, 0);
		go_to_eom();
		ck_assert_msg(say(faults[i].letter, faults[i].data) == MILTER_FAULT, "row %zu", i);
		ck_assert_str_eq(m.words, faults[i].words);
		ck_assert(!milter_mail(&m, from, 1, macros) && m.state == MILTER_DOWN);
		written();
		milter_quit(&m);
		ck_assert_str_eq(written(), "");
	}
}
END_TEST

START_TEST(an_edit_needs_its_action)
{
	static const struct {
		char letter;
		struct span data;
		uint32_t action;
	} rows[] = {
		{'h', SPAN("X\0y\0"), MILTER_ADD_FIELDS},
		{'i', SPAN("\0\0\0\1X\0y\0"), MILTER_ADD_FIELDS},
		{'m', SPAN("\0\0\0\1X\0y\0"), MILTER_CHANGE_FIELDS},
		{'b', SPAN("x"), MILTER_CHANGE_BODY},
		{'+', SPAN("a@a.example\0"), MILTER_ADD_RCPTS},
		{'2', SPAN("a@a.example\0"), MILTER_ADD_RCPTS_PAR},
		{'-', SPAN("a@a.example\0"), MILTER_REMOVE_RCPTS},
		{'e', SPAN("a@a.example\0"), MILTER_CHANGE_SENDER},
		{'q', SPAN("why\0"), MILTER_QUARANTINE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int asked = 0; asked < 2; asked++) {
			negotiate(6, asked ? rows[i].action : MILTER_ACTIONS & ~rows[i].action, 0);
			go_to_eom();
			ck_assert_int_eq(say(rows[i].letter, rows[i].data) != MILTER_FAULT, asked);
			ck_assert(asked || strstr(m.words, "did not ask in the negotiation"));
		}
}
END_TEST

START_TEST(a_body_in_parts_is_a_fault)
{
	negotiate(6, MILTER_ACTIONS, 0);
	go_to_eom();
	ck_assert(say('b', SPAN("x")) == MILTER_BODY && say('h', SPAN("X\0y\0")) == MILTER_EDIT);
	ck_assert(say('b', SPAN("x")) == MILTER_FAULT);
	ck_assert_ptr_nonnull(strstr(m.words, "'b' (replace body)"));
}
END_TEST

START_TEST(what_nothing_asked_for_is_a_fault)
{
	negotiate(6, MILTER_ACTIONS, MILTER_MUTE_MAIL);
	ck_assert(!milter_mail(&m, from, 1, macros));
	ck_assert(SAY('c') == MILTER_FAULT);
	ck_assert_str_eq(m.words, "sent 'c' (continue), which nothing asked for");
	negotiate(6, MILTER_ACTIONS, 0);
	go_to_eom();
	ck_assert(SAY('c') == MILTER_CONTINUE && SAY('r') == MILTER_FAULT);
	/* The first packet is the choice of the filter. */
	milter_free(&m);
	milter_init(&m);
	ck_assert(SAY('c') == MILTER_FAULT);
	ck_assert_str_eq(m.words, "answered 'O' (negotiation) with 'c' (continue), which is not permitted");
}
END_TEST

START_TEST(a_length_out_of_bounds_is_a_fault_at_once)
{
	size_t taken;
	negotiate(6, MILTER_ACTIONS, 0);
	go_to_eom();
	ck_assert(milter_take(&m, SPAN("\x80\0\0\0"), &taken) == MILTER_FAULT);
	ck_assert_str_eq(m.words,
			 "sent a packet of 2147483648 octets (permitted: 1 to 131070) after 'E' (end of message)");
}
END_TEST

START_TEST(a_filter_that_is_gone)
{
	negotiate(6, MILTER_ACTIONS, 0);
	go_to_eom();
	milter_down(&m, "closed the connection");
	ck_assert_str_eq(m.words, "closed the connection after 'E' (end of message)");
	ck_assert(!milter_mail(&m, from, 1, macros));
	negotiate(6, MILTER_ACTIONS, 0);
	milter_down(&m, "closed the connection");
	ck_assert_str_eq(m.words, "closed the connection");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {edits_are_collected,
				      the_blank_is_ours_or_the_filters,
				      faults_name_the_packet,
				      an_edit_needs_its_action,
				      a_body_in_parts_is_a_fault,
				      what_nothing_asked_for_is_a_fault,
				      a_length_out_of_bounds_is_a_fault_at_once,
				      a_filter_that_is_gone};
	return run_tests("smtpd_milter_answers", tests, sizeof(tests) / sizeof(tests[0]), setup, teardown);
}
