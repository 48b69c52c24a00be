#include "smtpd/filters/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "smtpd/milter/milter.h"

enum { GROUPS_TEXT_MAX = 1 << 20, GROUP_NAME_MAX = 64, AGAIN_MS = 20 };

void reach_init(struct reach *r, const char *user)
{
	const struct passwd *self = geteuid() == 0 ? NULL : getpwuid(geteuid());
	*r = (struct reach){0};
	snprintf(r->user, sizeof(r->user), "%s", self ? self->pw_name : user);
	str_init(&r->groups, GROUPS_TEXT_MAX);
	int fd = open("/etc/group", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fd_read_all(fd, &r->groups) != 0)
		str_clear(&r->groups);
	fd_close(&fd);
}

void reach_free(struct reach *r)
{
	str_free(&r->groups);
}

/* A socket that is somewhere else than its path says would not be the one that the administrator has looked at. */
static int examine(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return S_ISSOCK(st.st_mode) ? 0 : -ENOTSOCK;
}

static socklen_t socket_address(const struct config_filter_address *address, struct sockaddr_storage *to)
{
	struct sockaddr_un *local = (struct sockaddr_un *)to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	memset(to, 0, sizeof(*to));
	if (address->path) {
		local->sun_family = AF_UNIX;
		snprintf(local->sun_path, sizeof(local->sun_path), "%s", address->path);
		return sizeof(*local);
	}
	if (ipaddr_is_v4(&address->ip)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(address->port);
		memcpy(&v4->sin_addr, address->ip.octets + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(address->port);
	memcpy(&v6->sin6_addr, address->ip.octets, 16);
	return sizeof(*v6);
}

int reach_begin(const struct config_filter_address *address)
{
	const int on = 1;
	struct sockaddr_storage to;
	socklen_t len = socket_address(address, &to);
	int err = address->path ? examine(address->path) : 0;
	if (err)
		return err;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (to.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* an optimization */
	if (connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS)
		return fd;
	err = errno;
	fd_close(&fd);
	return -err;
}

int reach_result(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? -err : -errno;
}

bool reach_is_ours(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS || err == EINTR;
}

bool reach_greet(int fd)
{
	struct milter m;
	milter_init(&m);
	struct span offer = str_span(&m.out);
	bool sent = offer.len && write(fd, offer.at, offer.len) == (ssize_t)offer.len;
	milter_free(&m);
	return sent;
}

int reach_greeted(int fd, struct reach_greeting *greeting)
{
	ssize_t n = read(fd, greeting->head + greeting->len, sizeof(greeting->head) - greeting->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return -ECONNRESET;
	greeting->len += (size_t)n;
	if (greeting->len < sizeof(greeting->head))
		return -EAGAIN;
	return greeting->head[MILTER_HEAD - 1] == 'O' ? 0 : -EPROTO;
}

/* The name of the group ID, or its number. */
static void group_name(const struct reach *r, gid_t id, char name[GROUP_NAME_MAX])
{
	struct span rest = str_span(&r->groups), line;
	uint64_t number;
	snprintf(name, GROUP_NAME_MAX, "%u", (unsigned)id);
	while (span_line(&rest, &line)) {
		struct span first = span_take(&line, ':');
		span_take(&line, ':');
		if (span_to_u64(span_take(&line, ':'), UINT32_MAX, &number) && number == id) {
			snprintf(name, GROUP_NAME_MAX, "%.*s", SPAN_ARGS(first));
			return;
		}
	}
}

/* The first folder of PATH that this process may not enter, else PATH itself. The socket's own place ends the path. */
static bool find_refusal(const char *path, char place[CONFIG_FILTER_PATH_MAX + 1])
{
	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		snprintf(place, CONFIG_FILTER_PATH_MAX + 1, "%.*s", (int)i, path);
		if (faccessat(AT_FDCWD, place, X_OK, AT_EACCESS) != 0)
			return true;
	}
	snprintf(place, CONFIG_FILTER_PATH_MAX + 1, "%s", path);
	return false;
}

static void explain_access(const struct reach *r, const char *path, char *why, size_t size)
{
	char place[CONFIG_FILTER_PATH_MAX + 1], group[GROUP_NAME_MAX] = "?";
	struct stat st = {0};
	bool folder = find_refusal(path, place);
	if (lstat(place, &st) == 0)
		group_name(r, st.st_gid, group);
	bool group_may = st.st_mode & (folder ? S_IXGRP : S_IWGRP);
	if (!group_may || st.st_gid == 0)
		snprintf(
			why, size,
			folder ? N_("user %s may not enter the folder %s: let the filter make it for a group of its own that may enter, and add the user to that group")
			       : N_("user %s may not write to %s: let the filter make its socket with mode 0660 and a group of its own, and add the user to that group"),
			r->user, place);
	else
		snprintf(
			why, size,
			folder ? N_("user %s may not enter the folder %s, but group %s may: add the user to the group with usermod -aG, and restart the service")
			       : N_("user %s may not write to %s, but group %s may: add the user to the group with usermod -aG, and restart the service"),
			r->user, place, group);
}

void reach_why(const struct reach *r, const struct config_filter_address *address, int err, char why[DIAL_WHY_MAX + 1])
{
	const size_t size = DIAL_WHY_MAX + 1;
	const char *where = address->path ? address->path : address->text;
	if (err == EACCES && address->path)
		explain_access(r, address->path, why, size);
	else if (err == ENOENT || err == ENOTDIR)
		snprintf(why, size, N_("%s does not exist: is the filter running, and does it listen there?"), where);
	else if (err == ELOOP)
		snprintf(why, size, N_("%s is a symbolic link: write the path of the socket itself into address"),
			 where);
	else if (err == ENOTSOCK)
		snprintf(why, size, N_("%s is not a socket: let the filter listen there, or correct address"), where);
	else if (err == ECONNREFUSED)
		snprintf(why, size, N_("nothing listens at %s: is the filter running?"), where);
	else if (err == EAGAIN)
		snprintf(why, size, N_("%s does not accept connections: does the filter hang?"), where);
	else if (err == ETIME)
		snprintf(why, size, N_("%s accepts connections, but does not answer: does the filter hang?"), where);
	else if (err == EPROTO)
		snprintf(why, size, N_("what listens at %s does not speak the milter protocol: correct address"),
			 where);
	else if (err == ECONNRESET)
		snprintf(why, size, N_("%s ends each connection at once: does the filter accept this host?"), where);
	else if (err == ETIMEDOUT)
		snprintf(
			why, size,
			N_("%s did not answer in time: is its host up, and does each firewall let the connection pass?"),
			where);
	else if (reach_is_ours(err))
		snprintf(why, size, N_("mailroot-filters can't connect: %s"), strerror(err));
	else
		snprintf(why, size, N_("can't connect to %s: %s"), where, strerror(err));
}

int reach_connect(const struct reach *r, const struct config_filter_address *address, int64_t until,
		  char why[DIAL_WHY_MAX + 1])
{
	int fd, err;
	while ((fd = reach_begin(address)) == -EAGAIN && clock_mono_ms() < until)
		poll(NULL, 0, AGAIN_MS);
	if (fd >= 0) {
		struct pollfd socket = {.fd = fd, .events = POLLOUT};
		int64_t left = until - clock_mono_ms();
		err = poll(&socket, 1, left > 0 ? (int)left : 0) > 0 ? -reach_result(fd) : ETIMEDOUT;
		if (!err)
			return fd;
		fd_close(&fd);
	} else {
		err = -fd;
	}
	reach_why(r, address, err, why);
	return -err;
}
