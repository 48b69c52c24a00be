#include "common/config/etrn.h"

#include "common/mail/domain.h"

enum etrn_syntax etrn_parse(struct span text, struct etrn_node *out)
{
	out->below = span_starts(text, SPAN("@"));
	out->domain = span_skip(text, out->below);
	if (span_starts(text, SPAN("#")))
		return ETRN_QUEUE_NAME;
	return domain_valid(out->domain) ? ETRN_NODE : ETRN_MALFORMED;
}

const struct config_remote_domain *etrn_find(const struct config_server *server, struct span domain)
{
	const struct config_remote_domain *best = config_remote_domain_find(server, domain);
	return best && best->etrn ? best : NULL;
}

bool etrn_may_ask(const struct config_remote_domain *remote)
{
	return remote->etrn && (!remote->atrn_accounts.n || remote->route.dns || remote->route.hosts.n);
}

/* NAME is DOMAIN, or below it. */
static bool is_below(struct span name, struct span domain)
{
	struct span tail = span_skip(name, name.len > domain.len ? name.len - domain.len : 0);
	return span_equal_nocase(tail, domain) && (name.len == domain.len || name.at[name.len - domain.len - 1] == '.');
}

bool etrn_means(const struct etrn_node *node, struct span domain)
{
	return node->below ? is_below(domain, node->domain) : span_equal_nocase(domain, node->domain);
}

bool etrn_covers(const struct config_server *server, const struct etrn_node *node)
{
	const struct config_remote_domain *exact = etrn_find(server, node->domain);
	if (exact && etrn_may_ask(exact))
		return true;
	for (size_t i = 0; node->below && i < server->remote_domain_count; i++) {
		const struct config_remote_domain *remote = &server->remote_domains[i];
		struct span pattern = span_of(remote->name);
		struct span base = span_skip(pattern, span_starts(pattern, SPAN("*.")) ? 2 : 0);
		if (etrn_may_ask(remote) && is_below(base, node->domain))
			return true;
	}
	return false;
}

bool etrn_may_fetch(const struct config_remote_domain *remote, struct span user)
{
	for (size_t i = 0; remote->etrn && i < remote->atrn_accounts.n; i++)
		if (span_equal_nocase(span_of(remote->atrn_accounts.at[i]), user))
			return true;
	return false;
}

bool etrn_offered(const struct config_server *server)
{
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (etrn_may_ask(&server->remote_domains[i]))
			return true;
	return false;
}

bool etrn_fetch_offered(const struct config_server *server)
{
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (server->remote_domains[i].etrn && server->remote_domains[i].atrn_accounts.n)
			return true;
	return false;
}

int etrn_next(struct span *list, struct span *domain)
{
	*list = span_trim(*list);
	if (!list->len)
		return 0;
	*domain = span_trim(span_take(list, ','));
	return domain_valid(*domain) ? 1 : -1;
}
