#include "common/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log_level.h"
#include "common/base/span.h"

enum {
	LINE_MAX_OCTETS = 2000,
	SYSLOG_MAIL = 2 << 3, /* the facility, RFC 3164 4.1.1 */
	TIME_TEXT_MAX = 40,   /* on a terminal */
	WAIT_MS = 200         /* for a slow reader, before a line is dropped */
};

enum target { TARGET_TTY, TARGET_STREAM, TARGET_DATAGRAM };

static struct {
	const char *program;
	const char *server;
	enum log_level level;
	enum target target;
	unsigned dropped; /* lines since the last one that was written */
} state = {.program = "mailroot", .level = LOG_LEVEL_INFO, .target = TARGET_STREAM};

static enum target find_target(void)
{
	int type = 0;
	socklen_t len = sizeof(type);
	if (getsockopt(STDERR_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) == 0)
		return type == SOCK_DGRAM ? TARGET_DATAGRAM : TARGET_STREAM;
	return isatty(STDERR_FILENO) ? TARGET_TTY : TARGET_STREAM;
}

void log_open(const char *program, const char *server)
{
	int saved = errno;
	state.program = program;
	state.server = server;
	state.target = find_target();
	tzset(); /* before a jail */
	errno = saved;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

/* "2026-11-29 22:57:31", local time. */
static const char *time_now(char to[TIME_TEXT_MAX])
{
	time_t now = time(NULL);
	struct tm tm;
	if (!localtime_r(&now, &tm) || !strftime(to, TIME_TEXT_MAX, "%F %T", &tm))
		to[0] = '\0';
	return to;
}

/* Writes the text in front of a line. Syslog's tag has the process id in its brackets. */
static size_t write_head(char *line, size_t size, enum log_level level)
{
	const char *server = state.server ? state.server : "";
	char now[TIME_TEXT_MAX];
	int len;
	if (state.target == TARGET_DATAGRAM)
		len = snprintf(line, size, "<%d>%s%s%s[%d]: ", SYSLOG_MAIL + (int)level, state.program,
			       *server ? "/" : "", server, (int)getpid());
	else if (state.target == TARGET_TTY)
		len = snprintf(line, size, "%s %s%s%s%s: ", time_now(now), state.program, *server ? "[" : "", server,
			       *server ? "]" : "");
	else
		len = snprintf(line, size, "<%d>%s%s%s%s: ", (int)level, state.program, *server ? "[" : "", server,
			       *server ? "]" : "");
	return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}

/* A reader that has stopped must not stop the service: after the first dropped line the log no longer waits for it. */
static void send_line(const char *line, size_t len)
{
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
	bool ready = poll(&writable, 1, state.dropped ? 0 : WAIT_MS) == 1 && !(writable.revents & POLLERR);
	ssize_t sent = -1;
	if (ready && state.target == TARGET_DATAGRAM)
		sent = send(STDERR_FILENO, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	else if (ready)
		sent = write(STDERR_FILENO, line, len);
	state.dropped = sent == -1 ? state.dropped + 1 : 0;
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	char text[LINE_MAX_OCTETS];
	char line[LINE_MAX_OCTETS + 1];
	int saved = errno;
	if (level > state.level)
		return;
	int len = vsnprintf(text, sizeof(text), format, args);
	if (len < 0)
		return;
	struct span raw = {text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1};
	size_t at = write_head(line, LINE_MAX_OCTETS / 4, level);
	if (state.dropped)
		at += (size_t)snprintf(line + at, 64, "(dropped=%u) ", state.dropped);
	at += span_clean(raw, line + at, LINE_MAX_OCTETS - at);
	if (state.target != TARGET_DATAGRAM)
		line[at++] = '\n';
	send_line(line, at);
	errno = saved;
}

/* The three levels differ in nothing but their name. */
#define LOG_FUNCTION(function, level)                                                                                  \
	void function(const char *format, ...)                                                                         \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, format);                                                                                \
		log_line(level, format, args);                                                                         \
		va_end(args);                                                                                          \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)

void log_fatal(int exit_code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, format, args);
	va_end(args);
	exit(exit_code);
}
