/*
 * A second implementation of the relay policy and of the client rules: plain tables, and the documented order
 * (mailroot.conf(5), relay, client_rule). On purpose it shares no code with smtpd/policy/policy.c, cidr.c and domain.c.
 */
#ifndef T_UNIT_POLICY_ORACLE_H
#define T_UNIT_POLICY_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ORACLE_ENTRIES = 6,
	ORACLE_DOMAINS = 5,
	ORACLE_CONNECTORS = 4,
	ORACLE_SPACES = 3,
	ORACLE_RULES = 4,
	ORACLE_ADDRESSES = 3,
	ORACLE_NAME = 64
};

struct entry {
	char name[ORACLE_NAME]; /* "" = a network */
	bool v6;
	unsigned char base[16]; /* of the family: 4 or 16 octets */
	unsigned bits;
	unsigned line;
};

struct twin {
	bool only_listed;
	unsigned allow_line;                      /* 0 = not written */
	struct entry entries[ORACLE_ENTRIES + 1]; /* room for one more entry */
	size_t n;
	bool users; /* the value of relay authenticated */
	unsigned users_line;
};

struct domain {
	char name[ORACLE_NAME];
	bool relay;
	unsigned line;
};

struct space {
	char pattern[ORACLE_NAME];
	unsigned cost;
};

struct connector {
	struct space spaces[ORACLE_SPACES];
	size_t n;
	bool relay;
	unsigned line; /* of relay, or of the block */
};

struct mailboxes {
	char local[ORACLE_ADDRESSES][ORACLE_NAME]; /* "" = every one */
	char domain[ORACLE_ADDRESSES][ORACLE_NAME];
	size_t n; /* 0 = all */
	unsigned line;
};

struct client_rule {
	char name[ORACLE_NAME];
	struct twin list;        /* its entries alone */
	char users[ORACLE_NAME]; /* "" = none is written, "*" = all */
	struct mailboxes senders, recipients;
	bool from_header;
	unsigned size; /* 0 = no maximum */
	unsigned size_line;
	bool tls, auth;
	unsigned require_line;
};

struct policy {
	bool auth, anonymous, tls_required, certificate;
	unsigned anonymous_line, tls_required_line;
	struct twin connect, relay;
	struct domain local[ORACLE_DOMAINS], alias[ORACLE_DOMAINS], remote[ORACLE_DOMAINS];
	struct connector connectors[ORACLE_CONNECTORS];
	size_t locals, aliases, remotes, connector_count;
	struct client_rule rules[ORACLE_RULES];
	size_t rule_count;
};

struct person {
	char local[ORACLE_NAME];  /* "" = the null sender */
	char domain[ORACLE_NAME]; /* "" = none */
};

struct question {
	bool v6;
	unsigned char octets[16];
	char name[ORACLE_NAME]; /* "" = unconfirmed */
	char domain[ORACLE_NAME];
	bool user, tls; /* the client has authenticated, as joe; has TLS */
	struct person sender;
	unsigned size;
	char local[ORACLE_NAME]; /* of the recipient */
};

static inline size_t length(const char *text)
{
	size_t n = 0;
	while (text[n])
		n++;
	return n;
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ends_in(const char *name, const char *end)
{
	size_t a = length(name), b = length(end);
	for (size_t i = 0; i < b; i++)
		if (b > a || lower(name[a - 1 - i]) != lower(end[b - 1 - i]))
			return false;
	return true;
}

static inline bool is(const char *name, const char *other)
{
	return length(name) == length(other) && ends_in(name, other);
}

static inline bool fits(const char *pattern, const char *name)
{
	if (is(pattern, "*"))
		return true;
	if (pattern[0] == '*')
		return length(name) > length(pattern) - 1 && ends_in(name, pattern + 1);
	return is(pattern, name);
}

static inline bool in_network(const struct entry *entry, const struct question *q)
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

/* Addresses are tried first, then names. */
static inline const struct entry *listed(const struct twin *twin, const struct question *q)
{
	for (size_t i = 0; i < twin->n; i++)
		if (twin->entries[i].name[0] ? is(twin->entries[i].name, "*") : in_network(&twin->entries[i], q))
			return &twin->entries[i];
	for (size_t i = 0; i < twin->n; i++)
		if (twin->entries[i].name[0] && q->name[0] && fits(twin->entries[i].name, q->name))
			return &twin->entries[i];
	return NULL;
}

static inline unsigned list_line(const struct twin *twin, const struct question *q)
{
	const struct entry *entry = listed(twin, q);
	if (entry)
		return entry->line;
	return twin->n ? twin->entries[0].line : twin->allow_line;
}

static inline bool may(const struct twin *twin, const struct question *q)
{
	return twin->only_listed ? listed(twin, q) != NULL : listed(twin, q) == NULL;
}

static inline const struct domain *named(const struct domain *list, size_t n, const struct question *q)
{
	for (size_t i = 0; i < n; i++)
		if (is(list[i].name, q->domain))
			return &list[i];
	return NULL;
}

/* An exact name comes before patterns, then the longest pattern. */
static inline const struct domain *remote_of(const struct policy *p, const struct question *q)
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

/* X matches NAME better than Y: an exact name before patterns, then the longest pattern, then the lowest cost. */
static inline bool better(const struct space *x, const struct space *y, const char *name)
{
	if (is(x->pattern, name) != is(y->pattern, name))
		return is(x->pattern, name);
	if (length(x->pattern) != length(y->pattern))
		return length(x->pattern) > length(y->pattern);
	return x->cost < y->cost;
}

/* PERMITS tells whether the mail meets the conditions of a connector; NULL = conditions are ignored. */
static inline const struct connector *connector_of(const struct connector *list, size_t n, const char *name,
						   bool (*permits)(size_t which, const void *mail), const void *mail)
{
	const struct connector *best = NULL;
	const struct space *by = NULL;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].n; k++) {
			const struct space *space = &list[i].spaces[k];
			if (!fits(space->pattern, name) || (permits && !permits(i, mail)) ||
			    (by && !better(space, by, name)))
				continue;
			best = &list[i];
			by = space;
		}
	return best;
}

enum oracle_verdict {
	ACCEPTED,
	STAMPED,
	REFUSED,
	NOT_CONNECTED,
	LACKS_TLS,
	LACKS_USER,
	RULE_TLS,
	RULE_AUTH,
	RULE_SENDER,
	RULE_SIZE,
	RULE_RECIPIENT
};

/* The first rule whose list, if it has one, has the client, and whose users, if it has any, have its user. */
static inline const struct client_rule *rule_of(const struct policy *p, const struct question *q)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct client_rule *rule = &p->rules[i];
		bool user = !rule->users[0] || (q->user && (is(rule->users, "*") || is(rule->users, "joe")));
		if (user && (!rule->list.n || listed(&rule->list, q)))
			return rule;
	}
	return NULL;
}

static inline bool among(const struct mailboxes *list, const struct person *who)
{
	const char *domain = who->domain[0] ? who->domain : "example.com";
	for (size_t i = 0; i < list->n; i++)
		if (fits(list->domain[i], domain) && (!list->local[i][0] || is(list->local[i], who->local)))
			return true;
	return list->n == 0;
}

static inline bool may_not_connect(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->connect, q);
	return !may(&p->connect, q);
}

static inline bool lacks_tls(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = p->tls_required_line;
	return p->tls_required && !q->tls;
}

static inline bool lacks_user(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = p->anonymous_line;
	return !p->anonymous && !q->user;
}

static inline bool rule_wants_tls(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct client_rule *rule = rule_of(p, q);
	*line = rule ? rule->require_line : 0;
	return rule && rule->tls && !q->tls;
}

static inline bool rule_wants_user(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct client_rule *rule = rule_of(p, q);
	*line = rule ? rule->require_line : 0;
	return rule && rule->auth && !q->user;
}

static inline bool rule_refuses_sender(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct client_rule *rule = rule_of(p, q);
	*line = rule ? rule->senders.line : 0;
	return rule && q->sender.local[0] && !among(&rule->senders, &q->sender);
}

static inline bool rule_refuses_size(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct client_rule *rule = rule_of(p, q);
	*line = rule ? rule->size_line : 0;
	return rule && rule->size && q->size > rule->size;
}

/* Of mail that all other rules accept. STAMPED: the recipient is one of the default domain. */
static inline bool rule_refuses_recipient(const struct policy *p, const struct question *q, bool stamped,
					  unsigned *line)
{
	const struct client_rule *rule = rule_of(p, q);
	struct person to;
	for (size_t i = 0; i < sizeof(to.local); i++) {
		to.local[i] = q->local[i];
		to.domain[i] = stamped ? '\0' : q->domain[i];
	}
	if (!rule || among(&rule->recipients, &to))
		return false;
	*line = rule->recipients.line;
	return true;
}

/* Of the only address in From. */
static inline bool rule_refuses_from(const struct policy *p, const struct question *q, const struct person *from)
{
	const struct client_rule *rule = rule_of(p, q);
	return rule && rule->from_header && !among(&rule->senders, from);
}

static inline bool no_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	(void)p;
	*line = 4;
	return !q->domain[0];
}

static inline bool default_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	(void)p;
	*line = 4;
	return is(q->domain, "example.com");
}

static inline bool local_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = named(p->local, p->locals, q);
	*line = found ? found->line : 0;
	return found != NULL;
}

static inline bool alias_domain(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = named(p->alias, p->aliases, q);
	*line = found ? found->line : 0;
	return found != NULL;
}

static inline bool remote_with_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct domain *found = remote_of(p, q);
	*line = found ? found->line : 0;
	return found && found->relay;
}

static inline bool connector_with_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	const struct connector *found = connector_of(p->connectors, p->connector_count, q->domain, NULL, NULL);
	*line = found ? found->line : 0;
	return found && found->relay;
}

static inline bool user_may_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = p->relay.users_line;
	return p->relay.users && q->user;
}

static inline bool client_may_relay(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->relay, q);
	return may(&p->relay, q);
}

static inline bool nobody_said_yes(const struct policy *p, const struct question *q, unsigned *line)
{
	*line = list_line(&p->relay, q);
	return true;
}

static const struct {
	bool (*applies)(const struct policy *p, const struct question *q, unsigned *line);
	enum oracle_verdict verdict;
} documented_order[] = {
	{may_not_connect, NOT_CONNECTED}, {lacks_tls, LACKS_TLS},       {lacks_user, LACKS_USER},
	{rule_wants_tls, RULE_TLS},       {rule_wants_user, RULE_AUTH}, {rule_refuses_sender, RULE_SENDER},
	{rule_refuses_size, RULE_SIZE},   {no_domain, STAMPED},         {default_domain, ACCEPTED},
	{local_domain, ACCEPTED},         {alias_domain, STAMPED},      {remote_with_relay, ACCEPTED},
	{connector_with_relay, ACCEPTED}, {user_may_relay, ACCEPTED},   {client_may_relay, ACCEPTED},
	{nobody_said_yes, REFUSED},
};

static inline enum oracle_verdict oracle(const struct policy *p, const struct question *q, unsigned *line)
{
	size_t i = 0;
	while (!documented_order[i].applies(p, q, line))
		i++;
	enum oracle_verdict verdict = documented_order[i].verdict;
	if ((verdict == ACCEPTED || verdict == STAMPED) && rule_refuses_recipient(p, q, verdict == STAMPED, line))
		return RULE_RECIPIENT;
	return verdict;
}

#endif
