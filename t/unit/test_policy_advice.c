/* Random policies and questions: the configuration edited as `explain relay` advises has the other verdict. */
#include <check.h>

#include "common/base/clock.h"
#include "smtpd/policy/advice.h"
#include "t/unit/policy_random.h"
#include "t/unit/suite.h"

enum { POLICIES = 300, QUESTIONS = 200 };

static void remove_entry(struct twin *twin, size_t which)
{
	memmove(&twin->entries[which], &twin->entries[which + 1], (twin->n - which - 1) * sizeof(twin->entries[0]));
	twin->n--;
}

static void remove_line(struct twin *twin, unsigned line)
{
	for (size_t i = 0; i < twin->n; i++) {
		if (twin->entries[i].line != line)
			continue;
		remove_entry(twin, i);
		return;
	}
	ck_abort_msg("no entry at line %u", line);
}

static void add_client(struct twin *twin, const struct question *q)
{
	struct entry *entry = &twin->entries[twin->n++];
	*entry = (struct entry){.v6 = q->v6, .bits = q->v6 ? 128 : 32};
	memcpy(entry->base, q->octets, sizeof(entry->base));
}

static void remove_domain(struct domain *list, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++) {
		if (!is(list[i].name, name))
			continue;
		list[i] = list[--*n];
		return;
	}
	ck_abort_msg("no domain %s", name);
}

static struct client_rule *rule_named(struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (is(p->rules[i].name, name))
			return &p->rules[i];
	ck_abort_msg("no client rule %s", name);
	return NULL;
}

static void add_mailbox(struct mailboxes *list, const char *address)
{
	const char *domain = strchr(address, '@');
	ck_assert_ptr_nonnull(domain);
	size_t at = list->n < ORACLE_ADDRESSES ? list->n++ : 0;
	snprintf(list->local[at], ORACLE_NAME, "%.*s", (int)(domain - address), address);
	snprintf(list->domain[at], ORACLE_NAME, "%s", domain + 1);
}

/* A change of a client rule. */
static bool apply_to_rule(struct policy *p, const char *text)
{
	char name[200], address[200], list[200];
	if (sscanf(text, "add %199s to %199s of client_rule %199s at", address, list, name) == 3)
		add_mailbox(is(list, "senders") ? &rule_named(p, name)->senders : &rule_named(p, name)->recipients,
			    address);
	else if (sscanf(text, "raise max_message_size of client_rule %199s at", name) == 1)
		rule_named(p, name)->size = 0;
	else
		return false;
	return true;
}

/* Applies one change, the text between two semicolons; of alternatives, any one. */
static void apply(struct policy *p, struct question *q, const char *change)
{
	char text[400], name[200] = "", block[200] = "";
	unsigned line;
	strcpy(text, change);
	char *other = strstr(text, ", or ");
	if (other && one_in(2))
		memmove(text, other + strlen(", or "), strlen(other + strlen(", or ")) + 1);
	else if (other)
		*other = '\0';
	if (strncmp(text, "let the client ", strlen("let the client ")) == 0) {
		q->tls |= strstr(text, "use TLS") != NULL;
		q->user |= strstr(text, "authenticate") != NULL;
		return;
	}
	if (apply_to_rule(p, text))
		return;
	if (strncmp(text, "remove ", 7) == 0)
		memmove(text, text + 7, strlen(text + 7) + 1);
	if (sscanf(text, "from %199s list: ", block) == 1) {
		for (char *at = text; (at = strstr(at, "(test.conf:")) && sscanf(at, "(test.conf:%u", &line) == 1; at++)
			remove_line(is(block, "relay") ? &p->relay : &p->connect, line);
		return;
	}
	if (sscanf(text, "%199s from %199s list at test.conf:%u", name, block, &line) == 3)
		remove_line(is(block, "relay") ? &p->relay : &p->connect, line);
	else if (sscanf(text, "add %199s to %199s list at", name, block) == 2 ||
		 sscanf(text, "add list %199s to %199s at", name, block) == 2 ||
		 sscanf(text, "write %199s { list %199s } in virtual_server test at test.conf:2", block, name) == 2)
		add_client(is(block, "relay") ? &p->relay : &p->connect, q);
	else if (!strncmp(text, "write authenticated yes in relay at ", 36))
		p->relay.users = true;
	else if (!strncmp(text, "write authenticated no in relay at ", 35) ||
		 !strncmp(text, "write relay { authenticated no } in virtual_server test at test.conf:2", 70))
		p->relay.users = false;
	else if (sscanf(text, "local_domain %199s at", name) == 1)
		remove_domain(p->local, &p->locals, name);
	else if (sscanf(text, "alias_domain %199s at", name) == 1)
		remove_domain(p->alias, &p->aliases, name);
	else if (strncmp(text, "write relay no in connector ", strlen("write relay no in connector ")) == 0)
		((struct connector *)connector_of(p->connectors, p->connector_count, q->domain, NULL, NULL))->relay =
			false;
	else if (sscanf(text, "write relay no in remote_domain %199s at", name) == 1)
		((struct domain *)remote_of(p, q))->relay = false;
	else
		ck_abort_msg("unknown advice: %s", change);
}

/* Applies "to permit it, A; and B; and C". False if the advice does not name all entries. */
static bool apply_all(struct policy *p, struct question *q, char *advice, bool permit)
{
	char *change = advice + strlen("to permit it, ");
	ck_assert_int_eq(strncmp(advice, permit ? "to permit it, " : "to refuse it, ", strlen("to permit it, ")), 0);
	if (strstr(advice, " more that match the client"))
		return false;
	while (change) {
		char *next = strstr(change, "; and ");
		if (next) {
			*next = '\0';
			next += strlen("; and ");
		}
		apply(p, q, change);
		change = next;
	}
	return true;
}

static bool accepts(const struct policy *p, const struct question *q)
{
	unsigned line;
	enum oracle_verdict verdict = oracle(p, q, &line);
	return verdict == ACCEPTED || verdict == STAMPED;
}

static void ask(const struct policy *p, const struct config_server *server)
{
	struct question q = {.user = p->auth && one_in(2), .tls = one_in(2)};
	struct policy changed = *p;
	struct policy_client client = {
		.name_state = POLICY_NAME_UNCONFIRMED, .user = q.user ? "joe" : NULL, .tls = q.tls};
	struct address sender, rcpt;
	struct policy_mail mail = {.sender = &sender};
	struct explanation e;
	char address[IPADDR_TEXT_MAX], from[4 * ORACLE_NAME], to[4 * ORACLE_NAME];
	const char *why;
	struct str advice;
	random_address(&q);
	random_domain(p, &q);
	if (one_in(2)) {
		random_name(q.name);
		strcpy(client.name, q.name);
		client.name_state = POLICY_NAME_CONFIRMED;
	}
	address_text(&q, address);
	client.ip = memory_address(address);
	random_mail(&q);
	snprintf(from, sizeof(from), "%s", person_text(&q.sender));
	snprintf(to, sizeof(to), "%s%s%s", q.local, q.domain[0] ? "@" : "", q.domain);
	ck_assert(address_parse(span_of(from), &sender, &why) && address_parse(span_of(to), &rcpt, &why));
	mail.size = q.size;
	explain_decide(server, &client, &mail, &rcpt, &e);
	str_init(&advice, 4096);
	advice_format(server, &e, &advice);
	char text[4096];
	strcpy(text, str_text(&advice));
	struct question again = q;
	if (apply_all(&changed, &again, text, !accepts(p, &q)))
		ck_assert_msg(accepts(&changed, &again) != accepts(p, &q), "%s to %s: %s", address, q.domain,
			      str_text(&advice));
	str_free(&advice);
}

START_TEST(advice_turns_the_verdict)
{
	const char *given = getenv("MAILROOT_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_ms();
	printf("MAILROOT_SEED=%llu\n", (unsigned long long)first);
	any_user = true;
	for (uint64_t i = 0; i < POLICIES; i++) {
		struct policy p;
		struct config config;
		seed = (first + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		random_policy(&p, &config);
		for (int n = 0; n < QUESTIONS; n++)
			ask(&p, &config.servers[0]);
		config_free(&config);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy_advice");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, advice_turns_the_verdict);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
