/* Sessions with filters: what filters see, which mail, and what they refuse. */
#include "t/unit/filter_session_fixture.h"

START_TEST(test_sees)
{
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEQ");
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "C [10.1.2.3]|4\x12\x67"
							   "10.1.2.3|\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "H client.test|\nM <a@client.test>|\nR <b@example.com>|\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&one->seen), "L Subject|one|\nL X-Old|yes|\nN \nB hello\r\n\nE "));
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(own_header(), TEXT);
}
END_TEST

/* The reply after each command that is refused; commands are 0 greeting, 1 EHLO, 2 MAIL, 3 RCPT, 4 DATA, 5 text. */
static const struct {
	char command;
	char answer;
	size_t reply;
	int code;
} refusals[] = {
	{'C', 'r', 0, 554}, {'C', 't', 0, 421}, {'C', 'f', 0, 421}, {'C', '4', 0, 421}, {'H', 'r', 1, 550},
	{'H', 't', 1, 421}, {'H', '4', 1, 421}, {'M', 'r', 2, 550}, {'M', 't', 2, 451}, {'M', '4', 2, 421},
	{'R', 'r', 3, 550}, {'R', 't', 3, 451}, {'R', '4', 3, 421}, {'T', 'r', 4, 550}, {'T', 't', 4, 451},
	{'L', 'r', 5, 550}, {'L', 't', 5, 451}, {'N', 'r', 5, 550}, {'B', 't', 5, 451}, {'E', 'r', 5, 550},
	{'E', 't', 5, 451}, {'E', '4', 5, 421},
};

START_TEST(test_refuses)
{
	fake_answer(one, refusals[_i].command, refusals[_i].answer, "", 0);
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_msg(code(refusals[_i].reply) == refusals[_i].code, "%c %c: the replies are\n%s", refusals[_i].command,
		      refusals[_i].answer, str_text(&replies));
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

/* A filter that accepts early sees no more of the session, or of the message. */
START_TEST(test_accepts)
{
	static const char *const letters[] = {"OC",
					      "OCH",
					      "OCHMAMAQ",
					      "OCHMRAMRAQ",
					      "OCHMRTAMRTAQ",
					      "OCHMRTLAMRTLAQ",
					      "OCHMRTLLNAMRTLLNAQ",
					      "OCHMRTLLNBAMRTLLNBAQ",
					      "OCHMRTLLNBEMRTLLNBEQ"};
	fake_answer(one, "CHMRTLNBE"[_i], 'a', "", 0);
	run(FILTER "}", HELLO MESSAGE MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), letters[_i]);
	ck_assert_int_eq(memory.stored, 2);
	ck_assert_str_eq(own_header(), TEXT);
}
END_TEST

/* A refused sender costs the filter no message: the next one begins anew. */
START_TEST(test_after_refused_sender)
{
	fake_answer(one, 'M', 'r', "", 0);
	begin(FILTER "}");
	say(HELLO MAIL);
	str_clear(&one->answers['M']);
	say(MESSAGE QUIT);
	finish();
	ck_assert_int_eq(code(2), 550);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_str_eq(str_text(&one->letters), "OCHMAMRTLLNBEQ");
}
END_TEST

START_TEST(test_own_reply)
{
	FAKE_ANSWER(one, 'R', 'y', "550-5.7.99 First\r\n550 5.7.99 100%% sure\0");
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_ptr_nonnull(strstr(str_text(&replies), "\n550-5.7.99 First\r\n550 5.7.99 100% sure\r\n"));
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_discards)
{
	fake_answer(one, "MRTLNBE"[_i], 'd', "", 0);
	run(FILTER "}", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 0);
	ck_assert_int_eq(code(5), 250);
}
END_TEST

/* A reload counts from the next message of an open session on. */
START_TEST(test_live_policy)
{
	struct config newer;
	memory_config(FILTER "}", &newer);
	begin("");
	say(HELLO MESSAGE MAIL);
	session.config = &newer.servers[0];
	say(RCPT DATA);
	ck_assert_str_eq(str_text(&one->letters), "");
	say(MESSAGE);
	session.config = &config.servers[0];
	say(MESSAGE QUIT);
	finish();
	ck_assert_int_eq(memory.stored, 4);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEQ");
	config_free(&newer);
}
END_TEST

START_TEST(test_macros)
{
	struct policy_client client = {.ip = memory_address("2001:db8::1"), .name_state = POLICY_NAME_CONFIRMED};
	struct address sender, rcpt;
	struct macros macros;
	struct str text;
	const char *why;
	snprintf(client.name, sizeof(client.name), "client.test");
	client.user = "u";
	ck_assert(address_parse(SPAN("a@client.test"), &sender, &why) &&
		  address_parse(SPAN("b@Example.com"), &rcpt, &why));
	memory_config("", &config);
	macros_make(&macros, &(struct macros_facts){.config = &config.servers[0],
						    .client = &client,
						    .client_text = "2001:db8::1",
						    .client_port = 4711,
						    .daemon = "2001:db8::2",
						    .daemon_port = 25,
						    .tls_version = "TLSv1.3",
						    .tls_cipher = "X",
						    .tls_bits = 128,
						    .auth_type = "PLAIN",
						    .id = "ID",
						    .sender = &sender,
						    .rcpt = &rcpt});
	str_init(&text, 4096);
	for (size_t i = 0; i < macros.count; i++)
		if (strcmp(macros.list[i].name, "v") != 0)
			str_printf(&text, "%s=%.*s ", macros.list[i].name, SPAN_ARGS(macros.list[i].value));
	ck_assert_str_eq(
		str_text(&text),
		"j=mail.example.com {daemon_name}=mail.example.com {daemon_addr}=2001:db8::2 {daemon_port}=25 "
		"_=client.test [2001:db8::1] {client_addr}=IPv6:2001:db8::1 {client_port}=4711 {client_name}=client.test "
		"{client_ptr}=client.test {client_resolve}=OK {tls_version}=TLSv1.3 {cipher}=X {cipher_bits}=128 i=ID "
		"{auth_type}=PLAIN {auth_authen}=u {mail_addr}=a@client.test {mail_host}=client.test {mail_mailer}=smtp "
		"{rcpt_addr}=b@Example.com {rcpt_host}=Example.com {rcpt_mailer}=local ");
	str_free(&text);
	ck_assert(address_parse(SPAN(""), &sender, &why));
	macros_make(&macros, &(struct macros_facts){.config = &config.servers[0],
						    .client = &client,
						    .client_text = "2001:db8::1",
						    .sender = &sender});
	ck_assert_str_eq(macros.list[macros.count - 2].name, "{mail_host}");
	ck_assert(span_equal(macros.list[macros.count - 2].value, SPAN("mail.example.com")));
	ck_assert(!macros.list[macros.count - 3].value.len);
}
END_TEST

START_TEST(test_first_refuses)
{
	struct fake *two = fake_begin(1, "two");
	FAKE_ANSWER(one, 'E', 'r', "");
	run(FILTER "}\nfilter two { address inet:127.0.0.1:2 }", HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&two->letters), "OCHMRTAQ");
	ck_assert_int_eq(memory.stored, 0);
}
END_TEST

START_TEST(test_skipped)
{
	static const char *const lines[] = {"skip_list 10.0.0.0/8 }", "only pickup sendmail }"};
	char text[200];
	snprintf(text, sizeof(text), "%s%s", FILTER, lines[_i]);
	one->absent = ECONNREFUSED;
	run(text, HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

START_TEST(test_many_messages)
{
	run(FILTER "}", HELLO MESSAGE MAIL RCPT "RSET\r\n" MESSAGE HELLO MESSAGE QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRTLLNBEMRAMRTLLNBEHMRTLLNBEQ");
	ck_assert_int_eq(memory.stored, 3);
}
END_TEST

START_TEST(test_starttls)
{
	begin(FILTER "}");
	session.tls.offered = true;
	say(HELLO "STARTTLS\r\n");
	session_secured(&session, &(struct session_tls){.on = true, .version = "TLSv1.3", .cipher = "X", .bits = 128});
	say(HELLO MESSAGE QUIT);
	finish();
	ck_assert_str_eq(str_text(&one->letters), "OCHHMRTLLNBEQ");
	ck_assert_ptr_nonnull(
		strstr(str_text(&one->macros), "D H{tls_version}|TLSv1.3|{cipher}|X|{cipher_bits}|128|\n"));
}
END_TEST

START_TEST(test_refused_recipients)
{
	one->protocol = MILTER_REFUSED_RCPTS;
	run(FILTER "}", HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" RCPT DATA QUIT);
	ck_assert_str_eq(str_text(&one->letters), "OCHMRRTLLNBEQ");
	ck_assert_ptr_nonnull(strstr(str_text(&one->macros), "{rcpt_host}|5.7.1|{rcpt_mailer}|error|\n"));
	ck_assert_int_eq(memory.stored, 1);
}
END_TEST

/* What a filter answers to a refused recipient counts, too; another refusal changes nothing. */
START_TEST(test_answers_to_refused_recipients)
{
	static const struct {
		char answer;
		const char *letters;
		int code;
		unsigned stored;
	} answers[] = {{'d', "OCHMRAQ", 250, 0}, {'4', "OCHMR", 421, 0}, {'a', "OCHMRAQ", 250, 1}};
	one->protocol = MILTER_REFUSED_RCPTS;
	fake_answer(one, 'R', answers[_i].answer, "", 0);
	run(FILTER "}", HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" RCPT DATA);
	ck_assert_str_eq(str_text(&one->letters), answers[_i].letters);
	ck_assert_int_eq(code(3), 550);
	ck_assert_int_eq(last_code(), answers[_i].code);
	ck_assert_int_eq(memory.stored, answers[_i].stored);
}
END_TEST

static unsigned waits_told;

static void note_wait(void *context, const char *name)
{
	(void)context;
	waits_told += name != NULL;
}

START_TEST(test_tells_each_wait)
{
	struct filter_services services = fake_services;
	services.waiting = note_wait;
	one->protocol = MILTER_REFUSED_RCPTS;
	waits_told = 0;
	begin(FILTER "}");
	filters.services = &services;
	say(HELLO MAIL "RCPT TO:<x@elsewhere.test>\r\n" QUIT);
	finish();
	ck_assert_str_eq(str_text(&one->letters), "OCHMRAQ");
	ck_assert_uint_eq(waits_told, sizeof("HMR") - 1);
}
END_TEST

/* Without filters there is nothing to wait for, and nothing changes. */
START_TEST(test_none)
{
	run("", HELLO MESSAGE QUIT);
	ck_assert_int_eq(memory.stored, 1);
	ck_assert_ptr_null(filters.list);
}
END_TEST

int main(void)
{
	static const struct filter_test tests[] = {
		{&test_sees, 0},
		{&test_refuses, (int)(sizeof(refusals) / sizeof(refusals[0]))},
		{&test_accepts, 9},
		{&test_after_refused_sender, 0},
		{&test_own_reply, 0},
		{&test_discards, 7},
		{&test_live_policy, 0},
		{&test_macros, 0},
		{&test_first_refuses, 0},
		{&test_skipped, 2},
		{&test_many_messages, 0},
		{&test_starttls, 0},
		{&test_refused_recipients, 0},
		{&test_answers_to_refused_recipients, 3},
		{&test_tells_each_wait, 0},
		{&test_none, 0},
	};
	return run_filter_tests("smtpd_filters", tests, sizeof(tests) / sizeof(tests[0]));
}
