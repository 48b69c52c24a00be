/*
 * A million questions "may this client send to this recipient?", each answered three times: by a real session on the
 * configuration that a child gets, by what `explain relay` calls, and by an oracle that knows only the documented order
 * (settings.md "Relay order") and reads no configuration. A seed that failed can be given as MAILROOT_SEED.
 */
#include <check.h>

#include "common/base/clock.h"
#include "smtpd/explain.h"
#include "t/unit/smtpd_memory.h"

#ifdef __SANITIZE_ADDRESS__
enum { POLICIES = 200 }; /* ten times as slow */
#else
enum { POLICIES = 2100 };
#endif

enum {
	CLIENTS = 32,    /* sessions of one policy */
	RECIPIENTS = 15, /* of one session: below what is refused before the session ends */
	ENTRIES = 6,
	DOMAINS = 5,
	NAME_MAX_OCTETS = 64
};

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

/* --- what a policy says, as the oracle sees it --- */

struct entry {
	char name[NAME_MAX_OCTETS]; /* "" = a network */
	bool v6;
	unsigned char base[16]; /* of the family: 4 or 16 octets */
	unsigned bits;
	unsigned line;
};

struct twin {
	bool only_listed;
	unsigned allow_line; /* 0 = not written */
	struct entry entries[ENTRIES];
	size_t n;
};

struct domain {
	char name[NAME_MAX_OCTETS];
	bool relay;
	unsigned line;
};

struct policy {
	struct twin connect, relay;
	struct domain local[DOMAINS], alias[DOMAINS], remote[DOMAINS];
	size_t locals, aliases, remotes;
};

struct question {
	bool v6;
	unsigned char octets[16];
	char name[NAME_MAX_OCTETS]; /* "" = unconfirmed */
	char domain[NAME_MAX_OCTETS];
};

/* --- the oracle --- */

static size_t length(const char *text)
{
	size_t n = 0;
	while (text[n])
		n++;
	return n;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool ends_in(const char *name, const char *end)
{
	size_t a = length(name), b = length(end);
	for (size_t i = 0; i < b; i++)
		if (b > a || lower(name[a - 1 - i]) != lower(end[b - 1 - i]))
			return false;
	return true;
}

static bool is(const char *name, const char *other)
{
	return length(name) == length(other) && ends_in(name, other);
}

static bool fits(const char *pattern, const char *name)
{
	if (is(pattern, "*"))
		return true;
	if (pattern[0] == '*')
		return length(name) > length(pattern) - 1 && ends_in(name, pattern + 1);
	return is(pattern, name);
}

static bool in_network(const struct entry *entry, const struct question *q)
{
	if (entry->v6 != q->v6)
		return false;
	for (unsigned bit = 0; bit < entry->bits; bit++) {
		unsigned char mask = (unsigned char)(128 >> bit % 8);
		if ((entry->base[bit / 8] & mask) != (q->octets[bit / 8] & mask))
			return false;
	}
	return true;
}

/* Addresses are looked for first, then names. */
static const struct entry *listed(const struct twin *twin, const struct question *q)
{
	for (size_t i = 0; i < twin->n; i++)
		if (twin->entries[i].name[0] ? is(twin->entries[i].name, "*") : in_network(&twin->entries[i], q))
			return &twin->entries[i];
	for (size_t i = 0; i < twin->n; i++)
		if (twin->entries[i].name[0] && q->name[0] && fits(twin->entries[i].name, q->name))
			return &twin->entries[i];
	return NULL;
}

static unsigned list_line(const struct twin *twin, const struct question *q)
{
	const struct entry *entry = listed(twin, q);
	if (entry)
		return entry->line;
	return twin->n ? twin->entries[0].line : twin->allow_line;
}

static bool may(const struct twin *twin, const struct question *q)
{
	return twin->only_listed ? listed(twin, q) != NULL : listed(twin, q) == NULL;
}

static const struct domain *named(const struct domain *list, size_t n, const struct question *q)
{
	for (size_t i = 0; i < n; i++)
		if (is(list[i].name, q->domain))
			return &list[i];
	return NULL;
}

/* Exact before patterns, then the longest. */
static const struct domain *remote_of(const struct policy *p, const struct question *q)
{
	const struct domain *best = NULL;
	for (size_t i = 0; i < p->remotes; i++) {
		const struct domain *this = &p->remote[i];
		if (!fits(this->name, q->domain))
			continue;
		if (is(this->name, q->domain))
			return this;
		if (!best || length(this->name) > length(best->name))
			best = this;
	}
	return best;
}

enum verdict { ACCEPTED, STAMPED, REFUSED, NOT_CONNECTED };

static bool may_not_connect(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->connect, q);
	return !may(&p->connect, q);
}

static bool no_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	(void)p;
	*line = 4;
	return !q->domain[0];
}

static bool default_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	(void)p;
	*line = 4;
	return is(q->domain, "example.com");
}

static bool local_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = named(p->local, p->locals, q);
	*line = found ? found->line : 0;
	return found != NULL;
}

static bool alias_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = named(p->alias, p->aliases, q);
	*line = found ? found->line : 0;
	return found != NULL;
}

static bool remote_with_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = remote_of(p, q);
	*line = found ? found->line : 0;
	return found && found->relay;
}

static bool client_may_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->relay, q);
	return may(&p->relay, q);
}

static bool nobody_said_yes(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->relay, q);
	return true;
}

static const struct {
	bool (*applies)(const struct policy *p, const struct question *q, unsigned *line);
	enum verdict verdict;
} documented_order[] = {
	{may_not_connect, NOT_CONNECTED}, {no_domain, STAMPED},       {default_domain, ACCEPTED},
	{local_domain, ACCEPTED},         {alias_domain, STAMPED},    {remote_with_relay, ACCEPTED},
	{client_may_relay, ACCEPTED},     {nobody_said_yes, REFUSED},
};

static enum verdict oracle(const struct policy *p, const struct question *q, unsigned *line)
{
	size_t i = 0;
	while (!documented_order[i].applies(p, q, line))
		i++;
	return documented_order[i].verdict;
}

/* --- making policies and questions, with few parts so that they meet often --- */

static const char *random_name(char *to)
{
	static const char *const labels[] = {"a", "b", "mail"}, *const tops[] = {"test", "example", "a.test"};
	unsigned n = below(3);
	*to = '\0';
	for (unsigned i = 0; i <= n; i++) {
		strcat(to, labels[below(3)]);
		strcat(to, ".");
	}
	return strcat(to, tops[below(3)]);
}

static void random_pattern(char *to)
{
	strcpy(to, one_in(2) ? "*." : "");
	if (one_in(8))
		strcat(to, "test");
	else
		random_name(to + strlen(to));
	if (one_in(20))
		strcpy(to, "*");
}

static void random_address(struct question *q)
{
	static const unsigned char v4[][4] = {{10, 0, 0, 0}, {10, 1, 128, 0}, {192, 0, 2, 0}, {127, 0, 0, 0}};
	static const unsigned char v6[] = {0x20, 0x01, 0x0d, 0xb8};
	memset(q->octets, 0, sizeof(q->octets));
	q->v6 = one_in(3);
	if (q->v6)
		memcpy(q->octets, v6, sizeof(v6));
	else
		memcpy(q->octets, v4[below(4)], 4);
	q->octets[5] = (unsigned char)(q->v6 ? below(3) : 0);
	q->octets[q->v6 ? 15 : 3] = (unsigned char)below(4);
	q->octets[q->v6 ? 8 : 2] ^= (unsigned char)(one_in(4) ? 1 + below(255) : 0);
}

static void address_text(const struct question *q, char *to)
{
	struct ipaddr ip = {{[10] = 0xff, [11] = 0xff}};
	memcpy(ip.octets + (q->v6 ? 0 : 12), q->octets, q->v6 ? 16 : 4);
	ipaddr_format(&ip, to);
}

/* A network around an address, as a person may write it. */
static void random_network(struct entry *entry, char *text)
{
	static const unsigned v4_bits[] = {0, 8, 9, 15, 16, 24, 30, 31, 32}, v6_bits[] = {0, 31, 32, 48, 65, 127, 128};
	struct question around;
	char address[IPADDR_TEXT_MAX];
	random_address(&around);
	entry->v6 = around.v6;
	entry->bits = entry->v6 ? v6_bits[below(7)] : v4_bits[below(9)];
	for (unsigned bit = entry->bits; bit < 128; bit++)
		around.octets[bit / 8] &= (unsigned char)~(128 >> bit % 8);
	memcpy(entry->base, around.octets, sizeof(entry->base));
	address_text(&around, address);
	unsigned mask = entry->bits ? ~0U << (32 - entry->bits % 33) : 0;
	if (!entry->v6 && entry->bits == 32)
		mask = ~0U;
	if (!entry->v6 && one_in(3))
		snprintf(text, NAME_MAX_OCTETS, "%s/%u.%u.%u.%u", address, mask >> 24, mask >> 16 & 255,
			 mask >> 8 & 255, mask & 255);
	else if (!entry->v6 && one_in(4))
		snprintf(text, NAME_MAX_OCTETS, "::ffff:%s/%u", address, entry->bits + 96);
	else if (entry->bits == (entry->v6 ? 128 : 32) && one_in(2))
		snprintf(text, NAME_MAX_OCTETS, "%s", address);
	else
		snprintf(text, NAME_MAX_OCTETS, "%s/%u", address, entry->bits);
}

struct writer {
	struct str text;
	unsigned line;
};

static unsigned put(struct writer *w, const char *before, const char *value, const char *after)
{
	str_printf(&w->text, "%s%s%s\n", before, value, after);
	return w->line++;
}

static void random_twin(struct writer *w, const char *block, bool relay, struct twin *twin)
{
	char text[NAME_MAX_OCTETS];
	*twin = (struct twin){.only_listed = relay};
	put(w, block, relay ? " { open_relay_intended yes" : " {", "");
	if (one_in(2)) {
		twin->only_listed = one_in(2);
		twin->allow_line = put(w, "allow ", twin->only_listed ? "only-listed" : "all-except-listed", "");
	}
	size_t n = below(ENTRIES + 1);
	if (!relay && twin->only_listed && !n)
		n = 1;
	while (twin->n < n) {
		struct entry *entry = &twin->entries[twin->n];
		if (one_in(3))
			random_pattern(entry->name);
		else
			random_network(entry, text);
		if (!relay && !twin->only_listed && is(entry->name, "*"))
			strcpy(entry->name, "a.test");
		entry->line = put(w, "list ", entry->name[0] ? entry->name : text, "");
		twin->n++;
	}
	put(w, "}", "", "");
}

static bool taken(const struct policy *p, const char *name)
{
	const struct question q = {.domain = ""};
	struct question asked = q;
	snprintf(asked.domain, sizeof(asked.domain), "%s", name);
	return named(p->local, p->locals, &asked) || named(p->alias, p->aliases, &asked) ||
	       named(p->remote, p->remotes, &asked);
}

static void random_domains(struct writer *w, struct policy *p)
{
	char name[NAME_MAX_OCTETS];
	for (unsigned n = below(3 * DOMAINS); n > 0; n--) {
		unsigned kind = below(4);
		struct domain *to = kind == 0   ? &p->local[p->locals]
				    : kind == 1 ? &p->alias[p->aliases]
						: &p->remote[p->remotes];
		size_t *count = kind == 0 ? &p->locals : kind == 1 ? &p->aliases : &p->remotes;
		if (kind < 2)
			random_name(name);
		else
			random_pattern(name);
		if (*count == DOMAINS || taken(p, name))
			continue;
		strcpy(to->name, name);
		to->relay = kind >= 2 && one_in(2);
		to->line = put(w,
			       kind == 0   ? "local_domain "
			       : kind == 1 ? "alias_domain "
					   : "remote_domain ",
			       name,
			       kind == 0   ? " { }"
			       : kind == 1 ? ""
			       : to->relay ? " { relay yes }"
			       : one_in(2) ? " { relay no }"
					   : " { }");
		(*count)++;
	}
}

/* The policy and, built as a child builds it, its configuration. */
static void random_policy(struct policy *p, struct config *config)
{
	struct writer w = {.line = 5};
	struct str canonical;
	struct config whole;
	str_init(&w.text, 1 << 16);
	*p = (struct policy){0};
	random_twin(&w, "connect", false, &p->connect);
	random_domains(&w, p);
	random_twin(&w, "relay", true, &p->relay);
	memory_config(str_text(&w.text), &whole); /* dies when the whole file would be refused */
	config_free(&whole);
	memory_canonical("", str_text(&w.text), &canonical);
	ck_assert(config_parse_canonical(str_span(&canonical), config));
	str_free(&canonical);
	str_free(&w.text);
}

static void random_domain(const struct policy *p, struct question *q)
{
	switch (below(8)) {
	case 0:
		strcpy(q->domain, one_in(2) ? "" : "Example.COM");
		break;
	case 1:
		strcpy(q->domain, "[192.0.2.1]");
		break;
	case 2:
		if (p->remotes) {
			const char *pattern = p->remote[below((unsigned)p->remotes)].name;
			snprintf(q->domain, sizeof(q->domain), "%s%s", one_in(2) ? "" : "b.",
				 pattern[0] != '*' ? pattern
				 : pattern[1]      ? pattern + 2
						   : "x");
			break;
		}
		/* fall through */
	default:
		random_name(q->domain);
	}
	if (one_in(4) && q->domain[0] >= 'a' && q->domain[0] <= 'z')
		q->domain[0] = (char)(q->domain[0] - 32);
}

/* --- the three answers, side by side --- */

static void give_name(void *context, struct policy_client *client)
{
	const struct question *q = context;
	ck_assert_int_eq(client->name_state, POLICY_NAME_UNCONFIRMED);
	if (!q->name[0])
		return;
	client->name_state = POLICY_NAME_CONFIRMED;
	snprintf(client->name, sizeof(client->name), "%s", q->name);
}

struct asked {
	const struct config_server *server;
	const struct policy *policy;
	struct session session;
	struct question q;
	struct ipaddr ip;
};

/* The session's replies since the last look. */
static const char *heard(struct asked *a)
{
	static char text[4096];
	span_copy(str_span(&a->session.out), text, sizeof(text));
	str_clear(&a->session.out);
	return text;
}

static void compare_explain(struct asked *a, enum verdict expected, unsigned line, const char *reply)
{
	struct explanation e;
	struct address rcpt;
	struct policy_client client = {.ip = a->ip, .name_state = POLICY_NAME_UNCONFIRMED};
	char text[2 * NAME_MAX_OCTETS];
	const char *why = "";
	struct str said;
	if (a->q.name[0])
		give_name(&a->q, &client);
	snprintf(text, sizeof(text), a->q.domain[0] ? "u@%s" : "u", a->q.domain);
	ck_assert(address_parse(span_of(text), &rcpt, &why));
	explain_decide(a->server, &client, rcpt.domain, &e);
	ck_assert_int_eq(e.accepted, expected == ACCEPTED || expected == STAMPED);
	ck_assert_int_eq(e.connect.accepted, expected != NOT_CONNECTED);
	const struct policy_decision *last = e.connect.accepted ? &e.relay : &e.connect;
	ck_assert_uint_eq(last->steps[last->step_count - 1].origin->line, line);
	str_init(&said, 4096);
	explain_reply(&e, &rcpt, &said);
	ck_assert_str_eq(str_text(&said), reply);
	str_free(&said);
}

static void compare_recipient(struct asked *a)
{
	char command[2 * NAME_MAX_OCTETS], reply[4 * NAME_MAX_OCTETS];
	unsigned line;
	random_domain(a->policy, &a->q);
	const char *domain = a->q.domain;
	enum verdict expected = oracle(a->policy, &a->q, &line);
	snprintf(command, sizeof(command), domain[0] ? "RCPT TO:<u@%s>" : "RCPT TO:<u>", domain);
	session_line(&a->session, span_of(command), false);
	if (expected == STAMPED)
		snprintf(reply, sizeof(reply), "250 2.1.5 u@example.com\r\n");
	else if (expected == ACCEPTED)
		snprintf(reply, sizeof(reply), "250 2.1.5 u@%s\r\n", domain);
	else
		snprintf(reply, sizeof(reply), "550 5.7.1 Unable to relay for u@%s\r\n", domain);
	ck_assert_str_eq(heard(a), reply);
	compare_explain(a, expected, line, reply);
}

static void compare_client(struct asked *a)
{
	char address[IPADDR_TEXT_MAX], reply[NAME_MAX_OCTETS * 2];
	unsigned line;
	session_greet(&a->session);
	if (oracle(a->policy, &a->q, &line) == NOT_CONNECTED) {
		ipaddr_format(&a->ip, address);
		snprintf(reply, sizeof(reply), "554 5.7.1 Client [%s] may not connect to this server\r\n", address);
		ck_assert_str_eq(heard(a), reply);
		ck_assert_int_eq(session_wants(&a->session), SESSION_WANTS_CLOSE);
		for (int i = 0; i < RECIPIENTS; i++) {
			random_domain(a->policy, &a->q);
			compare_explain(a, NOT_CONNECTED, line, reply);
		}
		return;
	}
	ck_assert(memcmp(heard(a), "220 ", 4) == 0);
	session_line(&a->session, SPAN("HELO c"), false);
	session_line(&a->session, SPAN("MAIL FROM:<>"), false);
	heard(a);
	for (int i = 0; i < RECIPIENTS; i++)
		compare_recipient(a);
}

static void compare_policy(const struct policy *p, const struct config_server *server, const struct store *store)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct asked a = {.server = server, .policy = p};
		const struct names names = {&a.q, give_name};
		char address[IPADDR_TEXT_MAX];
		random_address(&a.q);
		if (one_in(2))
			random_name(a.q.name);
		address_text(&a.q, address);
		a.ip = memory_address(address);
		ck_assert(session_init(&a.session, server, store, &a.ip));
		a.session.names = &names;
		compare_client(&a);
		session_free(&a.session);
	}
}

START_TEST(three_answers_are_one)
{
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	const char *given = getenv("MAILROOT_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_ms() | 1;
	log_set_level(LOG_LEVEL_ERROR);
	printf("MAILROOT_SEED=%llu\n", (unsigned long long)first);
	for (uint64_t i = 0; i < POLICIES; i++) {
		struct policy p;
		struct config config;
		seed = (first + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		random_policy(&p, &config);
		compare_policy(&p, &config.servers[0], &store);
		config_free(&config);
	}
	memory_store_free(&memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy_oracle");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, three_answers_are_one);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
