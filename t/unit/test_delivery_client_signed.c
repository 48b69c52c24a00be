/* What the client makes of signatures: once for a job, in front of its message, counted in SIZE; or the mail waits. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "delivery/auth/signer_process.h"
#include "delivery/smtp/sign.h"
#include "t/unit/client_fixture.h"

#define HEADER "From: a@example.com\r\nSubject: x\r\n\r\n"

static struct config config;
static struct signer_key key = {.algorithm = DKIM_ED25519_SHA256};
static struct signer signer = {.link = -1, .keys = &key, .n = 1};
static struct signing signing = {.signer = &signer};
static struct security block;

static uint32_t allowed; /* questions to the signer of this test */

/*
 * The client has a link to a signer, this end of which is returned; the client may ask it ANSWERS questions. Their
 * serial numbers go on from test to test in one process, so there is an answer to each that may come.
 */
static int set_signer(struct fixture *f, uint32_t answers)
{
	struct config_report report = {0};
	struct signer_answer answer = {0};
	int ends[2];
	str_init(&report.text, 1000);
	struct config_tree *tree = config_read_text(
		"test.conf", SPAN("virtual_server test { dkim example.com { selector m1 /key } }"), &report);
	ck_assert(config_build(tree, "host.example.com", &config, &report));
	config_tree_free(tree);
	str_free(&report.text);
	signer.server = &config.servers[0];
	key.selector = signer.server->dkims[0].selector.at;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	allowed = answers;
	for (answer.serial = 1; answers && answer.serial <= 32; answer.serial++)
		ck_assert_int_eq(send(ends[1], &answer, SIGNER_ANSWER_HEAD + 64, 0), SIGNER_ANSWER_HEAD + 64);
	signing.link = ends[0];
	f->job.signing = &signing;
	return ends[1];
}

static void forget_signer(int end)
{
	struct signer_question question;
	uint32_t asked = 0;
	while (recv(end, &question, sizeof(question), MSG_DONTWAIT) > 0)
		asked++;
	ck_assert_uint_le(asked, allowed);
	close(end);
	close(signing.link);
	config_free(&config);
}

static void finish(struct fixture *f, struct server *s)
{
	client_quit(&f->client);
	pthread_join(s->thread, NULL);
	ck_assert_str_eq(s->wrong, "");
	close(s->listener);
}

START_TEST(one_signature_serves_all_transactions)
{
	static const char script[] = HELLO
		"C MAIL FROM:<a@example.com> SIZE=\nC RCPT TO:<b@example.net>\nC RCPT TO:<b@example.net>\nC DATA\n"
		"S 250 ok\nS 250 ok\nS 452 later\nS 354 go\nB\nS 250 2.0.0 taken\n" ACCEPT "C QUIT\n";
	struct fixture f;
	struct server s;
	set_up(&f, 2);
	set_message(&f, SPAN(HEADER ".dot\r\n"));
	int end = set_signer(&f, 1);
	server_start(&s, script);
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	expect(&f, 1, JOURNAL_DELIVERED, 250, "taken");
	ck_assert_str_eq(f.client.report.signed_by, "example.com/m1");
	ck_assert_uint_eq(f.client.outgoing.added, f.client.outgoing.front.len);
	finish(&f, &s);
	struct span sent = str_span(&s.body), field = str_span(&f.client.outgoing.front);
	size_t each = field.len + strlen(HEADER "..dot\r\n.\r\n");
	ck_assert_uint_eq(sent.len, each); /* of the second transaction */
	ck_assert_mem_eq(sent.at, field.at, field.len);
	ck_assert_mem_eq(sent.at + field.len, HEADER "..dot\r\n", strlen(HEADER "..dot\r\n"));
	str_free(&s.body);
	forget_signer(end);
	tear_down(&f);
}
END_TEST

/* A host that must see no connection. */
static int add_silent_host(struct fixture *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	f->job.timeout_ms = 500; /* for a client that waits for the greeting */
	add_host(f, "mx", ntohs(at.sin_port));
	return listener;
}

static void saw_no_connection(struct fixture *f, int listener)
{
	ck_assert_int_eq(f->client.fd, -1);
	ck_assert_int_eq(accept(listener, NULL, NULL), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_str_eq(f->client.report.signed_by, "");
	close(listener);
}

START_TEST(mail_waits_without_a_connection)
{
	struct fixture f;
	set_up(&f, 2);
	set_message(&f, SPAN(HEADER));
	int end = set_signer(&f, 0);
	shutdown(end, SHUT_RDWR);
	int listener = add_silent_host(&f);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 451, "the process that signs mail (DKIM) gives no signature");
	expect(&f, 1, JOURNAL_DELAYED, 451, "the process that signs mail (DKIM) gives no signature");
	saw_no_connection(&f, listener);
	forget_signer(end);
	tear_down(&f);
}
END_TEST

/* Otherwise the header would go out unsigned, and with the address that send_as hides. */
START_TEST(mail_waits_for_a_header_that_cannot_be_read)
{
	struct fixture f;
	set_up(&f, 1);
	set_message(&f, SPAN("From: a@example.com\r\nSubj"));
	f.job.size += 10;
	int end = set_signer(&f, 1);
	int listener = add_silent_host(&f);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 451, "the message file is shorter than its name says");
	saw_no_connection(&f, listener);
	forget_signer(end);
	tear_down(&f);
}
END_TEST

/* The log names no signature where nothing was sent. */
START_TEST(a_host_that_cannot_be_reached_gets_no_signature)
{
	struct fixture f;
	set_up(&f, 1);
	set_message(&f, SPAN(HEADER));
	int end = set_signer(&f, 1);
	int listener = add_silent_host(&f);
	close(listener);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELAYED, 0, "could not connect");
	ck_assert_str_eq(f.client.report.signed_by, "");
	forget_signer(end);
	tear_down(&f);
}
END_TEST

START_TEST(a_block_may_say_no)
{
	struct fixture f;
	struct server s;
	set_up(&f, 1);
	set_message(&f, SPAN(HEADER));
	int end = set_signer(&f, 1);
	block.outbound.dkim = CONFIG_NO;
	f.job.security = &block;
	server_start(&s, HELLO ENVELOPE "S 354 go\nB\nS 250 2.0.0 taken\nC QUIT\n");
	add_host(&f, "mx", s.port);
	deliver(&f);
	expect(&f, 0, JOURNAL_DELIVERED, 250, "taken");
	finish(&f, &s);
	ck_assert(span_equal(str_span(&s.body), SPAN(HEADER ".\r\n")));
	ck_assert_str_eq(f.client.report.signed_by, "");
	str_free(&s.body);
	forget_signer(end);
	tear_down(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_signed");
	TCase *tc = tcase_create("client_signed");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_signature_serves_all_transactions);
	tcase_add_test(tc, mail_waits_without_a_connection);
	tcase_add_test(tc, mail_waits_for_a_header_that_cannot_be_read);
	tcase_add_test(tc, a_host_that_cannot_be_reached_gets_no_signature);
	tcase_add_test(tc, a_block_may_say_no);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
