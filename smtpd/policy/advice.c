#include "smtpd/policy/advice.h"

#include "common/base/language.h"
#include "smtpd/policy/rules.h"

enum {
	NAMED_MAX = 3, /* entries of a list that are named */
	NAMED_OCTETS_MAX = 16000,
	CHANGE_MAX = 32000
};

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

static void add_client(const struct config_server *server, const struct twin *twin, const struct policy_client *client,
		       struct str *to)
{
	const struct config_origin *list = twin->list_at, *block = twin->block_at, *virtual_server = &server->origin;
	char address[IPADDR_TEXT_MAX];
	ipaddr_format(&client->ip, address);
	if (list->line)
		str_printf(to, N_("add %s to %s list at %s:%u"), address, twin->block, list->file, list->line);
	else if (block->line)
		str_printf(to, N_("add list %s to %s at %s:%u"), address, twin->block, block->file, block->line);
	else
		str_printf(to, N_("write %s { list %s } in virtual_server %s at %s:%u"), twin->block, address,
			   server->name, virtual_server->file, virtual_server->line);
}

/* All entries that match the client: if one stayed, it would still match. The first few are named. */
static void remove_entries(const struct twin *twin, const struct policy_client *client, struct str *to)
{
	const struct config_client *last = NULL;
	struct str named;
	size_t found = 0;
	str_init(&named, NAMED_OCTETS_MAX);
	for (size_t i = 0; i < twin->list->n; i++) {
		const struct config_client *entry = &twin->list->at[i];
		if (!policy_client_match(entry, client) || found++ >= NAMED_MAX)
			continue;
		last = entry;
		str_printf(&named, "%s%s (%s:%u)", found > 1 ? ", " : "", entry->text, entry->origin.file,
			   entry->origin.line);
	}
	if (found == 1)
		str_printf(to, N_("remove %s from %s list at %s:%u"), last->text, twin->block, last->origin.file,
			   last->origin.line);
	else if (found <= NAMED_MAX)
		str_printf(to, N_("remove from %s list: %s"), twin->block, str_text(&named));
	else
		str_printf(to, N_("remove from %s list: %s, and %zu more that match the client"), twin->block,
			   str_text(&named), found - NAMED_MAX);
	str_free(&named);
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

/* Adds CHANGE, which was composed, to the changes that permit it; empties CHANGE. */
static void add_change(struct str *change, struct str *to)
{
	if (!change->len)
		return;
	str_append_text(to, to->len ? "; " : "");
	str_printf(to, to->len ? N_("and %s") : N_("to permit it, %s"), str_text(change));
	str_clear(change);
}

/* Changes CLIENT so that it has what MAIL requires. */
static void satisfy_client(const struct config_server *server, struct policy_client *client, struct str *to)
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
	if (wants_tls && wants_user)
		str_append_text(to, N_("let the client use TLS and authenticate"));
	else if (wants_tls)
		str_append_text(to, N_("let the client use TLS"));
	else if (wants_user)
		str_append_text(to, N_("let the client authenticate"));
}

/* The step of the client rule that refuses. */
static const struct policy_step *last_step(const struct policy_decision *decision)
{
	return &decision->steps[decision->step_count - 1];
}

static void permit_sender(const struct config_server *server, const struct policy_client *client,
			  const struct address *sender, struct str *to)
{
	const struct span domain = sender->domain.len ? sender->domain : span_of(server->local_domains[0].name);
	const struct policy_mail mail = {.sender = sender};
	struct policy_decision decision;
	policy_mail_decide(server, client, &mail, &decision);
	if (decision.accepted)
		return;
	const struct policy_step *step = last_step(&decision);
	str_printf(to, N_("add %.*s@%.*s to senders of client_rule %s at %s:%u"), SPAN_ARGS(sender->local),
		   SPAN_ARGS(domain), step->text, step->origin->file, step->origin->line);
}

static void permit_size(const struct config_server *server, const struct policy_client *client, uint64_t size,
			struct str *to)
{
	const struct policy_mail mail = {.size = size};
	struct policy_decision decision;
	policy_mail_decide(server, client, &mail, &decision);
	if (decision.accepted)
		return;
	const struct policy_step *step = last_step(&decision);
	str_printf(to, N_("raise max_message_size of client_rule %s at %s:%u"), step->text, step->origin->file,
		   step->origin->line);
}

static void permit_recipient(const struct config_server *server, const struct policy_client *client,
			     const struct explanation *e, struct str *to)
{
	const struct address *rcpt = e->rcpt_said;
	const struct span domain = e->relay.stamp ? span_of(e->relay.stamp) : rcpt->domain;
	struct policy_decision decision;
	rules_rcpt_decide(server, client, rcpt, e->relay.stamp, &decision);
	if (decision.accepted)
		return;
	const struct policy_step *step = last_step(&decision);
	str_printf(to, N_("add %.*s@%.*s to recipients of client_rule %s at %s:%u"), SPAN_ARGS(rcpt->local),
		   SPAN_ARGS(domain), step->text, step->origin->file, step->origin->line);
}

/* An authenticated client has the same client rule. */
static bool keeps_rule(const struct config_server *server, const struct policy_client *client)
{
	struct policy_client user = *client;
	bool wants_name;
	user.user = "anybody";
	return rules_find(server, client, &wants_name) == rules_find(server, &user, &wants_name);
}

/* Users may relay in a first way, too: they authenticate, or the setting changes for a client that has. */
static void permit_relay(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct str *to)
{
	const struct config_relay *relay = &server->relay;
	const struct config_origin *at = &relay->authenticated_at;
	const struct twin twin = relay_of(server);
	struct policy_decision decision;
	struct str change;
	policy_relay_decide(server, client, domain, &decision);
	if (decision.accepted)
		return;
	str_init(&change, CHANGE_MAX);
	permit_by(server, &twin, client, &change);
	const char *other = str_text(&change);
	if (server->access.auth && client->user && !relay->authenticated && at->line)
		str_printf(to, N_("write authenticated yes in relay at %s:%u, or %s"), at->file, at->line, other);
	else if (server->access.auth && !client->user && relay->authenticated && keeps_rule(server, client))
		str_printf(to, N_("let the client authenticate, or %s"), other);
	else
		str_append_text(to, other);
	str_free(&change);
}

static void permit_known(const struct explanation *e, struct str *to)
{
	const struct config_origin *at = &e->alias_at;
	if (!known_accepts(e->known.verdict))
		str_printf(to, e->known.verdict == KNOWN_NO ? N_("add the recipient to %s") : N_("correct %s"),
			   e->known.list.file);
	else if (e->alias == ALIAS_LATER)
		str_printf(to, N_("correct the file that recipients names at %s:%u"), at->file, at->line);
	else if (e->alias != ALIAS_EXPANDED && e->alias != ALIAS_NO_MEMORY)
		str_printf(to, N_("correct the alias at %s:%u"), at->file, at->line);
}

static void permit(const struct config_server *server, const struct explanation *e, struct str *to)
{
	const struct twin connect = connect_of(server);
	struct policy_client client = *e->client;
	struct str change;
	str_init(&change, CHANGE_MAX);
	if (!e->connect.accepted)
		permit_by(server, &connect, &client, &change);
	add_change(&change, to);
	satisfy_client(server, &client, &change);
	add_change(&change, to);
	if (e->mail_said->sender)
		permit_sender(server, &client, e->mail_said->sender, &change);
	add_change(&change, to);
	permit_size(server, &client, e->mail_said->size, &change);
	add_change(&change, to);
	permit_relay(server, &client, e->rcpt_said->domain, &change);
	add_change(&change, to);
	permit_recipient(server, &client, e, &change);
	add_change(&change, to);
	permit_known(e, &change);
	add_change(&change, to);
	str_free(&change);
}

/* The change that takes away a rule that accepts the domain, if the later rules then refuse it. */
static bool refuse_domain(const struct config_server *server, const struct policy_client *client, struct span domain,
			  const struct policy_step *step, struct str *to)
{
	const struct config_origin *at = step->origin;
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
	str_printf(to,
		   remote                              ? N_("write relay no in remote_domain %s at %s:%u")
		   : connector                         ? N_("write relay no in connector %s at %s:%u")
		   : step->rule == POLICY_ALIAS_DOMAIN ? N_("remove alias_domain %s at %s:%u")
						       : N_("remove local_domain %s at %s:%u"),
		   step->text, at->file, at->line);
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
		str_printf(to, N_("write authenticated no in relay at %s:%u"), at->file, at->line);
	else
		str_printf(to, N_("write relay { authenticated no } in virtual_server %s at %s:%u"), server->name,
			   server->origin.file, server->origin.line);
	return true;
}

/* Where more than one rule accepts, only connection control keeps the client from sending there. */
static void refuse(const struct config_server *server, const struct explanation *e, struct str *to)
{
	const struct twin connect = connect_of(server), relay = relay_of(server);
	const struct policy_step *step = &e->relay.steps[e->relay.step_count - 1];
	struct str change;
	str_init(&change, CHANGE_MAX);
	if (step->rule == POLICY_RELAY_LISTED || step->rule == POLICY_RELAY_NOT_LISTED)
		refuse_by(server, &relay, e->client, &change);
	else if (step->rule == POLICY_AUTHENTICATED
			 ? !refuse_users(server, e->client, &change)
			 : !refuse_domain(server, e->client, e->rcpt_said->domain, step, &change))
		refuse_by(server, &connect, e->client, &change);
	str_printf(to, N_("to refuse it, %s"), str_text(&change));
	str_free(&change);
}

void advice_format(const struct config_server *server, const struct explanation *e, struct str *to)
{
	if (e->accepted)
		refuse(server, e, to);
	else
		permit(server, e, to);
}
