/* Alerts: hosts that take the messages, written as for mail. */
#include "common/config/check.h"

#include "common/base/language.h"

bool config_alerts_needed(const struct config *config)
{
	return config->alert.to.n || (config->alert.command && config->alert.command[0]);
}

static void check_via(struct config_build *b, const struct config_alert *alert)
{
	for (size_t i = 0; i < alert->via.n; i++) {
		const struct config_host *host = &alert->via.at[i];
		if (host->weight)
			config_error(b->findings, config_origin_at(b->tree, host->origin),
				     _("via of alert takes no weight: its hosts are tried in their order"));
	}
	if (alert->via.n && !alert->to.n)
		config_error(b->findings, config_origin_at(b->tree, alert->via_at),
			     _("via of alert has no effect without `to`"));
}

void config_check_alert(struct config_build *b)
{
	check_via(b, &b->out->alert);
}
