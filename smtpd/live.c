#include "smtpd/live.h"

#include <stdlib.h>

#include "common/base/log.h"

static struct config *parse(struct span text)
{
	struct config *config = calloc(1, sizeof(*config));
	if (config && config_parse_canonical(text, config) && config->server_count == 1)
		return config;
	if (config)
		config_free(config);
	free(config);
	return NULL;
}

void live_free(struct live *live)
{
	if (live->own)
		config_free(live->own);
	free(live->own);
	live->own = NULL;
}

const struct config_server *live_server(struct live *live)
{
	if (!live->snapshot || snapshot_generation(live->snapshot) == live->generation)
		return live->server;
	struct config *config = parse(snapshot_text(live->snapshot, &live->generation));
	if (!config) {
		log_error("can't read the new configuration in a session; it goes on with the old one");
		return live->server;
	}
	live_free(live);
	live->own = config;
	live->server = &config->servers[0];
	return live->server;
}
