#include "smtpd/policy/advice.h"

#include "smtpd/policy/rules.h"

enum { NAMED_MAX = 3 }; /* entries of a list that are named */

/* One of the two similar lists (connect, relay), and its place in the file. */
struct twin {
	const char *block;
	enum config_allow allow;
	const struct config_clients *list;
	const struct config_origin *list_at;
	const struct config_origin *block_at; /* another setting that is written in the block */
};

static struct twin connect_of(const struct config_server *server)
{
	const struct config_connect *connect = &server->connect;
	return (struct twin){"connect", connect->allow, &connect->list, &connect->list_at, &connect->allow_at};
}

/* The first of three places that is in the file, else the last. */
static const struct config_origin *written(const struct config_origin *a, const struct config_origin *b,
					   const struct config_origin *c)
{
	return a->line ? a : b->line ? b : c;
}

static struct twin relay_of(const struct config_server *server)
{
	const struct config_relay *relay = &server->relay;
	const struct config_origin *at =
		written(&relay->allow_at, &relay->open_relay_intended_at, &relay->authenticated_at);
	return (struct twin){"relay", relay->allow, &relay->list, &relay->list_at, at};
}

static void append_place(const struct config_origin *at, struct str *to)
{
	str_printf(to, " at %s:%u", at->file, at->line);
}

static void add_client(const struct config_server *server, const struct twin *twin, const struct policy_client *client,
		       struct str *to)
{
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&client->ip, address);
	if (twin->list_at->line) {
		str_printf(to, "add %s to %s list", address, twin->block);
		append_place(twin->list_at, to);
	} else if (twin->block_at->line) {
		str_printf(to, "add list %s to %s", address, twin->block);
		append_place(twin->block_at, to);
	} else {
		str_printf(to, "write %s { list %s } in virtual_server %s", twin->block, address, server->name);
		append_place(&server->origin, to);
	}
}

/* All entries that match the client: if one stayed, it would still match. The first few are named. */
static void remove_entries(const struct twin *twin, const struct policy_client *client, struct str *to)
{
	size_t found = 0;
	str_append_text(to, "remove ");
	for (size_t i = 0; i < twin->list->n; i++) {
		const struct config_client *entry = &twin->list->at[i];
		if (!policy_client_match(entry, client) || found++ >= NAMED_MAX)
			continue;
		str_printf(to, "%s%s from %s list", found > 1 ? ", and " : "", entry->text, twin->block);
		append_place(&entry->origin, to);
	}
	if (found > NAMED_MAX)
		str_printf(to, ", and %zu more entries that match the client", found - NAMED_MAX);
}

static void permit_by(const struct config_server *server, const struct twin *twin, const struct policy_client *client,
		      struct str *to)
{
	if (twin->allow == CONFIG_ONLY_LISTED)
		add_client(server, twin, client, to);
	else
		remove_entries(twin, client, to);
}

static void refuse_by(const struct config_server *server, const struct twin *twin, const struct policy_client *client,
		      struct str *to)
{
	if (twin->allow == CONFIG_ONLY_LISTED)
		remove_entries(twin, client, to);
	else
		add_client(server, twin, client, to);
}

/* The clauses of one advice: "to permit it, A; and B". */
struct clauses {
	struct str *to;
	bool more; /* there is one */
};

static void begin_clause(struct clauses *c)
{
	str_append_text(c->to, c->more ? "; and " : "to permit it, ");
	c->more = true;
}

/* Changes CLIENT so that it has what MAIL requires. */
static void satisfy_client(const struct config_server *server, struct policy_client *client, struct clauses *c)
{
	bool wants_tls = false, wants_user = false, changed = true;
	struct policy_decision decision;
	while (changed) {
		policy_mail_decide(server, client, NULL, &decision);
		enum reply_id refusal = explain_refusal(&decision);
		bool tls = refusal == REPLY_TLS_FIRST || refusal == REPLY_RULE_TLS_FIRST;
		bool user = refusal == REPLY_AUTH_FIRST || refusal == REPLY_RULE_AUTH_FIRST;
		wants_tls |= tls;
		wants_user |= user;
		client->tls |= tls;
		client->user = user ? "anybody" : client->user;
		changed = tls || user;
	}
	if (!wants_tls && !wants_user)
		return;
	begin_clause(c);
	str_printf(c->to, "let the client %s%s%s", wants_tls ? "use TLS" : "", wants_tls && wants_user ? " and " : "",
		   wants_user ? "authenticate" : "");
}

/* ADDRESS with the domain that it gets. */
static void append_address(const struct address *address, const char *domain, struct str *to)
{
	str_append(to, address->local);
	str_append_c(to, '@');
	str_append(to, domain ? span_of(domain) : address->domain);
}

/* The step of the client rule that refuses. */
static const struct policy_step *last_step(const struct policy_decision *decision)
{
	return &decision->steps[decision->step_count - 1];
}

static void permit_sender(const struct config_server *server, const struct policy_client *client,
			  const struct address *sender, struct clauses *c)
{
	const struct policy_mail mail = {.sender = sender};
	struct policy_decision decision;
	policy_mail_decide(server, client, &mail, &decision);
	if (decision.accepted)
		return;
	begin_clause(c);
	str_append_text(c->to, "add ");
	append_address(sender, sender->domain.len ? NULL : server->local_domains[0].name, c->to);
	str_printf(c->to, " to senders of client_rule %s", last_step(&decision)->text);
	append_place(last_step(&decision)->origin, c->to);
}

static void permit_size(const struct config_server *server, const struct policy_client *client, uint64_t size,
			struct clauses *c)
{
	const struct policy_mail mail = {.size = size};
	struct policy_decision decision;
	policy_mail_decide(server, client, &mail, &decision);
	if (decision.accepted)
		return;
	begin_clause(c);
	str_printf(c->to, "raise max_message_size of client_rule %s", last_step(&decision)->text);
	append_place(last_step(&decision)->origin, c->to);
}

static void permit_recipient(const struct config_server *server, const struct policy_client *client,
			     const struct explanation *e, struct clauses *c)
{
	struct policy_decision decision;
	rules_rcpt_decide(server, client, e->rcpt_said, e->relay.stamp, &decision);
	if (decision.accepted)
		return;
	begin_clause(c);
	str_append_text(c->to, "add ");
	append_address(e->rcpt_said, e->relay.stamp, c->to);
	str_printf(c->to, " to recipients of client_rule %s", last_step(&decision)->text);
	append_place(last_step(&decision)->origin, c->to);
}

/* An authenticated client has the same client rule. */
static bool keeps_rule(const struct config_server *server, const struct policy_client *client)
{
	struct policy_client user = *client;
	bool wants_name;
	user.user = "anybody";
	return rules_find(server, client, &wants_name) == rules_find(server, &user, &wants_name);
}

/* What permits users to relay, as the first of two ways: to authenticate, or the setting for a client that has. */
static void permit_user(const struct config_server *server, const struct policy_client *client, struct str *to)
{
	const struct config_relay *relay = &server->relay;
	if (!server->access.auth)
		return;
	if (client->user && !relay->authenticated && relay->authenticated_at.line) {
		str_append_text(to, "write authenticated yes in relay");
		append_place(&relay->authenticated_at, to);
		str_append_text(to, ", or ");
	} else if (!client->user && relay->authenticated && keeps_rule(server, client)) {
		str_append_text(to, "let the client authenticate, or ");
	}
}

static void permit_relay(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct clauses *c)
{
	const struct twin relay = relay_of(server);
	struct policy_decision decision;
	policy_relay_decide(server, client, domain, &decision);
	if (decision.accepted)
		return;
	begin_clause(c);
	permit_user(server, client, c->to);
	permit_by(server, &relay, client, c->to);
}

static void permit(const struct config_server *server, const struct explanation *e, struct str *to)
{
	const struct twin connect = connect_of(server);
	struct policy_client client = *e->client;
	struct clauses clauses = {.to = to};
	if (!e->connect.accepted) {
		begin_clause(&clauses);
		permit_by(server, &connect, &client, to);
	}
	satisfy_client(server, &client, &clauses);
	if (e->mail_said->sender)
		permit_sender(server, &client, e->mail_said->sender, &clauses);
	permit_size(server, &client, e->mail_said->size, &clauses);
	permit_relay(server, &client, e->rcpt_said->domain, &clauses);
	permit_recipient(server, &client, e, &clauses);
}

/* The change that takes away a rule that accepts the domain, if the later rules then refuse it. */
static bool refuse_domain(const struct config_server *server, const struct policy_client *client, struct span domain,
			  const struct policy_step *step, struct str *to)
{
	struct policy_decision without;
	bool remote = step->rule == POLICY_REMOTE_DOMAIN, connector = step->rule == POLICY_CONNECTOR;
	if (step->rule == POLICY_DEFAULT_DOMAIN)
		return false;
	policy_relay_from(server, client, domain,
			  connector ? POLICY_AUTHENTICATED
			  : remote  ? POLICY_CONNECTOR
				    : POLICY_REMOTE_DOMAIN,
			  &without);
	if (without.accepted)
		return false;
	if (remote || connector)
		str_printf(to, "write relay no in %s %s", remote ? "remote_domain" : "connector", step->text);
	else
		str_printf(to, "remove %s %s", step->rule == POLICY_ALIAS_DOMAIN ? "alias_domain" : "local_domain",
			   step->text);
	append_place(step->origin, to);
	return true;
}

static bool refuse_users(const struct config_server *server, const struct policy_client *client, struct str *to)
{
	const struct config_relay *relay = &server->relay;
	const struct config_origin *at = written(&relay->authenticated_at, &relay->list_at, relay_of(server).block_at);
	struct policy_decision without;
	policy_relay_from(server, client, (struct span){0}, POLICY_RELAY_LISTED, &without);
	if (without.accepted)
		return false;
	if (at->line)
		str_append_text(to, "write authenticated no in relay");
	else
		str_printf(to, "write relay { authenticated no } in virtual_server %s", server->name);
	append_place(at->line ? at : &server->origin, to);
	return true;
}

/* Where more than one rule accepts, only connection control keeps the client from sending there. */
static void refuse(const struct config_server *server, const struct explanation *e, struct str *to)
{
	const struct twin connect = connect_of(server), relay = relay_of(server);
	const struct policy_step *step = &e->relay.steps[e->relay.step_count - 1];
	str_append_text(to, "to refuse it, ");
	if (step->rule == POLICY_RELAY_LISTED || step->rule == POLICY_RELAY_NOT_LISTED)
		refuse_by(server, &relay, e->client, to);
	else if (step->rule == POLICY_AUTHENTICATED ? !refuse_users(server, e->client, to)
						    : !refuse_domain(server, e->client, e->rcpt_said->domain, step, to))
		refuse_by(server, &connect, e->client, to);
}

void advice_format(const struct config_server *server, const struct explanation *e, struct str *to)
{
	if (e->accepted)
		refuse(server, e, to);
	else
		permit(server, e, to);
}
