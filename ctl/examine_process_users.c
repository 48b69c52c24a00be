/* Checks that there is the user of each process that only some configurations need. */
#include <pwd.h>
#include <stdio.h>

#include "common/base/language.h"
#include "common/config/oauth.h"
#include "ctl/examine_place.h"

enum { TEXT_MAX = 1024 };

static bool has_filters(const struct config_server *server)
{
	return server->filter_count > 0;
}

static bool any(const struct config *config, bool (*needs)(const struct config_server *server))
{
	for (size_t i = 0; i < config->server_count; i++)
		if (config->servers[i].enabled && needs(&config->servers[i]))
			return true;
	return false;
}

void examine_process_users(struct place place, const struct config *config)
{
	const struct {
		bool needed;
		const char *user;
		const struct config_origin *at;
		const char *message;
	} rows[] = {
		{any(config, config_oauth_needed), config->web_user, &config->web_user_at,
		 _("there is no user %.64s (web_user), so access tokens are not fetched: systemd-sysusers creates it, or adduser --system --group %.64s")},
		{any(config, config_kerberos_needed), config->kerberos_user, &config->kerberos_user_at,
		 _("there is no user %.64s (kerberos_user), so passwords are not checked by Kerberos: systemd-sysusers creates it, or adduser --system --group %.64s")},
		{any(config, has_filters), config->filters_user, &config->filters_user_at,
		 _("there is no user %.64s (filters_user), so no filter is reached: systemd-sysusers creates it, or adduser --system --group %.64s")},
		{config->metrics.listen.n, config->stat_user, &config->stat_user_at,
		 _("there is no user %.64s (stat_user), so metrics are not served: systemd-sysusers creates it, or adduser --system --group %.64s")},
		{config_alerts_needed(config), config->stat_user, &config->stat_user_at,
		 _("there is no user %.64s (stat_user), so no alerts are sent: systemd-sysusers creates it, or adduser --system --group %.64s")},
	};
	char text[TEXT_MAX];
	/* Without `user` nothing starts, and the service tells that. */
	if (place.how->guest || !getpwnam(config->user))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].needed || getpwnam(rows[i].user))
			continue;
		place.at = rows[i].at;
		snprintf(text, sizeof(text), rows[i].message, rows[i].user, rows[i].user);
		place_say(&place, CERTIFICATE_ERROR, text);
	}
}
