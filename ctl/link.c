#include "ctl/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/rows.h"
#include "ctl/words.h"

static int limit_ms;           /* of link_limit; 0 = none */
static int64_t patience_until; /* clock_mono_ms; 0 = see link_patience */

void link_patience(int ms)
{
	patience_until = clock_mono_ms() + ms;
}

void link_limit(int ms)
{
	limit_ms = ms;
}

static void set_wait(int fd, int wait_ms)
{
	if (limit_ms && limit_ms < wait_ms)
		wait_ms = limit_ms;
	int64_t left = patience_until ? patience_until - clock_mono_ms() : wait_ms;
	if (left < wait_ms)
		wait_ms = left > 1 ? (int)left : 1; /* 0 would be for ever */
	struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

int link_to_master(const char *run_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", run_dir);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_wait(fd, LINK_WAIT_MS);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int err = -errno;
		fd_close(&fd);
		return err;
	}
	return fd;
}

/* WHO is a process that is stopped (SIGSTOP) or hangs. TO holds LINK_TEXT_MAX + 1. */
static void explain_silence(const char *who, int wait_ms, char *to)
{
	snprintf(
		to, LINK_TEXT_MAX + 1,
		_("%s did not answer within %d seconds: it is stopped or hangs, while the other processes of the service go on. `ps -C mailrootd -o pid,stat` shows T for a stopped one, which `kill -CONT PID` wakes; else restart the service"),
		who, wait_ms / 1000);
}

/* sd_booted(3): this folder exists if systemd is the init. */
static const char *start_command(void)
{
	if (access("/run/systemd/system", F_OK) == 0)
		return "`systemctl start mailrootd`";
	return access("/etc/init.d/mailrootd", X_OK) == 0 ? "`/etc/init.d/mailrootd start`" : "`mailrootd`";
}

void link_explain(const char *run_dir, int err, char *to)
{
	const char *remedy = _("does -c name the configuration of the running service?");
	if (err == -ENOENT || err == -ECONNREFUSED)
		snprintf(
			to, LINK_TEXT_MAX + 1,
			_("mailrootd is not running (nothing answers at %.200s/control): %s starts it; if it has another configuration, name it with -c"),
			run_dir, start_command());
	else if (err == -EAGAIN)
		explain_silence("mailrootd", LINK_WAIT_MS, to);
	else
		snprintf(to, LINK_TEXT_MAX + 1, _("can't speak to mailrootd at %.200s/control: %s; %s"), run_dir,
			 strerror(-err),
			 err == -EACCES ? _("the setting `operators` names the permitted users") : remedy);
}

static int ask_for_link(const char *run_dir, const struct wire_ctl_connect *connect, char *why)
{
	struct link_answer answer = {.fd = -1};
	struct str request;
	int fd = link_to_master(run_dir);
	if (fd < 0) {
		link_explain(run_dir, fd, why);
		return -1;
	}
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_connect(connect, &request);
	bool good = link_ask(fd, &request, &answer);
	fd_close(&fd);
	if (good && answer.fd >= 0) {
		set_wait(answer.fd, LINK_WAIT_MS);
		return answer.fd;
	}
	snprintf(why, LINK_TEXT_MAX + 1, "%s", answer.said);
	return -1;
}

int link_to_child(const char *run_dir, const char *server, enum child_role role, char *why)
{
	struct wire_ctl_connect connect = {.server = span_of(server), .kind = role};
	return ask_for_link(run_dir, &connect, why);
}

int link_to_older(const char *run_dir, const char *server, size_t older, char *why)
{
	struct wire_ctl_connect connect = {.server = span_of(server), .kind = CHILD_SMTPD, .older = older};
	return ask_for_link(run_dir, &connect, why);
}

void link_split(struct span cells, struct link_row *out)
{
	memset(out->cells, 0, sizeof(out->cells));
	out->n = 0;
	while (out->n < LINK_CELLS_MAX) {
		size_t end = span_find(cells, ROW_SEPARATOR);
		out->cells[out->n++] = (struct span){cells.at, end};
		if (end == cells.len)
			return;
		cells = span_skip(cells, end + 1);
	}
}

static bool broken(struct link_answer *answer, const char *how)
{
	answer->exit_code = 1;
	snprintf(answer->said, sizeof(answer->said), _("%s; `mailrootctl status` shows the state of the service"), how);
	return false;
}

static void silent(struct link_answer *answer)
{
	answer->exit_code = 1;
	explain_silence(_("the process asked"), answer->wait_ms ? answer->wait_ms : LINK_WAIT_MS, answer->said);
}

static bool take_row(const struct ipc_packet *packet, struct link_answer *answer)
{
	struct wire_ctl_row wire;
	struct link_row row;
	if (!wire_decode_ctl_row(packet->text, &wire))
		return false;
	row.kind = wire.kind;
	link_split(wire.cells, &row);
	if (answer->row)
		answer->row(answer->context, &row);
	return true;
}

static bool take_text(const struct ipc_packet *packet, struct link_answer *answer)
{
	struct wire_ctl_text text;
	if (!wire_decode_ctl_text(packet->text, &text))
		return false;
	if (answer->text)
		answer->text(answer->context, text.text);
	else
		fwrite(text.text.at, 1, text.text.len, stdout);
	return true;
}

static bool take_page(const struct ipc_packet *packet, struct link_answer *answer)
{
	struct wire_ctl_page page;
	if (!answer->page || packet->fd_count != 1 || !wire_decode_ctl_page(packet->text, &page))
		return false;
	answer->page(answer->context, page.server, packet->fds[0]);
	return true;
}

static bool take_done(struct ipc_packet *packet, struct link_answer *answer)
{
	struct wire_ctl_done done;
	if (!wire_decode_ctl_done(packet->text, &done))
		return false;
	answer->exit_code = (unsigned)done.exit_code;
	char text[LINK_TEXT_MAX + 1];
	span_clean(done.text, text, sizeof(text));
	snprintf(answer->said, sizeof(answer->said), "%s", words_shown(text));
	if (packet->fd_count) {
		answer->fd = packet->fds[0];
		packet->fds[0] = -1;
	}
	return true;
}

/* Takes one packet of the answer; *ended: it was the last. All processes answer alike. */
static bool take_packet(struct ipc_packet *packet, struct link_answer *answer, bool *ended)
{
	enum wire_type type = wire_admit(WIRE_LINK_ctl_master, WIRE_DOWN, packet->text);
	*ended = type == WIRE_ctl_done;
	if (type == WIRE_ctl_row)
		return take_row(packet, answer);
	if (type == WIRE_ctl_text)
		return take_text(packet, answer);
	if (type == WIRE_ctl_page)
		return take_page(packet, answer);
	return *ended && take_done(packet, answer);
}

bool link_ask(int fd, struct str *request, struct link_answer *answer)
{
	return link_ask_with(fd, request, -1, answer);
}

bool link_ask_with(int fd, struct str *request, int pass, struct link_answer *answer)
{
	bool ended = false;
	answer->fd = -1;
	answer->exit_code = 1;
	answer->said[0] = '\0';
	int err = request->failed ? -E2BIG : ipc_send(fd, str_span(request), &pass, pass >= 0);
	str_free(request);
	if (answer->wait_ms)
		set_wait(fd, answer->wait_ms);
	if (err == -E2BIG)
		return broken(answer, _("an argument is too long"));
	/* A refused client finds the reason in a connection that is closed already. */
	if (err && err != -EPIPE && err != -ECONNRESET)
		return broken(answer, _("the service does not accept the request"));
	char *buffer = malloc(WIRE_PACKET_MAX);
	if (!buffer)
		return broken(answer, _("no memory"));
	while (!ended && !answer->said[0]) {
		struct ipc_packet packet = {0};
		err = ipc_receive(fd, buffer, WIRE_PACKET_MAX, 0, &packet);
		/* A connection that is reset by our request still holds the text sent before. */
		if (err == -ECONNRESET)
			err = ipc_receive(fd, buffer, WIRE_PACKET_MAX, 0, &packet);
		if (err == -EAGAIN)
			silent(answer);
		else if (err || packet.eof)
			broken(answer, _("the service closed the connection"));
		else if (!take_packet(&packet, answer, &ended))
			broken(answer, _("the service answers in the protocol of another version"));
		if (!err)
			ipc_packet_close(&packet);
	}
	free(buffer);
	return ended;
}
