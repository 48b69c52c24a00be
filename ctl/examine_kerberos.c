#include <pwd.h>
#include <stdio.h>

#include "common/base/language.h"
#include "ctl/examine_place.h"

enum { TEXT_MAX = 1024 };

static bool any_asks(const struct config *config)
{
	for (size_t i = 0; i < config->server_count; i++)
		if (config->servers[i].enabled && config_kerberos_needed(&config->servers[i]))
			return true;
	return false;
}

void examine_kerberos_process(struct place place, const struct config *config)
{
	char text[TEXT_MAX];
	/* Without `user` nothing starts, and the service tells that. */
	if (!any_asks(config) || place.how->guest || !getpwnam(config->user) || getpwnam(config->kerberos_user))
		return;
	place.at = &config->kerberos_user_at;
	snprintf(
		text, sizeof(text),
		_("there is no user %.64s (kerberos_user), so passwords are not checked by Kerberos: systemd-sysusers creates it, or adduser --system --group %.64s"),
		config->kerberos_user, config->kerberos_user);
	place_say(&place, CERTIFICATE_ERROR, text);
}
