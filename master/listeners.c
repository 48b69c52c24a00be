#include "master/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/net/net.h"
#include "master/handed.h"

enum { V4_AT = 12 };

/* The relation between a socket that is open and one that is wanted. */
enum clash { CLASH_NONE, CLASH_BESIDE, CLASH_SAME };

struct place {
	struct ipaddr ip; /* 0.0.0.0 and :: for "*" */
	uint16_t port;
};

bool listeners_init(struct listeners *listeners, struct listeners_all *all)
{
	*listeners = (struct listeners){.all = all};
	if (all->n == MASTER_SERVERS_MAX)
		return false;
	all->of[all->n++] = listeners;
	return true;
}

void listeners_free(struct listeners *listeners)
{
	struct listeners_all *all = listeners->all;
	listeners_close(listeners);
	for (size_t i = 0; all && i < all->n; i++) {
		if (all->of[i] == listeners)
			all->of[i] = all->of[--all->n];
	}
	listeners->all = NULL;
}

static const char *remedy(int err)
{
	switch (err) {
	case EADDRINUSE:
		return N_("another program, or another virtual server, listens there; `ss -ltnp` names it");
	case EADDRNOTAVAIL:
		return N_("this machine does not have the address (yet); `ip address` lists its addresses");
	case EACCES:
		return N_("ports below 1024 need root, or a socket unit of systemd");
	default:
		return N_("see `listen` in mailroot.conf(5)");
	}
}

/* Appends a line to WHY. */
static void explain(const struct config_endpoint *where, int err, char *why, size_t size)
{
	char at[320] = "the default";
	size_t used = strlen(why);
	if (where->origin.file)
		snprintf(at, sizeof(at), "%.280s:%u", where->origin.file, where->origin.line);
	if (used && used + 2 < size)
		used += (size_t)snprintf(why + used, size - used, "; ");
	snprintf(why + used, size - used, N_("can't listen on %.80s (%s): %s: %s"), where->text, at, strerror(err),
		 remedy(err));
}

static struct place place_wanted(const struct config_endpoint *where, bool v6)
{
	struct place place = {where->ip, where->port};
	if (!where->any)
		return place;
	memset(&place.ip, 0, sizeof(place.ip));
	if (!v6)
		memset(place.ip.octets + V4_AT - 2, 0xff, 2);
	return place;
}

static bool place_of(int fd, struct place *out)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &len))
		return false;
	net_address(&name, &out->ip, &out->port);
	return true;
}

static bool is_wildcard(const struct ipaddr *ip)
{
	static const unsigned char nothing[sizeof(ip->octets)];
	size_t from = ipaddr_is_v4(ip) ? V4_AT : 0;
	return memcmp(ip->octets + from, nothing, sizeof(nothing) - from) == 0;
}

static enum clash clash_of(int fd, const struct place *wanted)
{
	struct place place;
	if (!place_of(fd, &place) || place.port != wanted->port || ipaddr_is_v4(&place.ip) != ipaddr_is_v4(&wanted->ip))
		return CLASH_NONE;
	if (ipaddr_equal(&place.ip, &wanted->ip))
		return CLASH_SAME;
	return is_wildcard(&place.ip) || is_wildcard(&wanted->ip) ? CLASH_BESIDE : CLASH_NONE;
}

static enum clash worst(enum clash so_far, const int *fds, size_t n, const struct place *wanted)
{
	for (size_t i = 0; i < n; i++) {
		enum clash clash = clash_of(fds[i], wanted);
		so_far = clash > so_far ? clash : so_far;
	}
	return so_far;
}

/* Our open socket at the address WANTED, if there is one. */
static int find(const struct listeners *listeners, const struct place *wanted)
{
	for (size_t i = 0; i < listeners->n; i++) {
		if (clash_of(listeners->fds[i], wanted) == CLASH_SAME)
			return listeners->fds[i];
	}
	for (size_t i = 0; i < listeners->left_count; i++) {
		if (clash_of(listeners->left[i], wanted) == CLASH_SAME)
			return listeners->left[i];
	}
	return -1;
}

/* The new set in the making: open sockets that stay, and new ones. */
struct making {
	const struct listeners *old;
	int fds[LISTENERS_MAX];
	bool fresh[LISTENERS_MAX];
	size_t n;
};

/* The socket that was handed over for WANTED, or a new one. */
static int listen_at(const struct place *wanted, const struct config_endpoint *where, bool v6, bool beside)
{
	int fd = handed_take(&wanted->ip, wanted->port);
	return fd == -ENOENT ? net_listen(where, v6, beside) : fd;
}

static int open_one(struct making *making, const struct config_endpoint *where, bool v6)
{
	const struct listeners_all *all = making->old->all;
	const struct place wanted = place_wanted(where, v6);
	enum clash clash = worst(CLASH_NONE, making->fds, making->n, &wanted);
	if (making->n == LISTENERS_MAX)
		return -EMFILE;
	int fd = find(making->old, &wanted);
	making->fresh[making->n] = fd < 0;
	if (fd >= 0)
		handed_used(&wanted.ip, wanted.port);
	if (fd < 0) {
		for (size_t i = 0; i < all->n; i++) {
			clash = worst(clash, all->of[i]->fds, all->of[i]->n, &wanted);
			clash = worst(clash, all->of[i]->left, all->of[i]->left_count, &wanted);
		}
		fd = clash == CLASH_SAME ? -EADDRINUSE : listen_at(&wanted, where, v6, clash == CLASH_BESIDE);
	}
	if (fd < 0)
		return fd;
	making->fds[making->n++] = fd;
	return 0;
}

static int open_endpoint(struct making *making, const struct config_endpoint *where)
{
	if (!where->any)
		return open_one(making, where, !ipaddr_is_v4(&where->ip));
	int err = open_one(making, where, false);
	if (err)
		return err;
	err = open_one(making, where, true);
	return err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL ? 0 : err;
}

static bool holds(const int *fds, size_t n, int fd)
{
	size_t i = 0;
	while (i < n && fds[i] != fd)
		i++;
	return i < n;
}

static void close_all(int *fds, size_t *n)
{
	while (*n) {
		int *fd = &fds[--*n];
		struct place place;
		if (!place_of(*fd, &place) || !handed_has(&place.ip, place.port))
			shutdown(*fd, SHUT_RD);
		fd_close(fd);
	}
}

/* Sockets that are not in the new set are `left`; `left` ones that are wanted again are not. */
static void take(struct listeners *listeners, const struct making *made)
{
	int left[LISTENERS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < listeners->n + listeners->left_count; i++) {
		int *fd = i < listeners->n ? &listeners->fds[i] : &listeners->left[i - listeners->n];
		size_t one = 1;
		if (holds(made->fds, made->n, *fd))
			continue;
		if (count < LISTENERS_MAX)
			left[count++] = *fd;
		else
			close_all(fd, &one);
	}
	memcpy(listeners->fds, made->fds, sizeof(listeners->fds));
	memcpy(listeners->left, left, count * sizeof(left[0]));
	listeners->n = made->n;
	listeners->left_count = count;
}

static bool was_missing(const struct listeners *listeners, const struct config_endpoint *where)
{
	for (size_t i = 0; i < listeners->missing_count; i++) {
		const struct listeners_line *line = &listeners->missing[i];
		if (line->port == where->port && line->any == where->any &&
		    (where->any || ipaddr_equal(&line->ip, &where->ip)))
			return true;
	}
	return false;
}

static void give_up(struct making *making)
{
	while (making->n--) {
		if (making->fresh[making->n])
			fd_close(&making->fds[making->n]);
	}
}

bool listeners_open(struct listeners *listeners, const struct config_endpoints *where, bool some, char *why,
		    size_t size)
{
	struct making making = {.old = listeners};
	struct listeners_line missing[LISTENERS_LINES_MAX];
	size_t count = 0;
	why[0] = '\0';
	listeners->error = 0;
	for (size_t i = 0; i < where->n && i < LISTENERS_LINES_MAX; i++) {
		const struct config_endpoint *at = &where->at[i];
		int err = open_endpoint(&making, at);
		if (!err)
			continue;
		listeners->error = -err;
		explain(at, -err, why, size);
		if (!some && !was_missing(listeners, at)) {
			give_up(&making);
			return false;
		}
		missing[count++] = (struct listeners_line){at->ip, at->port, at->any};
	}
	memcpy(listeners->missing, missing, count * sizeof(missing[0]));
	listeners->missing_count = count;
	take(listeners, &making);
	return true;
}

void listeners_drop_left(struct listeners *listeners)
{
	close_all(listeners->left, &listeners->left_count);
}

void listeners_close(struct listeners *listeners)
{
	listeners_drop_left(listeners);
	close_all(listeners->fds, &listeners->n);
	listeners->missing_count = 0;
}
