/* Passwords that a KDC checks, as a session sees them; the test replaces mailroot-kerberos. */
#include "smtpd/auth/kerberos.h"

#include <check.h>
#include <pthread.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log_level.h"
#include "common/ipc/ipc.h"
#include "smtpd/auth/sasl.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"
#include "t/unit/wire_sample.h"

static struct auth_memory memory;
static struct auth_users users;
static struct auth *auth;
static struct config config;
static struct policy_client client;
static struct auth_peer peer;
static struct auth_identity identity;
static pthread_t directory;
static int ends[2]; /* of the link: smtpd, the directory */
static _Atomic unsigned asked;
static _Atomic enum passwords_event event; /* the answer to all but right passwords */
static _Atomic unsigned deaths;            /* over so many of the next questions */

/* Every user has the password "right", but carol is unknown. */
static void answer(const struct wire_password_of *q, int fd)
{
	bool unknown = span_equal(q->name, SPAN("carol"));
	bool right = span_equal(q->password, SPAN("right")) && !unknown;
	struct wire_password_fits fits = {.event = right ? PASSWORDS_RIGHT : unknown ? PASSWORDS_UNKNOWN : event};
	struct str packet;
	if (right)
		fits.principal = span_equal(q->name, SPAN("dave@other.test")) ? SPAN("dave@OTHER.TEST")
				 : span_equal(q->name, SPAN("far"))           ? SPAN("far@ELSEWHERE.TEST")
									      : SPAN("alice@EXAMPLE.COM");
	else
		fits.why = SPAN("so it is");
	str_init(&packet, 2000);
	ck_assert(wire_encode_password_fits(&fits, &packet));
	ck_assert_int_eq(ipc_send(fd, str_span(&packet), NULL, 0), 0);
	str_free(&packet);
}

static void *serve(void *nothing)
{
	char buffer[4096];
	struct ipc_packet packet;
	struct wire_password_of q;
	while (ipc_receive(ends[1], buffer, sizeof(buffer), 0, &packet) == 0 && !packet.eof) {
		asked++;
		if (deaths)
			deaths--;
		else if (wire_decode_password_of(packet.text, &q) && packet.fd_count == 1)
			answer(&q, packet.fds[0]);
		ipc_packet_close(&packet);
	}
	return nothing;
}

static void setup_with(const char *access)
{
	char text[400];
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(text, sizeof(text),
		 "access { auth plain login scram-sha-256 gssapi; auth_requires_tls no; keytab /k; %s }", access);
	memory_config(text, &config);
	client = (struct policy_client){.ip = memory_address("192.0.2.1")};
	peer = (struct auth_peer){.config = &config.servers[0], .client = &client};
	users = auth_memory_users(&memory);
	auth_memory_add(&memory, "bob", "of the file", 1000);
	auth = auth_new(&users, NULL, 10);
	ck_assert(auth != NULL);
	ck_assert_int_eq(ipc_pair(ends, 100000), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[0], true), 0);
	auth_set_passwords_link(auth, ends[0]);
	asked = deaths = 0;
	event = PASSWORDS_WRONG;
	ck_assert_int_eq(pthread_create(&directory, NULL, serve, NULL), 0);
}

static void teardown(void)
{
	close(ends[0]);
	pthread_join(directory, NULL);
	close(ends[1]);
	auth_free(auth);
	auth_memory_free(&memory);
	config_free(&config);
}

static enum auth_result login(const char *from, const char *name, const char *password)
{
	struct str challenge, text;
	client.ip = memory_address(from);
	str_init(&challenge, AUTH_CHALLENGE_MAX);
	str_init(&text, 2000);
	str_append_c(&text, '\0');
	str_append_text(&text, name);
	str_append_c(&text, '\0');
	str_append_text(&text, password);
	struct auth_exchange *x = auth_begin(auth, &peer, AUTH_METHOD_PLAIN);
	enum auth_result result = auth_step(x, true, str_span(&text), &challenge);
	auth_identify(x, &identity);
	auth_end(x);
	str_free(&text);
	str_free(&challenge);
	return result;
}

#define HERE "192.0.2.1"

/* The session has the canonical name, however the client writes it, so no rule for the user can be evaded. */
START_TEST(the_user_is_canonical)
{
	static const struct {
		const char *typed, *user;
	} names[] = {{"alice", "alice"},
		     {"a.smith@corp.test", "alice"},
		     {"EXAMPLE\\ALICE", "alice"},
		     {"dave@other.test", "dave@OTHER.TEST"}};
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM OTHER.TEST");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int cached = 0; cached < 2; cached++) {
			ck_assert_int_eq(login(HERE, names[i].typed, "right"), AUTH_DONE);
			ck_assert_str_eq(identity.user, names[i].user);
			ck_assert(!identity.has_account && auth_holds(auth, &identity));
		}
	ck_assert_uint_eq(asked, 4); /* the second time the KDC is not asked */
	ck_assert_int_eq(login(HERE, "far", "right"), AUTH_FAILED);
	teardown();
}
END_TEST

START_TEST(without_a_realm_the_user_has_one)
{
	setup_with("passwords kerberos");
	ck_assert_int_eq(login(HERE, "alice", "right"), AUTH_DONE);
	ck_assert_str_eq(identity.user, "alice@EXAMPLE.COM");
	ck_assert_int_eq(login(HERE, "far", "right"), AUTH_DONE);
	teardown();
}
END_TEST

START_TEST(what_is_never_asked)
{
	char password[300];
	memset(password, 'x', sizeof(password));
	password[sizeof(password) - 1] = '\0';
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM");
	ck_assert_int_eq(login(HERE, "alice", ""), AUTH_FAILED);
	ck_assert_int_eq(login(HERE, "alice", password), AUTH_FAILED);
	ck_assert_int_eq(login(HERE, "smtp/alice", "right"), AUTH_FAILED);
	ck_assert_int_eq(login(HERE, "a@b@c", "right"), AUTH_FAILED);
	ck_assert_int_eq(login(HERE, "@example.com", "right"), AUTH_FAILED);
	ck_assert_uint_eq(asked, 0);
	ck_assert_ptr_nonnull(kerberos_refuses(SPAN("alice"), SPAN("a\0b")));
	ck_assert_ptr_null(kerberos_refuses(SPAN("alice"), SPAN("a")));
	teardown();
}
END_TEST

/* The first source that knows the user decides. */
START_TEST(the_order_counts)
{
	setup_with("passwords file kerberos; kerberos_realm EXAMPLE.COM");
	ck_assert_int_eq(login(HERE, "bob", "of the file"), AUTH_DONE);
	ck_assert(identity.has_account);
	ck_assert_int_eq(login(HERE, "bob", "right"), AUTH_FAILED);
	ck_assert_uint_eq(asked, 0);
	ck_assert_int_eq(login(HERE, "alice", "right"), AUTH_DONE);
	teardown();
	setup_with("passwords kerberos file; kerberos_realm EXAMPLE.COM");
	auth_memory_add(&memory, "carol", "of the file", 1000);
	ck_assert_int_eq(login(HERE, "bob", "right"), AUTH_DONE);
	ck_assert_int_eq(login(HERE, "bob", "of the file"), AUTH_FAILED);
	for (int i = 0; i < 5; i++) /* questions about a user that the directory does not have do not run out */
		ck_assert_int_eq(login(HERE, "carol", "of the file"), AUTH_DONE);
	ck_assert_str_eq(identity.user, "carol");
	ck_assert_int_eq(login(HERE, "carol", "right"), AUTH_FAILED);
	teardown();
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM");
	ck_assert_int_eq(login(HERE, "carol", "right"), AUTH_FAILED);
	event = PASSWORDS_REFUSED;
	ck_assert_int_eq(login(HERE, "bob", "of the file"), AUTH_FAILED);
	event = PASSWORDS_UNAVAILABLE;
	ck_assert_int_eq(login(HERE, "bob", "of the file"), AUTH_UNAVAILABLE);
	teardown();
}
END_TEST

/* PLAIN needs no account here, and SCRAM does. */
START_TEST(what_is_offered)
{
	static const struct {
		const char *access;
		bool missing; /* there is no account file */
		enum auth_permission plain, scram;
	} offers[] = {
		{"passwords kerberos", false, AUTH_PERMITTED, AUTH_UNKNOWN},
		{"passwords kerberos", true, AUTH_PERMITTED, AUTH_UNKNOWN},
		{"passwords file kerberos", false, AUTH_PERMITTED, AUTH_PERMITTED},
		{"passwords file kerberos", true, AUTH_PERMITTED, AUTH_UNKNOWN},
		{"passwords file", true, AUTH_UNKNOWN, AUTH_UNKNOWN},
	};
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		setup_with(offers[i].access);
		memory.missing = offers[i].missing;
		ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_PLAIN), offers[i].plain);
		ck_assert_int_eq(auth_permits(auth, &peer, AUTH_METHOD_SCRAM_SHA_256), offers[i].scram);
		teardown();
	}
}
END_TEST

/* Whatever strangers do, the directory hears of three wrong passwords, and a known client is let in. */
START_TEST(guessing_stops_before_the_directory)
{
	static const char *const forms[] = {"alice", "ALICE", "alice@example.com", "X\\alice", "alice@y.test"};
	char from[20];
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM");
	ck_assert_int_eq(login(HERE, "alice", "right"), AUTH_DONE);
	for (int i = 0; i < 20; i++) {
		snprintf(from, sizeof(from), "198.51.100.%d", i);
		ck_assert_int_eq(login(from, forms[i % 5], "guess"), i < 3 ? AUTH_FAILED : AUTH_UNAVAILABLE);
	}
	ck_assert_uint_eq(asked, 4);
	ck_assert_int_eq(login("203.0.113.1", "alice", "right"), AUTH_DONE);          /* known for some minutes */
	ck_assert_int_eq(login("198.51.100.30", "alice", "guess"), AUTH_UNAVAILABLE); /* the directory counts on */
	ck_assert_uint_eq(asked, 4);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(login(HERE, "alice", "old"), i < 3 ? AUTH_FAILED : AUTH_UNAVAILABLE);
	ck_assert_int_eq(login("203.0.113.2", "bob", "right"), AUTH_DONE);
	teardown();
}
END_TEST

/* While the KDC is away, no user loses a try. */
START_TEST(an_outage_is_no_guess)
{
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM; kerberos_guesses 1/30m");
	event = PASSWORDS_UNAVAILABLE;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(login(HERE, "alice", "any"), AUTH_UNAVAILABLE);
	ck_assert_uint_eq(asked, 5);
	event = PASSWORDS_WRONG;
	ck_assert_int_eq(login(HERE, "alice", "any"), AUTH_FAILED);
	ck_assert_int_eq(login(HERE, "alice", "right"), AUTH_UNAVAILABLE);
	ck_assert_uint_eq(asked, 6);
	teardown();
	setup_with("passwords kerberos; kerberos_guesses none");
	for (int i = 0; i < 10; i++)
		login("192.0.2.77", "alice", "any");
	ck_assert_uint_eq(asked, 10);
	teardown();
}
END_TEST

/* The KDC may have heard a question over which the process died: it counts, and so does each repetition. */
START_TEST(a_lost_question_counts)
{
	setup_with("passwords kerberos; kerberos_realm EXAMPLE.COM; kerberos_guesses 2/30m");
	deaths = 9;
	ck_assert_int_eq(login(HERE, "alice", "any"), AUTH_UNAVAILABLE);
	ck_assert_uint_eq(asked, 2);
	deaths = 0;
	ck_assert_int_eq(login(HERE, "alice", "any"), AUTH_UNAVAILABLE);
	ck_assert_uint_eq(asked, 2);
	deaths = 1;
	ck_assert_int_eq(login(HERE, "bob", "right"), AUTH_DONE);
	ck_assert_uint_eq(asked, 4);
	teardown();
	setup_with("passwords kerberos; kerberos_guesses none");
	deaths = 9;
	ck_assert_int_eq(login(HERE, "alice", "any"), AUTH_UNAVAILABLE);
	ck_assert_uint_eq(asked, 3);
	teardown();
}
END_TEST

/* The time of a refusal does not tell whether the file, the directory or nothing has the user. */
START_TEST(refusals_take_equally_long)
{
	static const char *const names[] = {"bob", "alice", "carol"};
	setup_with("passwords file kerberos");
	for (size_t i = 0; i < 3; i++) {
		int64_t start = clock_mono_ms();
		ck_assert_int_eq(login(HERE, names[i], "wrong"), AUTH_FAILED);
		ck_assert_int_ge(clock_mono_ms() - start, 300);
	}
	teardown();
}
END_TEST

START_TEST(answers_are_checked)
{
	static const struct {
		struct wire_password_fits fits;
		enum passwords_event event;
	} answers[] = {
#define TEXT(literal) {literal, sizeof(literal) - 1}
		{{PASSWORDS_RIGHT, TEXT("a@B"), TEXT("")}, PASSWORDS_RIGHT},
		{{PASSWORDS_RIGHT, TEXT(""), TEXT("")}, PASSWORDS_UNAVAILABLE},
		{{PASSWORDS_WRONG, TEXT("a@B"), TEXT("")}, PASSWORDS_UNAVAILABLE},
		{{PASSWORDS_WRONG, TEXT(""), TEXT("x")}, PASSWORDS_WRONG},
		{{7, TEXT(""), TEXT("x")}, PASSWORDS_UNAVAILABLE},
#undef TEXT
	};
	struct kerberos_answer out;
	struct str packet;
	str_init(&packet, 10000);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		str_clear(&packet);
		ck_assert(wire_encode_password_fits(&answers[i].fits, &packet));
		kerberos_take(str_span(&packet), &out);
		ck_assert_int_eq(out.event, answers[i].event);
	}
	WIRE_EACH_FOREIGN(type, WIRE_LINK_passwords, WIRE_DOWN)
	{
		wire_sample(type, &packet);
		kerberos_take(str_span(&packet), &out);
		ck_assert_int_eq(out.event, PASSWORDS_UNAVAILABLE);
	}
	str_free(&packet);
}
END_TEST

/* Principals that are no names of users here. */
START_TEST(odd_principals)
{
	static const struct config_words none;
	char user[ACCOUNT_NAME_MAX + 1];
	ck_assert_ptr_nonnull(kerberos_user("a\\@b@EXAMPLE.COM", &none, user));
	ck_assert_ptr_nonnull(kerberos_user("alice", &none, user));
	ck_assert_ptr_nonnull(kerberos_user("@EXAMPLE.COM", &none, user));
	ck_assert_ptr_null(kerberos_user("alice@EXAMPLE.COM", &none, user));
}
END_TEST

START_TEST(without_the_process)
{
	static const struct config_words none;
	struct kerberos_answer out;
	kerberos_ask(-1, SPAN("alice"), &none, SPAN("right"), clock_mono_ms() + 1000, &out);
	ck_assert_int_eq(out.event, PASSWORDS_UNAVAILABLE);
	ck_assert_str_eq(out.why, "can't ask mailroot-kerberos");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_kerberos");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_user_is_canonical);
	tcase_add_test(tcase, without_a_realm_the_user_has_one);
	tcase_add_test(tcase, what_is_never_asked);
	tcase_add_test(tcase, the_order_counts);
	tcase_add_test(tcase, what_is_offered);
	tcase_add_test(tcase, guessing_stops_before_the_directory);
	tcase_add_test(tcase, an_outage_is_no_guess);
	tcase_add_test(tcase, a_lost_question_counts);
	tcase_add_test(tcase, refusals_take_equally_long);
	tcase_add_test(tcase, answers_are_checked);
	tcase_add_test(tcase, odd_principals);
	tcase_add_test(tcase, without_the_process);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
