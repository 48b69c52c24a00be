#include <pwd.h>
#include <stdio.h>

#include "common/base/language.h"
#include "ctl/examine_place.h"

enum { TEXT_MAX = 1024 };

static bool any_has_filters(const struct config *config)
{
	for (size_t i = 0; i < config->server_count; i++)
		if (config->servers[i].enabled && config->servers[i].filter_count)
			return true;
	return false;
}

void examine_filters_process(struct place place, const struct config *config)
{
	char text[TEXT_MAX];
	/* Without `user` nothing starts, and the service tells that. */
	if (!any_has_filters(config) || place.how->guest || !getpwnam(config->user) || getpwnam(config->filters_user))
		return;
	place.at = &config->filters_user_at;
	snprintf(
		text, sizeof(text),
		_("there is no user %.64s (filters_user), so no filter is reached: systemd-sysusers creates it, or adduser --system --group %.64s"),
		config->filters_user, config->filters_user);
	place_say(&place, CERTIFICATE_ERROR, text);
}
