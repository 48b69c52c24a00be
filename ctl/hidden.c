#include "ctl/hidden.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "ctl/cmd.h"

/* No other process may trace this one, and it leaves no core dump. */
static void close_curtains(void)
{
	const struct rlimit none = {0, 0};
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* Turns off the terminal's echo. Blocks signals meanwhile, so that none leaves the terminal in that state. */
static bool silence(struct hidden *hidden, const char *what)
{
	struct termios quiet;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	hidden->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (hidden->signals < 0 || tcgetattr(STDIN_FILENO, &hidden->before)) {
		cmd_fail(_("the terminal can't be told to hide %s: %s"), what, strerror(errno));
		fd_close(&hidden->signals);
		return false;
	}
	sigprocmask(SIG_BLOCK, &set, &hidden->mask);
	quiet = hidden->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	return true;
}

bool hidden_begin(struct hidden *hidden, const char *what)
{
	*hidden = (struct hidden){.terminal = isatty(STDIN_FILENO), .signals = -1};
	close_curtains();
	return !hidden->terminal || silence(hidden, what);
}

void hidden_end(struct hidden *hidden)
{
	if (!hidden->terminal)
		return;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden->before);
	fd_close(&hidden->signals);
	sigprocmask(SIG_SETMASK, &hidden->mask, NULL);
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

/* Octet by octet, so that no buffer keeps the line. */
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

bool hidden_line(const struct hidden *hidden, const char *prompt, char *to, size_t size, struct span *line)
{
	if (!hidden->terminal)
		return read_line(-1, to, size, line);
	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	bool good = read_line(hidden->signals, to, size, line);
	fputc('\n', stderr);
	return good;
}
