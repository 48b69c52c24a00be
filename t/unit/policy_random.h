/*
 * Random policies, both as a configuration and for the oracle, and random questions. They are made of few parts, so
 * that they match often. Before use, set seed to any number but 0.
 */
#ifndef T_UNIT_POLICY_RANDOM_H
#define T_UNIT_POLICY_RANDOM_H

#include <check.h>

#include "t/unit/policy_oracle.h"
#include "t/unit/smtpd_memory.h"

static uint64_t seed;
static bool any_user; /* users of client rules are * or not the one that authenticates, joe */

static inline unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}

static inline const char *random_name(char *to)
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

static inline void random_pattern(char *to)
{
	strcpy(to, one_in(2) ? "*." : "");
	if (one_in(8))
		strcat(to, "test");
	else
		random_name(to + strlen(to));
	if (one_in(20))
		strcpy(to, "*");
}

static inline void random_address(struct question *q)
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

static inline void address_text(const struct question *q, char *to)
{
	struct ipaddr ip = {{[10] = 0xff, [11] = 0xff}};
	memcpy(ip.octets + (q->v6 ? 0 : 12), q->octets, q->v6 ? 16 : 4);
	ipaddr_format(&ip, to);
}

/* A network that contains an address, as an administrator may write it. */
static inline void random_network(struct entry *entry, char *text)
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
		snprintf(text, ORACLE_NAME, "%s/%u.%u.%u.%u", address, mask >> 24, mask >> 16 & 255, mask >> 8 & 255,
			 mask & 255);
	else if (!entry->v6 && one_in(4))
		snprintf(text, ORACLE_NAME, "::ffff:%s/%u", address, entry->bits + 96);
	else if (entry->bits == (entry->v6 ? 128 : 32) && one_in(2))
		snprintf(text, ORACLE_NAME, "%s", address);
	else
		snprintf(text, ORACLE_NAME, "%s/%u", address, entry->bits);
}

struct writer {
	struct str text;
	unsigned line;
};

static inline unsigned put(struct writer *w, const char *before, const char *value, const char *after)
{
	str_printf(&w->text, "%s%s%s\n", before, value, after);
	return w->line++;
}

/* By default users may relay if there are any. */
static inline void random_users(struct writer *w, bool auth, struct twin *relay)
{
	relay->users = auth;
	if (one_in(2))
		return;
	relay->users = auth && one_in(2);
	relay->users_line = put(w, "authenticated ", relay->users ? "yes" : "no", "");
}

static inline void random_access(struct writer *w, struct policy *p)
{
	p->auth = one_in(2);
	p->anonymous = true;
	if (!p->auth && one_in(2))
		return;
	put(w, "access { auth ", p->auth ? "scram-sha-256" : "off", "");
	put(w, "tls_certificate /a /b", "", "");
	p->certificate = true;
	if (one_in(3)) {
		p->tls_required = one_in(2);
		p->tls_required_line = put(w, "tls_required ", p->tls_required ? "yes" : "no", "");
	}
	if (one_in(3)) {
		p->anonymous = !p->auth || one_in(2);
		p->anonymous_line = put(w, "anonymous ", p->anonymous ? "yes" : "no", "");
	}
	put(w, "}", "", "");
}

static inline void random_twin(struct writer *w, const char *block, bool relay, bool auth, struct twin *twin)
{
	char text[ORACLE_NAME];
	*twin = (struct twin){.only_listed = relay};
	put(w, block, relay ? " { open_relay_intended yes" : " {", "");
	if (relay)
		random_users(w, auth, twin);
	if (one_in(2)) {
		twin->only_listed = one_in(2);
		twin->allow_line = put(w, "allow ", twin->only_listed ? "only-listed" : "all-except-listed", "");
	}
	size_t n = below(ORACLE_ENTRIES + 1);
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

static inline bool taken(const struct policy *p, const char *name)
{
	const struct question q = {.domain = ""};
	struct question asked = q;
	snprintf(asked.domain, sizeof(asked.domain), "%s", name);
	return named(p->local, p->locals, &asked) || named(p->alias, p->aliases, &asked) ||
	       named(p->remote, p->remotes, &asked);
}

static inline void random_domains(struct writer *w, struct policy *p)
{
	char name[ORACLE_NAME];
	for (unsigned n = below(3 * ORACLE_DOMAINS); n > 0; n--) {
		unsigned kind = below(4);
		struct domain *to = kind == 0   ? &p->local[p->locals]
				    : kind == 1 ? &p->alias[p->aliases]
						: &p->remote[p->remotes];
		size_t *count = kind == 0 ? &p->locals : kind == 1 ? &p->aliases : &p->remotes;
		if (kind < 2)
			random_name(name);
		else
			random_pattern(name);
		if (*count == ORACLE_DOMAINS || taken(p, name))
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

/* Each pattern occurs once: the second connector with the same pattern would never get mail. */
static inline bool spaced(const struct policy *p, const char *pattern)
{
	for (size_t i = 0; i < p->connector_count; i++)
		for (size_t k = 0; k < p->connectors[i].n; k++)
			if (is(p->connectors[i].spaces[k].pattern, pattern))
				return true;
	return false;
}

static inline void random_connectors(struct writer *w, struct policy *p)
{
	char text[2 * ORACLE_NAME];
	for (unsigned n = below(ORACLE_CONNECTORS + 1); n > 0; n--) {
		struct connector *c = &p->connectors[p->connector_count++];
		snprintf(text, sizeof(text), "c%u { route dns", n);
		c->line = put(w, "connector ", text, "");
		for (unsigned k = 1 + below(ORACLE_SPACES); k > 0; k--) {
			struct space *space = &c->spaces[c->n];
			random_pattern(text);
			if (spaced(p, text))
				continue;
			space->cost = 1 + below(3);
			strcpy(space->pattern, text);
			snprintf(text, sizeof(text), "%s cost %u", space->pattern, space->cost);
			put(w, "address_space ", text, "");
			c->n++;
		}
		if (!c->n) {
			snprintf(c->spaces[0].pattern, ORACLE_NAME, "never%u.test", n);
			put(w, "address_space ", c->spaces[0].pattern, "");
			c->spaces[0].cost = 1;
			c->n = 1;
		}
		c->relay = one_in(2);
		if (c->relay)
			c->line = put(w, "relay yes", "", "");
		put(w, "}", "", "");
	}
}

/* With one entry a line, so that each has a line of its own. */
static inline void random_entries(struct writer *w, struct twin *list)
{
	char text[ORACLE_NAME];
	for (size_t n = 1 + below(3); list->n < n; list->n++) {
		struct entry *entry = &list->entries[list->n];
		if (one_in(3))
			random_pattern(entry->name);
		else
			random_network(entry, text);
		entry->line = put(w, "list ", entry->name[0] ? entry->name : text, "");
	}
}

static inline const char *random_local(void)
{
	static const char *const locals[] = {"u", "v", "scanner"};
	return locals[below(3)];
}

static inline void random_mailboxes(struct writer *w, const char *setting, struct mailboxes *list)
{
	char text[4 * ORACLE_NAME * ORACLE_ADDRESSES];
	size_t used = 0;
	if (one_in(2))
		return;
	for (size_t n = 1 + below(ORACLE_ADDRESSES); list->n < n; list->n++) {
		char *local = list->local[list->n], *domain = list->domain[list->n];
		random_pattern(domain);
		if (one_in(3))
			strcpy(domain, "example.com");
		if (one_in(3))
			strcpy(local, random_local());
		const char *before = local[0] ? local : one_in(3) ? "*" : "";
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s%s%s", before,
					 before[0] || one_in(2) ? "@" : "", domain);
	}
	list->line = put(w, setting, text, "");
}

static inline void random_require(struct writer *w, const struct policy *p, struct client_rule *rule)
{
	rule->tls = p->certificate && one_in(4);
	rule->auth = p->auth && one_in(4);
	if (rule->tls || rule->auth)
		rule->require_line = put(w, "require ", rule->tls ? "tls" : "", rule->auth ? " auth" : "");
}

static inline void random_rules(struct writer *w, struct policy *p)
{
	static const char *const users[] = {"joe", "ann", "*"};
	static const unsigned sizes[] = {1024, 4096, 1048576};
	char text[32];
	for (unsigned n = below(ORACLE_RULES + 1); n > 0; n--) {
		struct client_rule *rule = &p->rules[p->rule_count++];
		snprintf(rule->name, sizeof(rule->name), "r%zu", p->rule_count);
		put(w, "client_rule ", rule->name, " {");
		if (p->auth && one_in(3)) {
			strcpy(rule->users, users[below(2) + (any_user || one_in(3))]);
			put(w, "users ", rule->users, "");
		}
		if (!rule->users[0] || one_in(2))
			random_entries(w, &rule->list);
		random_mailboxes(w, "senders", &rule->senders);
		random_mailboxes(w, "recipients", &rule->recipients);
		rule->from_header = rule->senders.n && one_in(2);
		if (rule->from_header)
			put(w, "from_header yes", "", "");
		if (one_in(4)) {
			rule->size = sizes[below(3)];
			snprintf(text, sizeof(text), "%uK", rule->size / 1024);
			rule->size_line = put(w, "max_message_size ", text, "");
		}
		random_require(w, p, rule);
		put(w, "}", "", "");
	}
}

/* The policy, and its configuration, built as in a child. */
static inline void random_policy(struct policy *p, struct config *config)
{
	struct writer w = {.line = 5};
	struct str canonical;
	struct config whole;
	str_init(&w.text, 1 << 16);
	*p = (struct policy){0};
	random_access(&w, p);
	random_twin(&w, "connect", false, false, &p->connect);
	random_domains(&w, p);
	random_connectors(&w, p);
	random_twin(&w, "relay", true, p->auth, &p->relay);
	random_rules(&w, p);
	memory_config(str_text(&w.text), &whole); /* ends the process if check would refuse the whole file */
	config_free(&whole);
	memory_canonical("", str_text(&w.text), &canonical);
	ck_assert(config_parse_canonical(str_span(&canonical), config));
	str_free(&canonical);
	str_free(&w.text);
}

static inline void random_person(struct person *who)
{
	strcpy(who->local, random_local());
	if (one_in(4))
		who->domain[0] = '\0';
	else if (one_in(3))
		strcpy(who->domain, "example.com");
	else
		random_name(who->domain);
}

static inline void random_mail(struct question *q)
{
	static const unsigned sizes[] = {0, 1024, 1025, 5000, 2000000};
	random_person(&q->sender);
	if (one_in(4))
		q->sender.local[0] = q->sender.domain[0] = '\0';
	q->size = sizes[below(5)];
}

/* "" is the null sender. */
static inline const char *person_text(const struct person *who)
{
	static char text[2 * ORACLE_NAME];
	snprintf(text, sizeof(text), "%s%s%s", who->local, who->domain[0] ? "@" : "", who->domain);
	return text;
}

static inline void random_domain(const struct policy *p, struct question *q)
{
	strcpy(q->local, random_local());
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

#endif
