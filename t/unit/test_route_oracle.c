/*
 * Random configurations and messages: the route of route_decide, and the blocks that it names, are those of an oracle
 * that knows only the documented order (mailroot.conf(5), "The way of a message") and reads no configuration.
 * MAILROOT_SEED repeats a seed that failed.
 */
#include "queue/operator/not_taken.h"
#include "queue/rules/route.h"
#include "t/unit/policy_random.h"

#include "common/base/clock.h"
#include "t/unit/suite.h"

enum { CONFIGURATIONS = 1500, MESSAGES = 200, CONDITIONS = 3, SIZES = 4 };

/* A sender as a pattern of a connector, and as that of a message. */
struct from {
	const char *user; /* "" = every sender; of a message without domain: the null sender */
	char domain[ORACLE_NAME];
};

struct conditions {
	unsigned size; /* 0 = none */
	struct from senders[CONDITIONS], refused[CONDITIONS];
	size_t sender_count, refused_count;
};

struct way {
	bool routed, dns; /* otherwise, if routed, the number of its host */
	unsigned host;
	bool outbound, auth;
};

struct plan {
	struct policy domains; /* local, alias, remote and connectors; relay settings have no effect here */
	struct way remote[ORACLE_DOMAINS], connector[ORACLE_CONNECTORS];
	struct conditions conditions[ORACLE_CONNECTORS];
	bool smart_host, server_auth, direct;
};

struct letter {
	struct from from;
	unsigned size;
	char domain[ORACLE_NAME];
};

static const char *const users[] = {"joe", "Ann"};

static bool is_from(const struct from *pattern, const struct from *from)
{
	if (!pattern->domain[0])
		return !from->domain[0];
	if (pattern->user[0] && !is(pattern->user, from->user))
		return false;
	return is(pattern->domain, "*") || (from->domain[0] && fits(pattern->domain, from->domain));
}

static bool any_from(const struct from *list, size_t n, const struct from *from)
{
	for (size_t i = 0; i < n; i++)
		if (is_from(&list[i], from))
			return true;
	return false;
}

struct asked {
	const struct plan *plan;
	const struct letter *letter;
};

static bool permits(size_t which, const void *mail)
{
	const struct asked *asked = mail;
	const struct conditions *c = &asked->plan->conditions[which];
	const struct from *from = &asked->letter->from;
	return (!c->size || asked->letter->size <= c->size) &&
	       (!c->sender_count || any_from(c->senders, c->sender_count, from)) &&
	       !any_from(c->refused, c->refused_count, from);
}

/* "drop", "mx by remote_domain x", "192.0.2.7 by connector c1 as connector c1" */
static void expect(const struct plan *plan, const struct letter *letter, char *to, size_t room)
{
	const struct policy *p = &plan->domains;
	struct question q = {.v6 = false};
	struct asked asked = {plan, letter};
	const struct connector *c = connector_of(p->connectors, p->connector_count, letter->domain, permits, &asked);
	strcpy(q.domain, letter->domain);
	const struct domain *remote = remote_of(p, &q);
	if (!q.domain[0] || is(q.domain, "example.com") || named(p->local, p->locals, &q) ||
	    named(p->alias, p->aliases, &q)) {
		snprintf(to, room, "drop");
		return;
	}
	const struct way *by_domain = remote ? &plan->remote[remote - p->remote] : NULL;
	const struct way *by_connector = c ? &plan->connector[c - p->connectors] : NULL;
	char domain_name[2 * ORACLE_NAME] = "", connector_name[2 * ORACLE_NAME] = "", host[ORACLE_NAME] = "mx";
	const char *security = "virtual_server", *credentials = "";
	if (remote)
		snprintf(domain_name, sizeof(domain_name), "remote_domain %s", remote->name);
	if (c)
		snprintf(connector_name, sizeof(connector_name), "connector c%zu", (size_t)(c - p->connectors));
	if (by_domain && by_domain->outbound)
		security = domain_name;
	const struct way *way = by_domain && by_domain->routed ? by_domain : by_connector;
	if (way && way == by_connector && way->outbound)
		security = connector_name;
	if (way && !way->dns)
		snprintf(host, sizeof(host), "192.0.2.%u", way->host);
	if (way && !way->dns && way->auth)
		credentials = way == by_domain ? domain_name : connector_name;
	if (!way && plan->smart_host) {
		strcpy(host, plan->direct ? "mx, 192.0.2.250" : "192.0.2.250");
		credentials = plan->server_auth ? "virtual_server" : "";
	}
	if (is(host, "mx") && letter->domain[0] == '[')
		strcpy(host, "literal");
	if (is(host, "mx, 192.0.2.250") && letter->domain[0] == '[')
		strcpy(host, "literal, 192.0.2.250");
	snprintf(to, room, "%s by %s as %s", host, security, credentials);
}

static void put_way(struct writer *w, struct way *way, bool must, unsigned host)
{
	*way = (struct way){.routed = must || one_in(2), .dns = one_in(3), .host = host, .outbound = one_in(2)};
	char text[ORACLE_NAME];
	snprintf(text, sizeof(text), "[192.0.2.%u]", host);
	if (way->routed)
		put(w, "route ", way->dns ? "dns" : text, "");
	if (!way->outbound)
		return;
	way->auth = way->routed && !way->dns && one_in(2);
	put(w, "outbound { tls verify", way->auth ? "; auth plain; username u; password_file /p" : "", " }");
}

static size_t put_senders(struct writer *w, const char *setting, struct from *list)
{
	char text[2 * ORACLE_NAME];
	size_t n = one_in(2) ? 0 : below(CONDITIONS) + 1;
	for (size_t i = 0; i < n; i++) {
		list[i].user = one_in(3) ? users[below(2)] : "";
		list[i].domain[0] = '\0';
		if (list[i].user[0] || !one_in(5))
			random_pattern(list[i].domain);
		snprintf(text, sizeof(text), "%s%s%s", list[i].user, list[i].user[0] ? "@" : "",
			 list[i].domain[0] ? list[i].domain : "<>");
		put(w, setting, text, "");
	}
	return n;
}

static void put_conditions(struct writer *w, struct conditions *c)
{
	*c = (struct conditions){.size = one_in(2) ? 0 : 1024 * (1 + below(SIZES))};
	char text[ORACLE_NAME];
	snprintf(text, sizeof(text), "%uK", c->size / 1024);
	if (c->size)
		put(w, "max_message_size ", text, "");
	c->sender_count = put_senders(w, "senders ", c->senders);
	c->refused_count = put_senders(w, "senders_refused ", c->refused);
}

static void put_domains(struct writer *w, struct plan *plan)
{
	struct policy *p = &plan->domains;
	char name[ORACLE_NAME];
	for (unsigned n = below(3 * ORACLE_DOMAINS); n > 0; n--) {
		unsigned kind = below(4);
		if (kind < 2)
			random_name(name);
		else
			random_pattern(name);
		size_t *count = kind == 0 ? &p->locals : kind == 1 ? &p->aliases : &p->remotes;
		if (taken(p, name) || *count == ORACLE_DOMAINS)
			continue;
		struct domain *list = kind == 0 ? p->local : kind == 1 ? p->alias : p->remote;
		strcpy(list[*count].name, name);
		if (kind < 2) {
			put(w, kind == 0 ? "local_domain " : "alias_domain ", name, "");
		} else {
			put(w, "remote_domain ", name, " {");
			put_way(w, &plan->remote[*count], false, (unsigned)(1 + *count));
			put(w, "}", "", "");
		}
		++*count;
	}
}

static void put_connectors(struct writer *w, struct plan *plan)
{
	struct policy *p = &plan->domains;
	char text[2 * ORACLE_NAME];
	size_t count = below(ORACLE_CONNECTORS + 1);
	while (p->connector_count < count) {
		size_t which = p->connector_count++;
		struct connector *c = &p->connectors[which];
		snprintf(text, sizeof(text), "c%zu {", which);
		put(w, "connector ", text, "");
		for (c->n = 0; c->n < 1 + below(ORACLE_SPACES) && c->n < ORACLE_SPACES; c->n++) {
			random_pattern(c->spaces[c->n].pattern);
			c->spaces[c->n].cost = 1 + below(3);
			snprintf(text, sizeof(text), "%s cost %u", c->spaces[c->n].pattern, c->spaces[c->n].cost);
			put(w, "address_space ", text, "");
		}
		put_way(w, &plan->connector[which], true, (unsigned)(100 + which));
		put_conditions(w, &plan->conditions[which]);
		put(w, "}", "", "");
	}
}

/* A child does not refuse connectors that would never get mail: master checks the configuration. */
static void random_plan(struct plan *plan, struct config *config)
{
	struct writer w = {.line = 5};
	struct config_report report = {0};
	struct str canonical;
	str_init(&w.text, 1 << 16);
	str_init(&report.text, 1 << 16);
	str_init(&canonical, 1 << 16);
	*plan = (struct plan){.smart_host = one_in(2)};
	put_domains(&w, plan);
	put_connectors(&w, plan);
	plan->server_auth = plan->smart_host && one_in(2);
	plan->direct = plan->smart_host && one_in(2);
	if (plan->smart_host)
		put(&w, "smart_host [192.0.2.250]", plan->direct ? "; direct_first yes" : "", "");
	if (plan->server_auth)
		put(&w, "outbound { tls verify; auth plain; username u; password_file /p }", "", "");
	struct config_tree *tree = memory_tree("", str_text(&w.text), &report);
	ck_assert_msg(!report.errors, "%s", str_text(&report.text));
	config_tree_write(tree, "host.example.com", "test", ROLE_QUEUE, &canonical);
	ck_assert_msg(config_parse_canonical(str_span(&canonical), config), "%s", str_text(&w.text));
	config_tree_free(tree);
	str_free(&canonical);
	str_free(&report.text);
	str_free(&w.text);
}

static void random_letter(const struct plan *plan, struct letter *l)
{
	struct question q = {.v6 = false};
	*l = (struct letter){.from.user = users[below(2)], .size = 1024 * (1 + below(SIZES)) + below(3) - 1};
	random_domain(&plan->domains, &q);
	strcpy(l->domain, q.domain);
	if (!one_in(6))
		random_name(l->from.domain);
	else
		l->from.user = "";
}

static void found(const struct route *route, char *to, size_t room)
{
	char security[ROUTE_BLOCK_MAX], credentials[ROUTE_BLOCK_MAX];
	route_block_format(&route->security, security);
	route_block_format(&route->credentials, credentials);
	if (route->kind == ROUTE_DROP)
		snprintf(to, room, "drop");
	else
		snprintf(to, room, "%s%s%s by %s as %s", route->kind == ROUTE_HOSTS ? "" : route_kind_name(route->kind),
			 route->kind != ROUTE_HOSTS && route->hosts ? ", " : "",
			 route->hosts ? route->hosts->at[0].name : "", security, credentials);
}

/* The rules name a block. */
static bool ruled(const struct route *route, const char *what, struct span name)
{
	for (size_t i = 0; i < route->rule_count; i++)
		if (is(route->rules[i].what, what) && span_equal(route->rules[i].value, name))
			return true;
	return false;
}

static size_t listed_as_passed(const struct not_taken *passed, size_t n, const char *what, const char *name)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		found += is(passed[i].what, what) && span_equal(passed[i].name, span_of(name));
	return found;
}

/* Each block that matches the domain is reported once, as the one that decided or as a rejected one, and no other
 * block is. */
static void check_passed(const struct plan *plan, const struct config_server *server, const struct letter *l,
			 const struct connector_mail *mail, const struct route *route)
{
	struct not_taken passed[NOT_TAKEN_MAX];
	struct asked asked = {plan, l};
	size_t n = not_taken_list(server, mail, route, passed), seen = 0;
	const struct policy *p = &plan->domains;
	char name[ORACLE_NAME];
	for (size_t i = 0; i < p->remotes; i++) {
		size_t times = listed_as_passed(passed, n, "remote_domain", p->remote[i].name);
		bool decided = ruled(route, "remote_domain", span_of(p->remote[i].name));
		ck_assert_uint_eq(times + decided, fits(p->remote[i].name, l->domain));
		seen += times;
	}
	for (size_t i = 0; i < p->connector_count; i++) {
		snprintf(name, sizeof(name), "c%zu", i);
		bool fitting = false;
		for (size_t k = 0; k < p->connectors[i].n; k++)
			fitting |= fits(p->connectors[i].spaces[k].pattern, l->domain);
		size_t times = listed_as_passed(passed, n, "connector", name);
		ck_assert_uint_eq(times + ruled(route, "connector", span_of(name)), fitting);
		seen += times;
	}
	size_t smart = listed_as_passed(passed, n, "smart_host", "192.0.2.250");
	ck_assert_uint_eq(smart + ruled(route, "smart_host", SPAN("192.0.2.250")), plan->smart_host);
	ck_assert_uint_eq(seen + smart, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert(passed[i].why[0] && passed[i].origin.file);
		if (passed[i].conditional)
			ck_assert(is(passed[i].what, "connector") &&
				  !permits((size_t)atoi(passed[i].name.at + 1), &asked));
	}
}

static void compare(const struct plan *plan, const struct config_server *server)
{
	char expected[8 * ORACLE_NAME], got[3 * ROUTE_BLOCK_MAX], text[2 * ORACLE_NAME];
	struct address sender = {0};
	struct letter letter;
	struct route route;
	const char *why;
	random_letter(plan, &letter);
	const struct address rcpt = {.domain = span_of(letter.domain)};
	snprintf(text, sizeof(text), "%s@%s",
		 one_in(2)                     ? letter.from.user
		 : is(letter.from.user, "joe") ? "JOE"
					       : "ann",
		 letter.from.domain);
	if (letter.from.domain[0])
		ck_assert(address_parse(span_of(text), &sender, &why));
	const struct connector_mail mail = {&sender, letter.size};
	expect(plan, &letter, expected, sizeof(expected));
	route_decide(server, &rcpt, &mail, &route);
	found(&route, got, sizeof(got));
	check_passed(plan, server, &letter, &mail, &route);
	ck_assert_msg(!strcmp(expected, got), "from %s to %s, %u octets: %s expected, but %s", text, letter.domain,
		      letter.size, expected, got);
}

START_TEST(routes_are_those_of_the_oracle)
{
	const char *given = getenv("MAILROOT_SEED");
	uint64_t first = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_ms();
	printf("MAILROOT_SEED=%llu\n", (unsigned long long)first);
	for (uint64_t i = 0; i < CONFIGURATIONS; i++) {
		struct plan plan;
		struct config config;
		seed = (first + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		random_plan(&plan, &config);
		for (int n = 0; n < MESSAGES; n++)
			compare(&plan, &config.servers[0]);
		config_free(&config);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route_oracle");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, routes_are_those_of_the_oracle);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
