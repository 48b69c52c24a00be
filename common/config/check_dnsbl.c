/* DNS lists and the pause before the greeting: settings that would have no effect. */
#include "common/config/check.h"

#include "common/base/language.h"

static void check_except(struct config_build *b, const struct config_server *server)
{
	const struct config_clients *list = &server->connect.dnsbl_except;
	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].name)
			config_error(
				b->findings, config_build_at(b, server, list->at[i].origin),
				_("%s is no address: dnsbl_except takes addresses and networks only, because no name is looked up before the greeting"),
				list->at[i].text);
}

static int64_t highest(const struct config_dnsbls *lists)
{
	int64_t sum = 0;
	for (size_t i = 0; i < lists->n; i++)
		sum += lists->at[i].score;
	return sum;
}

static void check_pause(struct config_build *b, const struct config_server *server)
{
	int64_t max = server->processes.max;
	if (server->max_connections < max)
		max = server->max_connections;
	if (server->connect.greet_pause && max < CONFIG_PAUSE_PART)
		config_warning(
			b->findings, config_build_at(b, server, server->connect.greet_pause_at),
			_("greet_pause has no effect: a quarter of processes max (or of max_connections) may wait, which is less than one process here: write 4 or more there, or remove greet_pause"));
}

void config_check_dnsbl(struct config_build *b, const struct config_server *server)
{
	const struct config_connect *connect = &server->connect;
	bool without = !connect->dnsbl.n && !config_build_failed(b, &connect->dnsbl);
	check_except(b, server);
	check_pause(b, server);
	if (without && connect->dnsbl_allow.n)
		config_error(
			b->findings, config_build_at(b, server, connect->dnsbl_allow_at),
			_("dnsbl_allow has no effect without dnsbl, which alone refuses clients: add dnsbl, or remove it"));
	if (without && connect->dnsbl_reject != 1)
		config_error(b->findings, config_build_at(b, server, connect->dnsbl_reject_at),
			     _("dnsbl_reject has no effect without dnsbl: add dnsbl, or remove it"));
	if (without || config_build_failed(b, &connect->dnsbl) || config_build_failed(b, &connect->dnsbl_reject) ||
	    highest(&connect->dnsbl) >= connect->dnsbl_reject)
		return;
	config_error(
		b->findings, config_build_at(b, server, connect->dnsbl_reject_at),
		_("no client is ever refused: all scores of dnsbl sum up to %lld, and dnsbl_reject is %lld: raise the scores, or lower dnsbl_reject"),
		(long long)highest(&connect->dnsbl), (long long)connect->dnsbl_reject);
}
