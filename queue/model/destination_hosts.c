/* The hosts of a next hop: what is asked for, what was answered, joined into one list. */
#include <stdlib.h>
#include <string.h>

#include "queue/model/destination.h"

enum {
	HOSTS_MIN_MS = 30 * 1000, /* with a shorter time to live every message would need a look-up */
	HOSTS_MAX_MS = 3600 * 1000
};

void destination_forget_hosts(struct destination *d)
{
	free(d->hosts);
	d->hosts = NULL;
}

bool destination_has_room(const struct destination *d, const struct target *t, size_t hosts, size_t octets)
{
	size_t share = t->found && d->target_count > 1 ? 2 : 1;
	return hosts < HOSTS_MAX / share && octets <= DESTINATION_HOSTS_TEXT_MAX / share;
}

/* Joins the hosts of all targets, in order, into one list. */
static void join_hosts(struct destination *d)
{
	struct str text;
	struct span line;
	bool had_found = d->found > 0;
	d->host_count = d->found = 0;
	str_init(&text, DESTINATION_HOSTS_TEXT_MAX);
	for (size_t i = 0; i < d->target_count; i++) {
		const struct target *t = &d->targets[i];
		struct span rest = span_of(t->hosts);
		while (span_line(&rest, &line) && destination_has_room(d, t, d->host_count, text.len + line.len + 1)) {
			str_append(&text, line);
			str_append_c(&text, '\n');
			d->host_count++;
			d->found += t->found;
		}
	}
	d->generation += had_found != (d->found > 0);
	destination_forget_hosts(d);
	d->hosts = text.at;
}

static enum destination_answer conclude(struct destination *d)
{
	bool asked = false, later = false, found = false, closed = false;
	for (size_t i = 0; i < d->target_count; i++) {
		asked |= d->targets[i].state == TARGET_ASKED;
		later |= d->targets[i].state == TARGET_LATER;
		found |= d->targets[i].state == TARGET_FOUND;
		closed |= d->targets[i].state == TARGET_CLOSED;
	}
	if (asked && !closed)
		return DESTINATION_ASKING;
	d->asking = false;
	if (closed)
		return DESTINATION_NEVER;
	if (found)
		join_hosts(d);
	if (d->hosts && found)
		return DESTINATION_DONE;
	/* A host of the configuration that does not exist is a mistake there. The mail waits and does not bounce. */
	return later || !d->targets[d->target_count - 1].found ? DESTINATION_LATER : DESTINATION_NEVER;
}

enum destination_answer destination_answer(struct destination *d, size_t at, enum target_state state, struct span hosts,
					   int64_t ttl_ms, int64_t now_ms)
{
	struct target *t = &d->targets[at];
	int64_t until = now_ms + (ttl_ms > HOSTS_MIN_MS ? ttl_ms : HOSTS_MIN_MS);
	free(t->hosts);
	t->hosts = state == TARGET_FOUND ? strndup(hosts.at, hosts.len) : NULL;
	t->state = state == TARGET_FOUND && !t->hosts ? TARGET_LATER : state;
	t->serial = 0;
	if (until < d->hosts_until)
		d->hosts_until = until;
	return conclude(d);
}

static bool know_address(struct target *t)
{
	struct str text;
	if (t->kind != CONFIG_HOST_IP)
		return false;
	str_init(&text, DESTINATION_HOSTS_TEXT_MAX);
	hosts_append(&text, &(struct host){.name = span_of(t->name), .ip = t->ip, .port = t->port});
	free(t->hosts);
	t->hosts = text.at;
	t->state = t->hosts ? TARGET_FOUND : TARGET_LATER;
	return true;
}

enum destination_answer destination_ask(struct destination *d, int64_t now_ms)
{
	d->asking = true;
	d->hosts_until = now_ms + HOSTS_MAX_MS;
	for (size_t i = 0; i < d->target_count; i++)
		if (!know_address(&d->targets[i]))
			d->targets[i].state = TARGET_ASKED;
	return conclude(d);
}
