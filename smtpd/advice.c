#include "smtpd/advice.h"

enum { NAMED_MAX = 3 }; /* entries of a list; who has more will look for himself */

/* One of the twin lists, and where it is written. */
struct twin {
	const char *block;
	enum config_allow allow;
	const struct config_clients *list;
	const struct config_origin *list_at;
	const struct config_origin *block_at; /* something else that is written in it */
};

static struct twin connect_of(const struct config_server *server)
{
	const struct config_connect *connect = &server->connect;
	return (struct twin){"connect", connect->allow, &connect->list, &connect->list_at, &connect->allow_at};
}

static struct twin relay_of(const struct config_server *server)
{
	const struct config_relay *relay = &server->relay;
	const struct config_origin *at = relay->allow_at.line ? &relay->allow_at : &relay->open_relay_intended_at;
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

/* All entries that stand for the client: one that stayed would still match. The first few are named. */
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
		str_printf(to, ", and %zu more entries that match it", found - NAMED_MAX);
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

static void permit(const struct config_server *server, const struct policy_client *client, bool may_connect,
		   bool may_relay, struct str *to)
{
	const struct twin connect = connect_of(server), relay = relay_of(server);
	str_append_text(to, "to permit it, ");
	if (!may_connect)
		permit_by(server, &connect, client, to);
	if (!may_connect && !may_relay)
		str_append_text(to, "; and ");
	if (!may_relay)
		permit_by(server, &relay, client, to);
}

/* What takes away a rule that accepts the domain, if the rules after it would refuse then. */
static bool refuse_domain(const struct config_server *server, const struct policy_client *client, struct span domain,
			  const struct policy_step *step, struct str *to)
{
	struct policy_decision without;
	bool remote = step->rule == POLICY_REMOTE_DOMAIN;
	enum policy_rule next = remote ? POLICY_RELAY_LISTED : POLICY_REMOTE_DOMAIN;
	if (step->rule == POLICY_DEFAULT_DOMAIN)
		return false;
	policy_relay_from(server, client, domain, next, &without);
	if (without.accepted)
		return false;
	if (remote)
		str_printf(to, "write relay no in remote_domain %s", step->text);
	else
		str_printf(to, "remove %s %s", step->rule == POLICY_ALIAS_DOMAIN ? "alias_domain" : "local_domain",
			   step->text);
	append_place(step->origin, to);
	return true;
}

/* Where more than one rule accepts, connection control alone keeps the client from sending there. */
static void refuse(const struct config_server *server, const struct policy_client *client, struct span domain,
		   const struct policy_step *step, struct str *to)
{
	const struct twin connect = connect_of(server), relay = relay_of(server);
	str_append_text(to, "to refuse it, ");
	if (step->rule == POLICY_RELAY_LISTED || step->rule == POLICY_RELAY_NOT_LISTED)
		refuse_by(server, &relay, client, to);
	else if (!refuse_domain(server, client, domain, step, to))
		refuse_by(server, &connect, client, to);
}

void advice_format(const struct config_server *server, const struct policy_client *client, struct span domain,
		   const struct policy_decision *connect, const struct policy_decision *relay, struct str *to)
{
	if (connect->accepted && relay->accepted)
		refuse(server, client, domain, &relay->steps[relay->step_count - 1], to);
	else
		permit(server, client, connect->accepted, relay->accepted, to);
}
