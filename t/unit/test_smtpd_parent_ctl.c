/* What a parent answers mailrootctl: explain, status, sessions, kick. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "t/unit/parent_fixture.h"

static unsigned explain(int link, const char *address, const char *rcpt, struct str *rows)
{
	struct str request;
	struct wire_explain_relay explain = {.client = span_of(address), .recipient = span_of(rcpt)};
	str_init(&request, 4096);
	str_init(rows, 1 << 16);
	ck_assert(wire_encode_explain_relay(&explain, &request));
	unsigned exit_code = ask(link, &request, rows);
	str_free(&request);
	return exit_code;
}

#define SHARE                                                                                                          \
	"client_limit|nine of ten of processes max\x1f"                                                                \
	"10.0.0.1\x1f"                                                                                                 \
	"900\x1f"                                                                                                      \
	"0\x1f"                                                                                                        \
	"fits\x1f\n"

START_TEST(test_explain)
{
	static const struct {
		const char *client, *rcpt, *rows;
		unsigned exit_code;
	} cases[] = {
		{"10.0.0.1", "u@example.net",
		 "verdictaccepted\x1f"
		 "250 2.1.5 u@example.net\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:7\x1f"
		 "client is in relay list 10.0.0.0/8, allow is only-listed: accepted\n" SHARE
		 "to refuse it, remove 10.0.0.0/8 from relay list at test.conf:7",
		 0},
		{"10.0.0.1", "u",
		 "verdictaccepted\x1f"
		 "250 2.1.5 u@example.com\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:6\x1f"
		 "example.com is the default domain: accepted\n" SHARE
		 "to refuse it, write connect { list 10.0.0.1 } in virtual_server test at test.conf:4",
		 0},
		{"192.0.2.1", "u@example.net",
		 "verdictrefused\x1f"
		 "550 5.7.1 Unable to relay for u@example.net\n"
		 "rule|"
		 "client is not in connect list, allow is all-except-listed: may connect\n"
		 "ruletest.conf:7\x1f"
		 "client is not in relay list, allow is only-listed: refused\n"
		 "client_limit|connections\x1f"
		 "192.0.2.1\x1f"
		 "50\x1f"
		 "0\x1f"
		 "fits\x1f\n"
		 "to permit it, add 192.0.2.1 to relay list at test.conf:7",
		 1},
		{"printer", "u@example.net",
		 "the client must be an address such as 192.0.2.1 or 2001:db8::1, its name a host name such as host.example.com, its user graphic ASCII",
		 2},
		{"10.0.0.1", "", "501 5.1.3 Invalid address: no recipient", 2},
	};
	struct str rows;
	start("relay { list 10.0.0.0/8 }");
	int link = attach();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_uint_eq(explain(link, cases[i].client, cases[i].rcpt, &rows), cases[i].exit_code);
		ck_assert_str_eq(str_text(&rows), cases[i].rows);
		str_free(&rows);
	}
	close(link);
	stop();
}
END_TEST

START_TEST(test_status)
{
	struct str request, rows;
	start("processes { spare 2; max 7 }");
	str_init(&request, 100);
	str_init(&rows, 1 << 16);
	int fd = client(), link = attach();
	hear(fd, "220 ");
	ck_assert(wire_encode_smtpd_status(&(struct wire_smtpd_status){.detail = true}, &request));
	ck_assert_uint_eq(ask(link, &request, &rows), 0);
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "factsessions\x1f"
						      "1\n"));
	ck_assert_ptr_nonnull(strstr(str_text(&rows), "factmax\x1f"
						      "7\n"));
	close(fd);
	/* A malformed request ends its link and affects nothing else. */
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_send(link, SPAN("\xff junk"), NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(link, buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert(packet.eof);
	close(link);
	fd = client();
	hear(fd, "220 ");
	close(fd);
	str_free(&request);
	str_free(&rows);
	stop();
}
END_TEST

/* Cell N of the row that begins with BEGIN. */
static struct span cell_of(const struct str *rows, const char *begin, unsigned n)
{
	const char *at = strstr(str_text(rows), begin);
	ck_assert_msg(at != NULL, "no %s in %s", begin, str_text(rows));
	struct span row = span_of(at + strlen(begin));
	while (n--)
		span_take(&row, 0x1f);
	return span_take(&row, 0x1f);
}

static void ask_sessions(int link, struct str *rows)
{
	struct str request;
	str_init(&request, 100);
	str_clear(rows);
	ck_assert(wire_encode_smtpd_sessions(&(struct wire_smtpd_sessions){.from = 0}, &request));
	ck_assert_uint_eq(ask(link, &request, rows), 0);
	str_free(&request);
}

static void kick(int link, struct span id, struct str *rows)
{
	struct str request;
	str_init(&request, 100);
	str_clear(rows);
	ck_assert(wire_encode_smtpd_kick(&(struct wire_smtpd_kick){.id = id}, &request));
	ck_assert_uint_eq(ask(link, &request, rows), 0);
	str_free(&request);
}

/* One worker, so the second session has the same slot, worker and pid as the first. */
START_TEST(test_kick)
{
	struct str rows;
	char id[64];
	start("processes { spare 1; max 1 }");
	str_init(&rows, 1 << 16);
	int link = attach(), fd = client();
	hear(fd, "220 ");
	say(fd, "EHLO c\r\nMAIL FROM:<a@example.com>\r\n");
	hear(fd, "Sender OK");
	ask_sessions(link, &rows);
	span_clean(cell_of(&rows, "session", 0), id, sizeof(id));
	ck_assert(span_equal(cell_of(&rows, "session", 1), SPAN("127.0.0.1")));
	ck_assert(span_equal(cell_of(&rows, "session", 3), SPAN("sender given")));
	kick(link, SPAN("1-1"), &rows);
	ck_assert_str_eq(str_text(&rows), "count0\n");
	say(fd, "NOOP\r\n");
	hear(fd, "250 2.0.0 OK");
	kick(link, span_of(id), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	hear(fd, "421 4.3.2 ");
	close(fd);
	fd = client_with_a_place();
	kick(link, span_of(id), &rows);
	ck_assert_str_eq(str_text(&rows), "count0\n");
	say(fd, "HELO c\r\n");
	hear(fd, "250 ");
	kick(link, SPAN(""), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	hear(fd, "421 4.3.2 ");
	close(fd);
	close(link);
	str_free(&rows);
	stop();
}
END_TEST

/* A message that is being received is accepted before the session ends. */
START_TEST(test_kick_after_the_message)
{
	struct str rows;
	start("");
	str_init(&rows, 1 << 16);
	int link = attach(), fd = client();
	hear(fd, "220 ");
	say(fd, "EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n");
	hear(fd, "354 ");
	say(fd, "one\r\n");
	kick(link, SPAN(""), &rows);
	ck_assert_str_eq(str_text(&rows), "count1\n");
	say(fd, "two\r\n.\r\n");
	hear(fd, "250 2.6.0 ");
	hear(fd, "421 4.3.2 ");
	close(fd);
	close(link);
	str_free(&rows);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_parent_ctl");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_explain);
	tcase_add_test(tcase, test_status);
	tcase_add_test(tcase, test_kick);
	tcase_add_test(tcase, test_kick_after_the_message);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
