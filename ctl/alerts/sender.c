#include "ctl/alerts/sender.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/process/child.h"
#include "common/process/privs.h"

enum { BUFFER = 512 << 10 }; /* of the socket: more than one alert */

#define END(text) ((text)[sizeof(text) - 1] = '\0')

void sender_bound_alert(struct courier_alert *alert)
{
	END(alert->state);
	END(alert->kind);
	END(alert->server);
	END(alert->object);
	END(alert->since);
	watch_text(span_of((END(alert->subject), alert->subject)), alert->subject, sizeof(alert->subject));
	if (alert->listener_count > COURIER_LISTENERS_MAX)
		alert->listener_count = COURIER_LISTENERS_MAX;
	for (size_t i = 0; i < COURIER_LISTENERS_MAX; i++)
		END(alert->listeners[i]);
	if (alert->body_len > sizeof(alert->body))
		alert->body_len = sizeof(alert->body);
}

void sender_bound_answer(struct courier_answer *answer)
{
	if (answer->n > COURIER_MAX)
		answer->n = COURIER_MAX;
	for (size_t i = 0; i < COURIER_MAX; i++) {
		END(answer->at[i].way);
		END(answer->at[i].said);
	}
}

/* No link to master, no configuration and no listener of it stays open. */
static void keep_only(int fd)
{
	if (dup2(fd, CHILD_FD_CONTROL) < 0 || close_range(CHILD_FD_CONTROL + 1, UINT_MAX, 0))
		log_fatal(EXIT_TEMPORARY, "the sender of alerts: can't close descriptors: %s", strerror(errno));
}

static _Noreturn void serve(const struct config *config, const char *host)
{
	static struct courier_alert alert;
	static struct courier_answer answer;
	const struct privs_jail jail = {
		.user = config->stat_user, .with_groups = true, .may_fork = true, .all_files = true};
	prctl(PR_SET_NAME, "mr-alerts-send");
	privs_enter(&jail);
	while (recv(CHILD_FD_CONTROL, &alert, sizeof(alert), 0) == (ssize_t)sizeof(alert)) {
		sender_bound_alert(&alert);
		courier_tell(&config->alert, host, &alert, &answer);
		if (send(CHILD_FD_CONTROL, &answer, sizeof(answer), MSG_NOSIGNAL) != (ssize_t)sizeof(answer))
			break;
	}
	_exit(0);
}

int sender_start(const struct config *config, const char *host)
{
	const int size = BUFFER;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		log_fatal(EXIT_TEMPORARY, "no socket for the sender of alerts: %s", strerror(errno));
	for (size_t i = 0; i < 2; i++) {
		if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
			setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	pid_t pid = fork();
	if (pid < 0)
		log_fatal(EXIT_TEMPORARY, "can't start the sender of alerts: %s", strerror(errno));
	if (pid == 0) {
		keep_only(ends[1]);
		serve(config, host);
	}
	fd_close(&ends[1]);
	fd_set_nonblock(ends[0], true);
	return ends[0];
}

bool sender_give(int fd, const struct courier_alert *alert)
{
	return send(fd, alert, sizeof(*alert), MSG_NOSIGNAL) == (ssize_t)sizeof(*alert);
}

int sender_take(int fd, struct courier_answer *answer)
{
	ssize_t n = read(fd, answer, sizeof(*answer));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != (ssize_t)sizeof(*answer))
		return -1;
	sender_bound_answer(answer);
	return 1;
}
