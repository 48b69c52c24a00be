/* Rules for clients: rules that fit no client, never come into force, or would have no effect. */
#include <string.h>

#include "common/base/language.h"
#include "common/config/check.h"
#include "common/mail/domain.h"

static struct config_at place_of(const struct config_build *b, const struct config_server *server,
				 const struct config_origin *written, const struct config_client_rule *rule)
{
	return config_build_at(b, server, written->line ? *written : rule->origin);
}

static const char *name_of(const struct config_client_rule *rule)
{
	return rule->name ? rule->name : "?";
}

/* Every client that INNER, an entry of a list, matches is one that OUTER matches, too. */
static bool entry_covers(const struct config_client *outer, const struct config_client *inner)
{
	if (outer->name && !strcmp(outer->name, "*"))
		return true;
	if (!outer->name != !inner->name)
		return false;
	if (!outer->name)
		return outer->net.bits <= inner->net.bits && cidr_contains(&outer->net, &inner->net.base);
	/* *.a.net has the names that *.b.a.net has. */
	struct span name = span_skip(span_of(inner->name), inner->name[0] == '*');
	return !strcmp(outer->name, inner->name) ||
	       (outer->name[0] == '*' && span_ends_nocase(name, span_of(outer->name + 1)));
}

static bool list_covers(const struct config_clients *outer, const struct config_clients *inner)
{
	for (size_t i = 0; i < inner->n; i++) {
		size_t k = 0;
		while (k < outer->n && !entry_covers(&outer->at[k], &inner->at[i]))
			k++;
		if (k == outer->n)
			return false;
	}
	return inner->n > 0;
}

static bool user_covers(const char *outer, const char *inner)
{
	return !strcmp(outer, "*") || !strcasecmp(outer, inner);
}

static bool users_cover(const struct config_words *outer, const struct config_words *inner)
{
	for (size_t i = 0; i < inner->n; i++) {
		size_t k = 0;
		while (k < outer->n && !user_covers(outer->at[k], inner->at[i]))
			k++;
		if (k == outer->n)
			return false;
	}
	return inner->n > 0;
}

static bool is_whole(const struct config_build *b, const struct config_client_rule *rule)
{
	return (rule->list.n || rule->users.n) && !config_build_failed(b, &rule->list) &&
	       !config_build_failed(b, &rule->users);
}

/* RULE fits no client that FIRST, an earlier rule, does not fit. */
static bool is_shadowed(const struct config_build *b, const struct config_client_rule *first,
			const struct config_client_rule *rule)
{
	return is_whole(b, first) && is_whole(b, rule) && (!first->list.n || list_covers(&first->list, &rule->list)) &&
	       (!first->users.n || users_cover(&first->users, &rule->users));
}

static void check_order(struct config_build *b, const struct config_server *server,
			const struct config_client_rule *rule)
{
	for (const struct config_client_rule *first = server->client_rules; first < rule; first++) {
		if (rule->name && first->name && !strcasecmp(rule->name, first->name)) {
			config_error(b->findings, config_build_at(b, server, rule->origin),
				     _("client_rule %s is given twice: first at %s:%u"), rule->name, first->origin.file,
				     first->origin.line);
			return;
		}
		if (!is_shadowed(b, first, rule))
			continue;
		config_warning(
			b->findings, config_build_at(b, server, rule->origin),
			_("this rule never comes into force: client_rule %s at %s:%u fits all its clients; put this one in front of it, or remove it"),
			name_of(first), first->origin.file, first->origin.line);
		return;
	}
}

static void check_clients(struct config_build *b, const struct config_server *server,
			  const struct config_client_rule *rule)
{
	if (!rule->list.n && !rule->users.n && !config_build_failed(b, &rule->list) &&
	    !config_build_failed(b, &rule->users))
		config_error(
			b->findings, config_build_at(b, server, rule->origin),
			_("this rule fits no client: add list with addresses or names, or list * for every client, or users with accounts"));
	if (!config_check_no_users(b, server))
		return;
	if (rule->users.n)
		config_error(
			b->findings, place_of(b, server, &rule->users_at, rule),
			_("no client can authenticate, because auth is off: add auth plain login to access, or remove users"));
	if (rule->require & REQUIRE_AUTH)
		config_error(
			b->findings, place_of(b, server, &rule->require_at, rule),
			_("no client can authenticate, because auth is off: add auth plain login to access, or remove auth here"));
}

static void check_permits(struct config_build *b, const struct config_server *server,
			  const struct config_client_rule *rule)
{
	const struct config_certificates *certificates = &server->access.tls_certificate;
	const int64_t most = server->messages.max_message_size;
	if (rule->from_header && !rule->senders.n && !config_build_failed(b, &rule->senders))
		config_error(
			b->findings, place_of(b, server, &rule->from_header_at, rule),
			_("from_header has no effect without senders: add senders with the addresses that the client may use"));
	for (size_t i = 0; i < rule->recipients.n; i++)
		if (!rule->recipients.at[i].domain)
			config_error(b->findings, place_of(b, server, &rule->recipients_at, rule),
				     _("<> can't be a recipient: write addresses and domains"));
	if ((rule->require & REQUIRE_TLS) && !certificates->n && !config_build_failed(b, certificates))
		config_error(
			b->findings, place_of(b, server, &rule->require_at, rule),
			_("there is no TLS without a certificate: add tls_certificate CERTIFICATE KEY to access, or remove tls here"));
	if (rule->max_message_size_at.line && rule->max_message_size != CONFIG_NONE && rule->max_message_size > most &&
	    !config_build_failed(b, &server->messages.max_message_size))
		config_warning(
			b->findings, place_of(b, server, &rule->max_message_size_at, rule),
			_("max_message_size has no effect here, because that of messages is smaller and holds for every client"));
}

void config_check_client_rules(struct config_build *b, const struct config_server *server)
{
	for (size_t i = 0; i < server->client_rule_count; i++) {
		check_order(b, server, &server->client_rules[i]);
		check_clients(b, server, &server->client_rules[i]);
		check_permits(b, server, &server->client_rules[i]);
	}
}
