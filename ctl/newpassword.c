#include "ctl/newpassword.h"

#include <errno.h>
#include <gsasl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "ctl/cmd.h"

enum { TYPED_MAX = 4 * NEWPASSWORD_MAX }; /* preparation may shorten it */

static size_t characters(const char *utf8)
{
	size_t n = 0;
	for (; *utf8; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

static bool take_prepared(const char *prepared, char *to, bool *shorter, const char **why)
{
	*shorter = characters(prepared) < NEWPASSWORD_SHORT;
	if (!prepared[0])
		*why = "a password must not be empty";
	else if (!span_copy(span_of(prepared), to, NEWPASSWORD_MAX + 1))
		*why = "a password must not be longer than 128 octets";
	else
		return true;
	return false;
}

bool newpassword_prepare(struct span typed, char to[NEWPASSWORD_MAX + 1], bool *shorter, const char **why)
{
	char text[TYPED_MAX + 1], *prepared = NULL;
	bool good = false;
	*shorter = false;
	if (typed.len > TYPED_MAX)
		*why = "a password must not be longer than 128 octets";
	else if (!span_copy(typed, text, sizeof(text)) || gsasl_saslprep(text, 0, &prepared, NULL) != GSASL_OK)
		*why = "it has characters that are not allowed in a password (RFC 4013: control characters, unassigned ones, mixed directions of writing), or is not UTF-8";
	else
		good = take_prepared(prepared, to, shorter, why);
	explicit_bzero(text, sizeof(text));
	if (prepared)
		explicit_bzero(prepared, strlen(prepared));
	gsasl_free(prepared);
	return good;
}

/* Turns off the terminal's echo. Blocks signals meanwhile, so that none leaves the terminal in that state. */
struct silence {
	struct termios before;
	sigset_t mask;
	int signals;
};

static bool silence_begin(struct silence *s)
{
	struct termios quiet;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (s->signals < 0 || tcgetattr(STDIN_FILENO, &s->before)) {
		cmd_fail("the terminal can't be told to hide the password: %s", strerror(errno));
		fd_close(&s->signals);
		return false;
	}
	sigprocmask(SIG_BLOCK, &set, &s->mask);
	quiet = s->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	return true;
}

/* Delivers a signal that came meanwhile. */
static void silence_end(struct silence *s)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before);
	fd_close(&s->signals);
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

/* True: an octet of standard input, or its end, can be read. False: a signal came. */
static bool wait_for_octet(int signals)
{
	struct pollfd either[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	while (poll(either, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !either[1].revents;
}

/*
 * Reads one line of standard input, octet by octet, so that no buffer keeps it; cut at SIZE, which is too long for a
 * password. False: there is none. SIGNALS: a descriptor that ends the wait, or -1.
 */
static bool read_line(int signals, char *to, size_t size, struct span *line)
{
	size_t n = 0;
	while (n < size) {
		ssize_t got = wait_for_octet(signals) ? read(STDIN_FILENO, to + n, 1) : -1;
		if (got < 0)
			return false;
		if (got == 0 || to[n] == '\n') {
			*line = (struct span){to, n};
			return got > 0 || n > 0;
		}
		n++;
	}
	*line = (struct span){to, n};
	return true;
}

static bool ask(const struct silence *s, const char *prompt, const char *name, char *to, size_t size, struct span *line)
{
	fprintf(stderr, "%s %s: ", prompt, name);
	fflush(stderr);
	bool good = read_line(s->signals, to, size, line);
	fputc('\n', stderr);
	return good;
}

static bool ask_twice(const char *name, char *first, char *second, size_t size, struct span *line)
{
	struct silence silence;
	struct span again;
	if (!silence_begin(&silence))
		return false;
	bool good = ask(&silence, "New password of", name, first, size, line) &&
		    ask(&silence, "Repeat for", name, second, size, &again);
	silence_end(&silence);
	if (good && span_equal(*line, again))
		return true;
	cmd_fail(good ? "the two passwords differ; nothing was done" : "no password was given; nothing was done");
	return false;
}

static bool read_typed(const char *name, char *first, char *second, size_t size, struct span *line)
{
	if (isatty(STDIN_FILENO))
		return ask_twice(name, first, second, size, line);
	if (read_line(-1, first, size, line))
		return true;
	cmd_fail("no password was given on standard input: its first line is the password");
	return false;
}

/* No other process may trace this one, and it leaves no core dump. */
static void close_curtains(void)
{
	const struct rlimit none = {0, 0};
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

bool newpassword_read(const char *name, char to[NEWPASSWORD_MAX + 1])
{
	char first[TYPED_MAX + 2], second[TYPED_MAX + 2];
	const char *why;
	struct span line;
	bool shorter;
	close_curtains();
	bool good = read_typed(name, first, second, sizeof(first), &line);
	if (good && !newpassword_prepare(line, to, &shorter, &why)) {
		cmd_fail("this password can't be used: %s", why);
		good = false;
	} else if (good && shorter) {
		fprintf(stderr, "mailrootctl: warning: a password of less than %d characters is easy to guess\n",
			NEWPASSWORD_SHORT);
	}
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return good;
}
