#include "smtpd/milter/filter.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "smtpd/milter/dial.h"

#define UNASKED "sent octets that nothing asked for"

enum { READ_OCTETS = 16 * 1024, ABORT_MS = 1000 };

void filter_init(struct filter *f, const struct config_filter *config)
{
	*f = (struct filter){.config = *config, .fd = -1};
	snprintf(f->name, sizeof(f->name), "%s", config->name);
	f->config.name = f->name;
	str_init(&f->in, MILTER_PACKET_MAX + READ_OCTETS);
}

static void hang_up(struct filter *f)
{
	if (f->fd == -1)
		return;
	fd_close(&f->fd);
	milter_free(&f->machine);
	str_free(&f->in);
	f->in_at = 0;
}

void filter_free(struct filter *f)
{
	hang_up(f);
}

/* The machine knows at which event it was. */
static enum milter_result give_up(struct filter *f, const char *what)
{
	if (what)
		milter_down(&f->machine, what);
	snprintf(f->why, sizeof(f->why), "the filter %s", f->machine.words);
	hang_up(f);
	return MILTER_FAULT;
}

/* The end of a wait of LIMIT_MS from now on, UNTIL at most. */
static int64_t end_of(int64_t limit_ms, int64_t until)
{
	int64_t end = clock_mono_ms() + limit_ms;
	return end < until ? end : until;
}

static bool is_stopped(struct filter *f, const struct filter_services *services)
{
	f->stopped = services->stop && *services->stop;
	return f->stopped;
}

/* Waits for EVENTS of the socket. 0, -ETIMEDOUT, or -ECANCELED: f->stopped. */
static int await_socket(struct filter *f, const struct filter_services *services, short events, int64_t until)
{
	struct pollfd fds[] = {{.fd = f->fd, .events = events},
			       {.fd = services->hear ? services->link : -1, .events = POLLIN}};
	bool ready = false;
	if (services->waiting_fd)
		*services->waiting_fd = f->fd;
	for (int64_t now = clock_mono_ms(); !ready && now < until && !is_stopped(f, services); now = clock_mono_ms()) {
		int n = poll(fds, 2, until - now < INT32_MAX ? (int)(until - now) : INT32_MAX);
		ready = n < 0 ? errno != EINTR : n > 0 && fds[0].revents;
		if (n > 0 && fds[1].revents && !services->hear(services->context))
			fds[1].fd = -1;
	}
	if (services->waiting_fd)
		*services->waiting_fd = -1;
	if (is_stopped(f, services))
		return -ECANCELED;
	return ready ? 0 : -ETIMEDOUT;
}

static enum milter_result lack_memory(struct filter *f)
{
	f->ours = true;
	return give_up(f, "can't be asked: out of memory");
}

static bool send_all(struct filter *f, const struct filter_services *services, int64_t until)
{
	struct span rest = str_span(&f->machine.out);
	if (f->machine.out.failed) {
		lack_memory(f);
		return false;
	}
	while (rest.len) {
		ssize_t n = send(f->fd, rest.at, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err = n >= 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (n >= 0)
			rest = span_skip(rest, (size_t)n);
		else if (!err)
			err = await_socket(f, services, POLLOUT, until);
		if (err) {
			give_up(f, err == -ETIMEDOUT ? "took no more octets in time" : "broke off the connection");
			return false;
		}
	}
	str_clear(&f->machine.out);
	return true;
}

/* What is taken makes room for more. */
static void drop_taken(struct filter *f)
{
	struct span rest = span_skip(str_span(&f->in), f->in_at);
	if (rest.len)
		memmove(f->in.at, rest.at, rest.len);
	f->in.len = rest.len;
	f->in_at = 0;
}

static enum milter_result receive(struct filter *f, const struct filter_services *services, int64_t until)
{
	int err = await_socket(f, services, POLLIN, until);
	if (err == -ETIMEDOUT && services->doubt)
		services->doubt(services->context, &f->config);
	if (err)
		return give_up(f, "did not answer in time");
	drop_taken(f);
	if (!str_reserve(&f->in, READ_OCTETS))
		return lack_memory(f);
	ssize_t n = recv(f->fd, f->in.at + f->in.len, READ_OCTETS, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return MILTER_MORE;
	if (n <= 0)
		return give_up(f, "broke off the connection");
	f->in.len += (size_t)n;
	return MILTER_MORE;
}

static enum milter_result take(struct filter *f)
{
	size_t taken = 0;
	enum milter_result result = milter_take(&f->machine, span_skip(str_span(&f->in), f->in_at), &taken);
	f->in_at += taken;
	return result == MILTER_FAULT ? give_up(f, NULL) : result;
}

void filter_fault(struct filter *f, const char *what)
{
	give_up(f, what);
}

/* What is left over after an answer, or came since, answers nothing; it may be a part of a packet. */
bool filter_quiet(struct filter *f)
{
	char octets[64];
	drop_taken(f);
	ssize_t n = recv(f->fd, octets, sizeof(octets), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		give_up(f, "broke off the connection");
		return false;
	}
	if (n > 0)
		str_append(&f->in, (struct span){octets, (size_t)n});
	if ((n > 0 || f->in.len) && take(f) != MILTER_FAULT)
		give_up(f, UNASKED);
	return f->fd != -1;
}

enum milter_result filter_await(struct filter *f, const struct filter_services *services, int64_t limit_ms,
				int64_t until)
{
	int64_t end = end_of(limit_ms, until);
	if (f->machine.out.len && f->in_at < f->in.len)
		return give_up(f, UNASKED);
	if (!send_all(f, services, end))
		return MILTER_FAULT;
	for (;;) {
		enum milter_result result = take(f);
		if (result == MILTER_MORE)
			result = receive(f, services, end);
		if (result == MILTER_PROGRESS)
			end = end_of(limit_ms, until);
		else if (result != MILTER_MORE && result != MILTER_EDIT)
			return result;
	}
}

bool filter_send(struct filter *f, const struct filter_services *services, int64_t limit_ms, int64_t until)
{
	return send_all(f, services, end_of(limit_ms, until));
}

bool filter_ended(const struct filter *f)
{
	char octet;
	ssize_t n = f->fd == -1 ? 0 : recv(f->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

enum milter_result filter_open(struct filter *f, const struct filter_services *services, int64_t until)
{
	int64_t end = end_of(f->config.timeout.connect_ms, until);
	f->why[0] = '\0';
	int fd = services->dial(services->context, &f->config, end, f->why, sizeof(f->why));
	f->absent = fd < 0;
	f->ours = fd == -DIAL_OURS;
	if (fd < 0) {
		is_stopped(f, services);
		return MILTER_FAULT;
	}
	f->fd = fd;
	milter_init(&f->machine);
	return filter_await(f, services, f->config.timeout.connect_ms, end);
}

void filter_abort(struct filter *f, const struct filter_services *services)
{
	if (f->fd == -1)
		return;
	milter_abort(&f->machine);
	filter_send(f, services, ABORT_MS, INT64_MAX);
}

void filter_close(struct filter *f)
{
	if (f->fd == -1)
		return;
	milter_quit(&f->machine);
	struct span rest = str_span(&f->machine.out);
	if (rest.len)
		send(f->fd, rest.at, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	hang_up(f);
}
