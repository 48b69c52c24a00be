#include "master/handover.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/installed.h"

static const char *const order_names[] = {
	[SERVER_RUN] = "run",
	[SERVER_PAUSE] = "pause",
	[SERVER_END] = "end",
	[SERVER_STOP] = "stop",
};
enum { ORDERS = sizeof(order_names) / sizeof(order_names[0]), WORD_MAX = 40 };

static const char head[] = "mailrootd-handover 1";

void handover_init(struct handover *out)
{
	memset(out, 0, offsetof(struct handover, servers));
	out->lock = out->control = out->asker = -1;
}

static void write_child(const struct handover_child *child, struct str *to)
{
	char control[16] = "-";
	if (child->control >= 0)
		snprintf(control, sizeof(control), "%d", child->control);
	str_printf(to, "%s %s %s %d %s %" PRId64 " %" PRIu64 " %d %s\n", child->older ? "older" : "child",
		   child_role_name(child->role), supervise_state_name(child->state), (int)child->pid, control,
		   child->started_ms, child->restarts, child->paused, child->version);
}

static void write_server(const struct handover_server *server, struct str *to)
{
	str_printf(to, "server %s %s %.*s\n", order_names[server->order], server->open ? "open" : "closed",
		   SPAN_ARGS(server->name));
	for (size_t i = 0; i < server->listener_count; i++)
		str_printf(to, "listener %d\n", server->listeners[i]);
	for (size_t i = 0; i < server->left_count; i++)
		str_printf(to, "left %d\n", server->left[i]);
	for (size_t i = 0; i < CHILD_FD_KEPT; i++) {
		const struct link_ends *ends = &server->kept[i];
		if (ends->read >= 0)
			str_printf(to, "link %s %d %d\n", links_name(i), ends->read, ends->write);
	}
	for (size_t i = 0; i < server->child_count; i++)
		write_child(&server->children[i], to);
}

void handover_write(const struct handover *from, struct str *to)
{
	str_printf(to, "%s\nversion %.*s\n", head, SPAN_ARGS(from->version));
	str_printf(to, "contract %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", from->contract, from->packets, from->hash);
	str_printf(to, "began %" PRId64 "\ngeneration %" PRIu64 "\n", from->began_ms, from->generation);
	str_printf(to, "lock %d\ncontrol %d\n", from->lock, from->control);
	for (size_t i = 0; i < from->client_count; i++)
		str_printf(to, "client %d\n", from->clients[i]);
	if (from->asker >= 0)
		str_printf(to, "asker %d\n", from->asker);
	for (size_t i = 0; i < CHANGES_FIXED; i++)
		str_printf(to, "fixed %s %.*s\n", changes_fixed_name(i), SPAN_ARGS(from->fixed[i]));
	for (size_t i = 0; i < from->server_count; i++)
		write_server(&from->servers[i], to);
	str_append_text(to, "end\n");
}

struct reader {
	struct handover *out;
	struct handover_server *server; /* of the last `server` line */
	struct span rest;               /* of the line */
	unsigned char *seen;            /* a bit for each descriptor */
	bool ended;
};

static struct span next(struct reader *r)
{
	return span_take(&r->rest, ' ');
}

static bool next_number(struct reader *r, uint64_t max, uint64_t *out)
{
	return span_to_u64(next(r), max, out);
}

static bool next_time(struct reader *r, int64_t *out)
{
	uint64_t ms;
	bool good = next_number(r, INT64_MAX, &ms);
	*out = good ? (int64_t)ms : 0;
	return good;
}

static bool next_fd(struct reader *r, int *out)
{
	uint64_t fd;
	if (!next_number(r, HANDOVER_FD_MAX - 1, &fd) || fd < 3 || r->seen[fd / 8] & 1U << fd % 8)
		return false;
	r->seen[fd / 8] |= (unsigned char)(1U << fd % 8);
	*out = (int)fd;
	return true;
}

/* The index of the next word in NAMES, of N; N when it is none of them. */
static size_t next_name(struct reader *r, const char *const *names, size_t n)
{
	struct span word = next(r);
	size_t i = 0;
	while (i < n && !span_equal(word, span_of(names[i])))
		i++;
	return i;
}

static bool add_fd(struct reader *r, int *fds, size_t *n, size_t max)
{
	return *n < max && next_fd(r, &fds[(*n)++]);
}

static bool read_version(struct reader *r)
{
	r->out->version = r->rest;
	r->rest = (struct span){0};
	return r->out->version.len > 0;
}

static bool read_contract(struct reader *r)
{
	struct handover *out = r->out;
	return next_number(r, UINT32_MAX, &out->contract) && next_number(r, UINT32_MAX, &out->packets) &&
	       next_number(r, UINT64_MAX, &out->hash);
}

static bool read_began(struct reader *r)
{
	return next_time(r, &r->out->began_ms);
}

static bool read_generation(struct reader *r)
{
	return next_number(r, UINT64_MAX, &r->out->generation);
}

static bool read_lock(struct reader *r)
{
	return r->out->lock < 0 && next_fd(r, &r->out->lock);
}

static bool read_control(struct reader *r)
{
	return r->out->control < 0 && next_fd(r, &r->out->control);
}

static bool read_client(struct reader *r)
{
	return add_fd(r, r->out->clients, &r->out->client_count, HANDOVER_CLIENTS_MAX);
}

static bool read_asker(struct reader *r)
{
	return r->out->asker < 0 && next_fd(r, &r->out->asker);
}

static bool read_fixed(struct reader *r)
{
	struct span name = next(r);
	for (size_t i = 0; i < CHANGES_FIXED; i++) {
		if (!span_equal(name, span_of(changes_fixed_name(i))))
			continue;
		r->out->fixed[i] = r->rest;
		r->rest = (struct span){0};
		return true;
	}
	return false;
}

static bool read_server(struct reader *r)
{
	static const char *const opens[] = {"closed", "open"};
	struct handover *out = r->out;
	if (out->server_count == MASTER_SERVERS_MAX)
		return false;
	r->server = &out->servers[out->server_count];
	*r->server = (struct handover_server){0};
	for (size_t i = 0; i < CHILD_FD_KEPT; i++)
		r->server->kept[i] = (struct link_ends){-1, -1};
	size_t order = next_name(r, order_names, ORDERS), open = next_name(r, opens, 2);
	if (order == ORDERS || open == 2 || !r->rest.len || r->rest.len > SERVER_NAME_MAX)
		return false;
	r->server->order = (enum server_order)order;
	r->server->open = open;
	r->server->name = r->rest;
	r->rest = (struct span){0};
	out->server_count++;
	return true;
}

static bool read_listener(struct reader *r)
{
	return r->server && add_fd(r, r->server->listeners, &r->server->listener_count, LISTENERS_MAX);
}

static bool read_left(struct reader *r)
{
	return r->server && add_fd(r, r->server->left, &r->server->left_count, LISTENERS_MAX);
}

static bool read_link(struct reader *r)
{
	struct span name = next(r);
	size_t i = 0;
	while (i < CHILD_FD_KEPT && !span_equal(name, span_of(links_name(i))))
		i++;
	if (!r->server || i == CHILD_FD_KEPT || r->server->kept[i].read >= 0)
		return false;
	return next_fd(r, &r->server->kept[i].read) && next_fd(r, &r->server->kept[i].write);
}

/* The slot of a child in `struct server`; one that is not `older` has that of its role. */
static bool has_room(const struct handover_server *server, const struct handover_child *child)
{
	size_t older = 0;
	for (size_t i = 0; i < server->child_count; i++) {
		const struct handover_child *other = &server->children[i];
		if (!other->older && !child->older && other->role == child->role)
			return false;
		older += other->older;
	}
	return !child->older || older < SERVER_OLDER_MAX;
}

static bool read_process(struct reader *r, bool older)
{
	struct handover_child child = {.older = older, .control = -1};
	uint64_t pid, paused;
	if (!r->server || r->server->child_count == SERVER_CHILDREN)
		return false;
	child.role = child_role_find(next(r));
	if (child.role == CHILD_ROLE_COUNT || !has_room(r->server, &child))
		return false;
	child.state = supervise_state_find(next(r));
	if (child.state == SUPERVISE_STATE_COUNT || !next_number(r, INT32_MAX, &pid) || pid < 2)
		return false;
	child.pid = (pid_t)pid;
	if (span_starts(r->rest, SPAN("- ")))
		next(r);
	else if (!next_fd(r, &child.control))
		return false;
	if (!next_time(r, &child.started_ms) || !next_number(r, UINT64_MAX, &child.restarts) ||
	    !next_number(r, 1, &paused) || !span_copy(next(r), child.version, sizeof(child.version)))
		return false;
	child.paused = paused;
	r->server->children[r->server->child_count++] = child;
	return true;
}

static bool read_child(struct reader *r)
{
	return read_process(r, false);
}

static bool read_older(struct reader *r)
{
	return read_process(r, true);
}

static bool read_end(struct reader *r)
{
	const struct handover *out = r->out;
	r->ended = out->version.len && out->packets && out->lock >= 0 && out->control >= 0;
	return r->ended;
}

static const struct {
	const char *word;
	bool (*read)(struct reader *r);
} lines[] = {
	{"version", read_version},   {"contract", read_contract},
	{"began", read_began},       {"generation", read_generation},
	{"lock", read_lock},         {"control", read_control},
	{"client", read_client},     {"asker", read_asker},
	{"fixed", read_fixed},       {"server", read_server},
	{"listener", read_listener}, {"left", read_left},
	{"link", read_link},         {"child", read_child},
	{"older", read_older},       {"end", read_end},
};

static bool has_control(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < ' ')
			return true;
	return false;
}

static bool read_line(struct reader *r)
{
	if (has_control(r->rest))
		return false;
	struct span word = next(r);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (span_equal(word, span_of(lines[i].word)))
			return !r->ended && lines[i].read(r) && r->rest.len == 0;
	}
	return false;
}

size_t handover_read(struct span text, struct handover *out)
{
	struct reader r = {.out = out, .seen = calloc(HANDOVER_FD_MAX / 8, 1)};
	size_t number = 1;
	handover_init(out);
	bool good = r.seen && span_line(&text, &r.rest) && span_equal(r.rest, span_of(head));
	while (good && span_line(&text, &r.rest)) {
		number++;
		good = read_line(&r);
	}
	free(r.seen);
	return good && r.ended ? 0 : number;
}

static void each_of(const int *fds, size_t n, void (*do_it)(int fd, void *context), void *context)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			do_it(fds[i], context);
	}
}

void handover_each_of_server(const struct handover_server *from, void (*do_it)(int fd, void *context), void *context)
{
	each_of(from->listeners, from->listener_count, do_it, context);
	each_of(from->left, from->left_count, do_it, context);
	for (size_t i = 0; i < CHILD_FD_KEPT; i++) {
		each_of(&from->kept[i].read, 1, do_it, context);
		each_of(&from->kept[i].write, 1, do_it, context);
	}
	for (size_t i = 0; i < from->child_count; i++)
		each_of(&from->children[i].control, 1, do_it, context);
}

void handover_each(const struct handover *from, void (*do_it)(int fd, void *context), void *context)
{
	each_of(&from->lock, 1, do_it, context);
	each_of(&from->control, 1, do_it, context);
	each_of(&from->asker, 1, do_it, context);
	each_of(from->clients, from->client_count, do_it, context);
	for (size_t i = 0; i < from->server_count; i++)
		handover_each_of_server(&from->servers[i], do_it, context);
}

bool handover_refuses(const struct handover *from, size_t fault, const struct config *config, char *why, size_t size)
{
	if (fault || from->contract != CHILD_CONTRACT || !from->hash || from->hash != wire_contract(from->packets)) {
		snprintf(why, size,
			 "version %s can't take over from the running version %.*s: restart the service instead",
			 MAILROOT_VERSION, SPAN_ARGS(from->version));
		return true;
	}
	for (size_t i = 0; i < CHANGES_FIXED; i++) {
		if (span_equal(from->fixed[i], span_of(changes_fixed_value(i, config))))
			continue;
		snprintf(why, size,
			 "%s can't change while the service runs: restore it, or restart the service instead",
			 changes_fixed_name(i));
		return true;
	}
	return false;
}
