/*
 * A million random events under random limits of `client`, with a clock that the test moves: connections, messages,
 * recipients, octets and errors, of addresses and users, reloads, workers that die, a smtpd that starts anew. Each one
 * is answered by real sessions and `admit_client`, predicted by `explain relay`, and decided by a second implementation
 * (limits_oracle.h). MAILROOT_SEED repeats a seed that failed.
 */
#include <check.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "smtpd/admit.h"
#include "smtpd/policy/explain_limits.h"
#include "smtpd/serve.h"
#include "t/unit/limits_oracle.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

#ifdef __SANITIZE_ADDRESS__
enum { EVENTS = 100000 };
#else
enum { EVENTS = 1000000 };
#endif
enum { SESSIONS = 24, TEXT = 300 };

/* ck_assert writes into a pipe each time, which would take most of the time of this test. */
#define must(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			ck_abort_msg("%s at %lld ms, heard: %s", #condition, (long long)now_ms, heard);                \
	} while (0)

static char heard[4096];
static bool moved; /* by the test; outside it the clock is that of the system, which Check reads */

/* Takes the place of the function of the C library. */
int clock_gettime(clockid_t which, struct timespec *to)
{
	if (!moved)
		return (int)syscall(SYS_clock_gettime, which, to);
	*to = (struct timespec){.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * ORACLE_NS};
	return 0;
}

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static struct one {
	bool open, got_sender;
	unsigned rcpts, errors, over, user;
	const struct place *place;
	struct session session;
} all[SESSIONS];

static struct config config;
static struct memory_store memory;
static struct store store;
static struct worker_context context;
static int ends[2]; /* of a connection that every client borrows */

static const char *heard_by(struct one *o)
{
	span_copy(str_span(&o->session.out), heard, sizeof(heard));
	str_clear(&o->session.out);
	return heard;
}

static const char *say(struct one *o, const char *line)
{
	session_line(&o->session, span_of(line), false);
	return heard_by(o);
}

static struct policy_client client_of(const struct place *place, unsigned user)
{
	return (struct policy_client){
		.ip = memory_address(place->address), .name_state = POLICY_NAME_UNCONFIRMED, .user = users[user]};
}

/* Appends to REPLY what explain says to one more of KIND; compares what it says of the count. */
static void explain(const struct place *place, unsigned user, size_t kind, struct str *reply)
{
	const struct policy_client client = client_of(place, user);
	struct explained_limit e;
	bool none = kind == EXPLAIN_CONNECTIONS ? !policy.connections : !policy.rule[kind]->count;
	must(explain_limit(&config.servers[0], &client, context.usage, context.clients, kind, now_ms, &e, reply) ==
	     !none);
	if (none)
		return;
	must((e.next == EXPLAIN_EXCEPTED) == in(policy.excepted, place));
	must((e.next == EXPLAIN_REFUSED) == (reply->len > 0));
	if (kind == EXPLAIN_CONNECTIONS)
		return;
	const struct level *level = level_of(place, user, (enum usage_kind)kind);
	must(!strcmp(e.most, policy.rule[kind]->text));
	must(e.used == used_of(level, (enum usage_kind)kind));
	must((e.next == EXPLAIN_FITS) == (!wait_of(level, (enum usage_kind)kind, 1) && !in(policy.excepted, place)));
}

/* What explain predicts for the first of KINDS that refuses; empty = none does. */
static void predict(const struct place *place, unsigned user, const size_t *kinds, size_t n, struct str *reply)
{
	str_init(reply, TEXT * 2);
	for (size_t i = 0; i < n && !reply->len; i++)
		explain(place, user, kinds[i], reply);
}

static void end(struct one *o)
{
	if (!o->open)
		return;
	session_free(&o->session);
	clients_leave(context.clients, (size_t)(o - all));
	o->open = false;
}

/* The session refuses as explain said, or closes with the same words if it was refused too often. */
static void compare_refusal(const struct str *predicted, const char *reply, bool closes)
{
	const char *words = strstr(str_text(predicted), "User");
	if (!closes)
		must(!strncmp(reply, str_text(predicted), predicted->len));
	if (!words)
		words = strstr(str_text(predicted), "Client");
	must(words);
	must(strstr(reply, words) != NULL);
	must(atoi(reply) == (closes ? 421 : 451));
}

static unsigned connections_of(const struct place *place)
{
	unsigned n = 0;
	for (size_t i = 0; i < SESSIONS; i++)
		n += all[i].open && !strcmp(all[i].place->key, place->key);
	return n;
}

static bool oracle_admits(const struct place *place)
{
	unsigned n = connections_of(place) + 1, workers = (unsigned)policy.workers;
	unsigned share = workers == 1 ? 1 : workers - (workers + 9) / 10;
	bool excepted = in(policy.excepted, place), trusted = in(policy.trusted, place);
	unsigned most = trusted || (unsigned)policy.connections > share ? share : (unsigned)policy.connections;
	if (policy.connections && !excepted && n > (policy.log ? share : most))
		return false;
	if (!is_lenient(place) && wait_of(level_of(place, 0, USAGE_ERRORS), USAGE_ERRORS, 1))
		return false;
	return pour(level_of(place, 0, USAGE_CONNECTIONS), USAGE_CONNECTIONS, 1, is_lenient(place)) ||
	       is_lenient(place);
}

static void greet(struct one *o, const struct place *place)
{
	struct ipaddr ip = memory_address(place->address);
	*o = (struct one){.open = true, .place = place, .user = policy.by_user ? below(4) : 0};
	must(session_init(&o->session, &config.servers[0], &store, &ip));
	o->session.usage = context.usage;
	o->session.client.user = users[o->user];
	session_greet(&o->session);
	must(atoi(heard_by(o)) == 220);
	must(atoi(say(o, "HELO c")) == 250);
}

static void connect_at(struct one *o, const struct place *place)
{
	static const size_t kinds[] = {EXPLAIN_CONNECTIONS, USAGE_ERRORS, USAGE_CONNECTIONS};
	const struct serve_tls tls = {0};
	struct ipaddr ip = memory_address(place->address);
	struct str predicted, about;
	int fd = dup(ends[0]);
	must(fd >= 0);
	end(o);
	predict(place, 0, kinds, 3, &predicted);
	str_init(&about, LIMIT_LINE);
	enum reply_id refusal = admit_client(&context, (size_t)(o - all), &ip, &about);
	bool admitted = refusal == REPLY_NONE;
	must(admitted == oracle_admits(place));
	must(admitted == !predicted.len);
	if (admitted) {
		close(fd);
		greet(o, place);
	} else {
		serve_refusal(fd, &tls, live_server(&context.live), refusal, str_span(&about));
		ssize_t n = read(ends[1], heard, sizeof(heard));
		must(n == (ssize_t)predicted.len + 2);
		must(!memcmp(heard, predicted.at, predicted.len));
		clients_leave(context.clients, (size_t)(o - all));
	}
	str_free(&about);
	str_free(&predicted);
}

static void refused(struct one *o, const struct str *predicted, const char *reply, bool counts)
{
	bool closes = counts && ++o->over > LIMIT_OVER;
	compare_refusal(predicted, reply, closes);
	if (closes)
		end(o);
}

static void mail(struct one *o)
{
	static const size_t kinds[] = {USAGE_OCTETS, USAGE_MESSAGES};
	struct level *text = level_of(o->place, o->user, USAGE_OCTETS);
	struct level *messages = level_of(o->place, o->user, USAGE_MESSAGES);
	struct str predicted;
	unsigned declared = below(2) ? below(3000) : 0;
	char line[TEXT] = "MAIL FROM:<>";
	if (declared)
		snprintf(line, sizeof(line), "MAIL FROM:<> SIZE=%u", declared);
	predict(o->place, o->user, kinds, 2, &predicted);
	bool fits = is_lenient(o->place) || !wait_of(text, USAGE_OCTETS, declared ? declared : 1);
	bool accepted = fits && (pour(messages, USAGE_MESSAGES, 1, is_lenient(o->place)) || is_lenient(o->place));
	const char *reply = say(o, line);
	o->got_sender = accepted;
	o->rcpts = 0;
	if (accepted)
		must(atoi(reply) == 250);
	else if (fits || declared <= 1)
		refused(o, &predicted, reply, true);
	else /* explain does not know what is declared */
		must(atoi(reply) == (++o->over > LIMIT_OVER ? 421 : 451));
	if (o->open && o->session.state == SESSION_CLOSED)
		end(o);
	str_free(&predicted);
}

static void rcpt(struct one *o)
{
	static const size_t kinds[] = {USAGE_RECIPIENTS};
	struct level *level = level_of(o->place, o->user, USAGE_RECIPIENTS);
	struct str predicted;
	char line[TEXT];
	snprintf(line, sizeof(line), "RCPT TO:<r%u@example.com>", o->rcpts);
	predict(o->place, o->user, kinds, 1, &predicted);
	bool lenient = is_lenient(o->place);
	bool accepted = pour(level, USAGE_RECIPIENTS, 1, lenient) || lenient;
	const char *reply = say(o, line);
	if (!accepted)
		refused(o, &predicted, reply, false);
	else
		must(atoi(reply) == 250);
	o->rcpts += accepted;
	must(!accepted == (predicted.len > 0));
	str_free(&predicted);
}

static void data(struct one *o)
{
	char text[1100];
	size_t len = 2 * (1 + below(500));
	for (size_t i = 0; i < len; i += 2)
		memcpy(text + i, i % 50 == 48 || i + 2 == len ? "\r\n" : "xx", 2);
	must(atoi(say(o, "DATA")) == 354);
	session_octets(&o->session, (struct span){text, len});
	session_octets(&o->session, SPAN(".\r\n"));
	must(atoi(heard_by(o)) == 250);
	pour(level_of(o->place, o->user, USAGE_OCTETS), USAGE_OCTETS, len, true);
	o->got_sender = false;
	o->rcpts = o->errors = o->over = 0;
}

static void error(struct one *o)
{
	static const size_t kinds[] = {USAGE_ERRORS};
	struct str predicted;
	if (o->errors++ == LIMIT_ERRORS) {
		end(o);
		return;
	}
	predict(o->place, o->user, kinds, 1, &predicted);
	bool lenient = is_lenient(o->place);
	bool goes_on = pour(level_of(o->place, o->user, USAGE_ERRORS), USAGE_ERRORS, 1, lenient) || lenient;
	const char *reply = say(o, "NONSENSE");
	must(!goes_on == (predicted.len > 0));
	if (goes_on) {
		must(atoi(reply) == 500);
	} else {
		compare_refusal(&predicted, reply, true);
		must(session_wants(&o->session) == SESSION_WANTS_CLOSE);
		end(o);
	}
	str_free(&predicted);
}

static void act(struct one *o)
{
	unsigned what = below(12);
	if (!o->open || what == 0)
		connect_at(o, o->open || below(2) ? &places[below(PLACES)] : o->place ? o->place : &places[0]);
	else if (what == 1)
		error(o);
	else if (!o->got_sender)
		mail(o);
	else if (!o->rcpts || (what < 9 && o->rcpts < 50))
		rcpt(o);
	else
		data(o);
}

/* Moves the clock to a millisecond before one more fits for O, and then to that millisecond. */
static void act_at_the_boundary(struct one *o)
{
	enum usage_kind kind = below(USAGE_KINDS);
	if (!o->open)
		return;
	int64_t wait = wait_of(level_of(o->place, o->user, kind), kind, 1);
	const struct policy_client client = client_of(o->place, o->user);
	const struct usage_who who = usage_counted(&config.servers[0], kind, &client.ip, client.user);
	must(usage_wait_ms(context.usage, &who, kind, 1, usage_limit(&config.servers[0], kind), now_ms) == wait);
	for (int i = 0; i < 2; i++) {
		now_ms += i || !wait ? wait > 0 : wait - 1;
		if (!o->open || kind == USAGE_CONNECTIONS)
			connect_at(o, o->place);
		else if (kind == USAGE_ERRORS)
			error(o);
		else if (kind == USAGE_RECIPIENTS && o->got_sender && o->rcpts < 50)
			rcpt(o);
		else if (!o->got_sender)
			mail(o);
	}
}

static const struct rule *some(const struct rule *rules, size_t n)
{
	return &rules[below((unsigned)n)];
}

/* A reload: sessions go on under the new limits. Users exist in every configuration. */
static void reload(void)
{
	static const char *const nets[] = {"", "192.0.2.1", "2001:db8:0:1::/64", "::1"};
	struct config before = config;
	char text[1000];
	for (enum usage_kind kind = 0; kind < USAGE_KINDS; kind++)
		if (!policy.rule[kind] || below(3) == 0)
			policy.rule[kind] = kind == USAGE_OCTETS ? some(octets, sizeof(octets) / sizeof(octets[0]))
								 : some(events, sizeof(events) / sizeof(events[0]));
	policy.by_user = below(2);
	policy.log = below(4) == 0;
	policy.connections = (int)below(5);
	policy.workers = 1 + (int)below(12);
	policy.excepted = nets[below(4)];
	policy.trusted = nets[below(4)];
	char connections[20] = "none";
	if (policy.connections)
		snprintf(connections, sizeof(connections), "%d", policy.connections);
	snprintf(text, sizeof(text),
		 "processes { max %d; spare 1 }\naccess { auth scram-sha-256 }\nrelay { list %s }\n"
		 "client { connections %s; connection_rate %s; messages %s; recipients %s; octets %s; errors %s\n"
		 "except_list %s; by %s; over %s }",
		 policy.workers, *policy.trusted ? policy.trusted : "none", connections,
		 policy.rule[USAGE_CONNECTIONS]->text, policy.rule[USAGE_MESSAGES]->text,
		 policy.rule[USAGE_RECIPIENTS]->text, policy.rule[USAGE_OCTETS]->text, policy.rule[USAGE_ERRORS]->text,
		 *policy.excepted ? policy.excepted : "none", policy.by_user ? "user" : "address",
		 policy.log ? "log" : "tempfail");
	memory_config(text, &config);
	context.live.server = &config.servers[0];
	for (size_t i = 0; i < SESSIONS; i++)
		all[i].session.config = &config.servers[0];
	config_free(&before);
}

/* The parent of smtpd has died, and all its workers with it: everything is counted anew. */
static void begin_anew(void)
{
	for (size_t i = 0; i < SESSIONS; i++)
		end(&all[i]);
	usage_free(context.usage);
	clients_free(context.clients);
	context.usage = usage_new();
	context.clients = clients_new(SESSIONS);
	must(context.usage && context.clients);
	memset(keys, 0, sizeof(keys));
}

static void happen(void)
{
	static const int64_t steps[] = {0, 0, 0, 0, 0, 0, 1, 1, 50, 999, 1000, 1001, 10000, 60000};
	struct one *o = &all[below(SESSIONS)];
	unsigned what = below(1000);
	if (what == 0)
		reload();
	else if (what == 1 && below(20) == 0)
		begin_anew();
	else if (what < 20)
		end(o); /* it quits, or its worker dies and the parent clears its slot */
	else if (what < 120)
		act_at_the_boundary(o);
	else
		act(o);
	now_ms += steps[below(sizeof(steps) / sizeof(steps[0]))];
}

START_TEST(three_answers_are_one)
{
	const char *given = getenv("MAILROOT_SEED");
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)getpid() * UINT64_C(0x9e3779b97f4a7c15) | 1;
	log_set_level(LOG_LEVEL_ERROR);
	printf("MAILROOT_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	moved = true;
	store = memory_store_init(&memory);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	reload();
	begin_anew();
	for (int i = 0; i < EVENTS; i++)
		happen();
	begin_anew();
	usage_free(context.usage);
	clients_free(context.clients);
	config_free(&config);
	memory_store_free(&memory);
	moved = false;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("smtpd_limits_oracle");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, three_answers_are_one);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
