#include "smtpd/live.h"

const struct config_server *live_server(struct live *live)
{
	if (live->snapshot && snapshot_generation(live->snapshot) != live->generation) {
		const struct config *config = snapshot_current(live->snapshot, &live->generation);
		live->server = &config->servers[0];
	}
	return live->server;
}

bool live_publish(struct snapshot *snapshot, struct span text)
{
	size_t room, used;
	void *at = snapshot_room(snapshot, &room);
	if (!config_parse_canonical_in(text, at, room, &used))
		return false;
	snapshot_publish(snapshot, used);
	return true;
}
