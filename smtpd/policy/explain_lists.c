#include "smtpd/policy/explain_lists.h"

#include "common/config/value.h"

static const char *const skips[] = {
	[LISTING_EXCEPTED] = "excepted", [LISTING_AUTHENTICATED] = "authenticated", [LISTING_MAY_RELAY] = "may_relay"};

static void append_list(const struct config_dnsbl *list, struct str *to)
{
	struct config_dnsbl shown = *list;
	char zone[DOMAIN_MAX + 1];
	dnsbl_shown(span_of(list->zone), zone);
	shown.zone = zone;
	config_format_dnsbl(to, &shown);
}

/* The pause comes before a client can authenticate, and before there is a recipient. */
static bool explain_pause(const struct config_server *server, const struct policy_client *client,
			  struct explained_list *out, struct str *value)
{
	const struct config_connect *connect = &server->connect;
	struct policy_client before = *client;
	bool wants_name;
	if (!connect->greet_pause)
		return false;
	before.user = NULL;
	enum listing_skip skip = listing_skip(server, &before, &wants_name);
	*out = (struct explained_list){"greet_pause", &connect->greet_pause_at,
				       skip == LISTING_STRANGER ? "waits" : skips[skip]};
	config_value_format(CONFIG_DURATION, &connect->greet_pause, value);
	return true;
}

bool explain_list(const struct config_server *server, const struct policy_client *client, const struct address *rcpt,
		  size_t i, struct explained_list *out, struct str *value)
{
	const struct config_connect *connect = &server->connect;
	size_t lists = connect->dnsbl.n ? listing_count(connect) : 0;
	bool wants_name;
	if (i >= lists)
		return i == lists && explain_pause(server, client, out, value);
	const struct config_dnsbl *list = listing_at(connect, i);
	enum listing_skip skip = listing_skip(server, client, &wants_name);
	*out = (struct explained_list){i < connect->dnsbl.n ? "dnsbl" : "dnsbl_allow", &list->origin, "asked"};
	if (skip != LISTING_STRANGER)
		out->effect = skips[skip];
	else if (listing_spares(rcpt))
		out->effect = "postmaster";
	append_list(list, value);
	return true;
}
