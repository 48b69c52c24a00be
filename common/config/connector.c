#include "common/config/connector.h"

#include "common/mail/domain.h"

enum connector_verdict connector_judge(const struct config_connector *connector, const struct connector_mail *mail)
{
	if (mail->size > (uint64_t)connector->max_message_size)
		return CONNECTOR_TOO_LARGE;
	if (connector->senders.n && !config_senders_have(&connector->senders, mail->sender))
		return CONNECTOR_OTHER_SENDERS;
	return config_senders_have(&connector->senders_refused, mail->sender) ? CONNECTOR_SENDER_REFUSED
									      : CONNECTOR_TAKES;
}

/* A is a better match than B; of equals the first one found remains. */
static bool is_better(const struct config_space *a, const struct config_space *b)
{
	size_t wa = domain_pattern_weight(span_of(a->pattern)), wb = domain_pattern_weight(span_of(b->pattern));
	return wa != wb ? wa > wb : a->cost < b->cost;
}

const struct config_space *connector_space(const struct config_connector *connector, struct span domain)
{
	const struct config_space *best = NULL;
	for (size_t i = 0; i < connector->address_space.n; i++) {
		const struct config_space *space = &connector->address_space.at[i];
		if (domain_pattern_match(span_of(space->pattern), domain) && (!best || is_better(space, best)))
			best = space;
	}
	return best;
}

bool connector_find(const struct config_server *server, struct span domain, const struct connector_mail *mail,
		    struct connector_choice *out)
{
	*out = (struct connector_choice){0};
	for (size_t i = 0; i < server->connector_count; i++) {
		const struct config_connector *connector = &server->connectors[i];
		if (mail && connector_judge(connector, mail) != CONNECTOR_TAKES)
			continue;
		const struct config_space *space = connector_space(connector, domain);
		if (space && (!out->space || is_better(space, out->space)))
			*out = (struct connector_choice){connector, space};
	}
	return out->space != NULL;
}
