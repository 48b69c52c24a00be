/* The question for the name of a client; the test replaces the resolver. */
#include "smtpd/policy/names.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/ipc/ipc.h"
#include "smtpd/protocol/limits.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static int link_ends[2]; /* the ends of the worker and of the resolver */

static struct policy_client ask(void)
{
	struct names names = names_of_resolver(&link_ends[0]);
	struct policy_client client = {.ip = memory_address("::ffff:10.1.2.3")};
	names.look_up(names.context, &client);
	return client;
}

/* The socket for the answer to the next question, which must have the address of our client. */
static int question(void)
{
	char buffer[1000];
	struct ipc_packet packet;
	struct wire_name_of wire;
	ck_assert_int_eq(ipc_receive(link_ends[1], buffer, sizeof(buffer), 0, &packet), 0);
	ck_assert(wire_decode_name_of(packet.text, &wire));
	ck_assert(span_equal(wire.address, SPAN("10.1.2.3")));
	ck_assert_uint_eq(packet.fd_count, 1);
	return packet.fds[0];
}

static void answer(int fd, const char *name, const char *why)
{
	const struct wire_named named = {span_of(name), span_of(why)};
	struct str packet;
	str_init(&packet, 1000);
	ck_assert(wire_encode_named(&named, &packet));
	ck_assert_int_eq(ipc_send(fd, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
	close(fd);
}

static void *resolver(void *run)
{
	((void (*)(void))run)();
	return NULL;
}

/* The result for a session while RUN acts as the resolver. */
static struct policy_client ask_of(void (*run)(void))
{
	pthread_t thread;
	ck_assert_int_eq(ipc_pair(link_ends, 100000), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, resolver, (void *)run), 0);
	struct policy_client client = ask();
	pthread_join(thread, NULL);
	close(link_ends[0]);
	close(link_ends[1]);
	return client;
}

static void say_name(void)
{
	answer(question(), "Host.Example.COM", "");
}

static void say_why(void)
{
	answer(question(), "", "the address has no name in DNS");
}

static void say_no_name(void)
{
	answer(question(), "a\nb", "");
}

static void say_junk(void)
{
	int fd = question();
	ck_assert_int_eq(ipc_send(fd, SPAN("junk"), NULL, 0), 0);
	close(fd);
}

/* The resolver dies at the first question; the next resolver answers. */
static void die_once(void)
{
	close(question());
	say_name();
}

static void die(void)
{
	close(question());
	close(question());
	close(question());
}

START_TEST(a_packet_for_others_is_no_answer)
{
	struct policy_client client = {0};
	struct str packet;
	str_init(&packet, 1000);
	WIRE_EACH_FOREIGN(type, WIRE_LINK_names, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		names_take(str_span(&packet), &client);
		ck_assert_str_eq(client.why, "the resolver sent a malformed answer");
	}
	str_free(&packet);
}
END_TEST

static void confirmed(struct policy_client client)
{
	ck_assert_int_eq(client.name_state, POLICY_NAME_CONFIRMED);
	ck_assert_str_eq(client.name, "host.example.com");
	ck_assert_str_eq(client.why, "");
}

static void unconfirmed(struct policy_client client, const char *why)
{
	ck_assert_int_eq(client.name_state, POLICY_NAME_UNCONFIRMED);
	ck_assert_str_eq(client.name, "");
	ck_assert_str_eq(client.why, why);
}

START_TEST(test_answers)
{
	confirmed(ask_of(say_name));
	unconfirmed(ask_of(say_why), "the address has no name in DNS");
	unconfirmed(ask_of(say_no_name), "the resolver sent a malformed answer");
	unconfirmed(ask_of(say_junk), "the resolver sent a malformed answer");
}
END_TEST

START_TEST(test_restart)
{
	confirmed(ask_of(die_once));
	unconfirmed(ask_of(die), "can't ask the resolver");
}
END_TEST

/* Without a resolver the session continues after five seconds. */
START_TEST(test_silence)
{
	ck_assert_int_eq(ipc_pair(link_ends, 100000), 0);
	int64_t start = clock_mono_ms();
	unconfirmed(ask(), "the resolver did not answer in time");
	int64_t took = clock_mono_ms() - start;
	ck_assert_int_ge(took, LIMIT_NAME_MS);
	ck_assert_int_lt(took, LIMIT_NAME_MS + 2000);
}
END_TEST

START_TEST(test_no_link)
{
	link_ends[0] = -1;
	unconfirmed(ask(), "can't ask the resolver");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_names");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_packet_for_others_is_no_answer);
	tcase_add_test(tcase, test_answers);
	tcase_add_test(tcase, test_restart);
	tcase_add_test(tcase, test_silence);
	tcase_add_test(tcase, test_no_link);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
