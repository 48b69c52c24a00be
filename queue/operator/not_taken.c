#include "queue/operator/not_taken.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/language.h"
#include "common/mail/domain.h"

struct list {
	struct not_taken *at;
	size_t n;
};

/* Adds an entry, for which the caller writes `why`. NULL when there is no room. */
static struct not_taken *add(struct list *list, const char *what, const char *name, struct config_origin origin)
{
	if (list->n == NOT_TAKEN_MAX)
		return NULL;
	struct not_taken *entry = &list->at[list->n++];
	*entry = (struct not_taken){.what = what, .name = span_of(name), .origin = origin};
	return entry;
}

static void say(struct not_taken *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct not_taken *entry, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(entry->why, sizeof(entry->why), format, args);
	va_end(args);
}

/* True, with the reason, when the route was decided before connectors and smart_host. */
static bool decided_before(const struct route *route, struct not_taken *entry)
{
	if (route->kind == ROUTE_DROP)
		say(entry, N_("mail for local_domain %s is delivered locally"), route->local->name);
	else if (route_of_remote(route))
		say(entry, N_("remote_domain %s has a route"), route->remote->name);
	else
		return false;
	return true;
}

static void add_remotes(const struct config_server *server, const struct route *route, struct list *list)
{
	for (size_t i = 0; i < server->remote_domain_count; i++) {
		const struct config_remote_domain *remote = &server->remote_domains[i];
		if (remote == route->remote || !domain_pattern_match(span_of(remote->name), route->domain))
			continue;
		struct not_taken *entry = add(list, "remote_domain", remote->name, remote->origin);
		if (entry && route->remote)
			say(entry, N_("remote_domain %s is more specific"), route->remote->name);
		else if (entry)
			decided_before(route, entry);
	}
}

/* The connector of SPACE could take the message, but CHOICE takes precedence. */
static void compare(const struct config_space *space, const struct connector_choice *choice, struct not_taken *entry)
{
	const char *name = choice->connector->name;
	if (domain_pattern_weight(span_of(space->pattern)) != domain_pattern_weight(span_of(choice->space->pattern)))
		say(entry, N_("address_space %s of connector %s is more specific"), choice->space->pattern, name);
	else if (space->cost != choice->space->cost)
		say(entry, N_("its cost is %u, that of connector %s is %u"), space->cost, name, choice->space->cost);
	else
		say(entry, N_("connector %s is listed before it"), name);
}

static void judge(const struct config_connector *connector, const struct config_space *space,
		  const struct connector_mail *mail, const struct connector_choice *choice, struct not_taken *entry)
{
	enum connector_verdict verdict = mail ? connector_judge(connector, mail) : CONNECTOR_TAKES;
	entry->conditional = verdict != CONNECTOR_TAKES;
	switch (verdict) {
	case CONNECTOR_TAKES:
		compare(space, choice, entry);
		break;
	case CONNECTOR_TOO_LARGE:
		say(entry, N_("the message has %llu octets, its max_message_size is %llu"),
		    (unsigned long long)mail->size, (unsigned long long)connector->max_message_size);
		break;
	case CONNECTOR_OTHER_SENDERS:
		say(entry, N_("the sender is not in its senders"));
		break;
	case CONNECTOR_SENDER_REFUSED:
		say(entry, N_("the sender is in its senders_refused"));
	}
}

static void add_connectors(const struct config_server *server, const struct connector_mail *mail,
			   const struct route *route, struct list *list)
{
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		const struct config_space *space = connector_space(connector, route->domain);
		if (!space || (connector == route->choice.connector && !route_of_remote(route)))
			continue;
		struct not_taken *entry = add(list, "connector", connector->name, connector->origin);
		if (entry && !decided_before(route, entry))
			judge(connector, space, mail, &route->choice, entry);
	}
}

static void add_smart_host(const struct config_server *server, const struct route *route, struct list *list)
{
	if (!server->smart_host.n || route->hosts == &server->smart_host)
		return;
	struct not_taken *entry = add(list, "smart_host", server->smart_host.at[0].name, server->smart_host_at);
	if (entry && !decided_before(route, entry))
		say(entry, N_("connector %s takes precedence"), route->choice.connector->name);
}

size_t not_taken_list(const struct config_server *server, const struct connector_mail *mail, const struct route *route,
		      struct not_taken *out)
{
	struct list list = {.at = out};
	add_remotes(server, route, &list);
	add_connectors(server, mail, route, &list);
	add_smart_host(server, route, &list);
	return list.n;
}
