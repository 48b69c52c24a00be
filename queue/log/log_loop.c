#include "queue/log/log_loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/ipc/record.h"
#include "common/process/privs.h"
#include "queue/log/log_file.h"

enum { PACKETS_AT_ONCE = 1000, COMPUTER_MAX = 64, LOG_FILES = 32 };

/* Longer than an smtpd takes to end its sessions. */
enum { OUTLAST_MS = 35 * 1000 };

struct loop {
	struct child *child;
	bool on; /* the log is on, and `file` is open for it */
	struct log_file file;
	struct log_mark mark; /* of the batch: its packets were read, but are still in the link */
	bool stop;            /* master said stop, or ended */
	bool complained;      /* a malformed packet was logged */
	char computer[COMPUTER_MAX];
	char packet[WIRE_PACKET_MAX];
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signo)
{
	(void)signo;
	terminated = 1;
}

static struct log_format format_of(const struct loop *l)
{
	const struct config_log *log = &l->child->server->log;
	return (struct log_format){log->format, log->fields, l->child->server_name, l->computer};
}

/* The next peek begins at the first packet in the link. */
static void rewind_link(void)
{
	int start = 0;
	if (setsockopt(CHILD_FD_RECORDS, SOL_SOCKET, SO_PEEK_OFF, &start, sizeof(start)) != 0)
		log_fatal(EXIT_TEMPORARY, "can't read the link of records: %s", strerror(errno));
}

/* Removes the first packet from the link. False if there is none. */
static bool take_packet(void)
{
	char octet;
	return recv(CHILD_FD_RECORDS, &octet, sizeof(octet), MSG_DONTWAIT) >= 0;
}

/* Writes the batch, then removes its packets from the link. */
static void finish_batch(struct loop *l)
{
	log_file_write(&l->file, &l->mark);
	for (; l->mark.packets; l->mark.packets--)
		take_packet();
}

/* A malformed packet is not fatal: the writers have fewer privileges than this process, and may be compromised. */
static void skip_packet(struct loop *l)
{
	if (!l->complained)
		log_error("ignored a malformed packet on the link of records; later ones are not logged");
	l->complained = true;
	l->mark.packets++;
	finish_batch(l);
	rewind_link();
}

static void take_records(struct loop *l, const struct wire_records *records)
{
	struct wire_record record;
	struct span list = records->list;
	int64_t now = clock_wall_ms(), first = now;
	for (bool is_first = true; record_next(&list, &record); is_first = false) {
		if (is_first)
			first = (int64_t)record.time_ms;
		log_file_add(&l->file, &record);
	}
	if (log_file_moves(&l->file, first, now))
		finish_batch(l);
	log_file_lost(&l->file, records->dropped);
	bool full = log_file_take(&l->file, first, now);
	l->mark.sender = records->sender;
	l->mark.serial = records->serial;
	l->mark.packets++;
	if (full)
		finish_batch(l);
}

/* Peeks at the next packet in the link. False if there is none, at the moment or because the last writer has ended. */
static bool peek(struct loop *l, struct wire_records *records, bool *good)
{
	struct ipc_packet packet;
	int err = ipc_receive(CHILD_FD_RECORDS, l->packet, sizeof(l->packet), MSG_DONTWAIT | MSG_PEEK, &packet);
	if ((err && err != -EMSGSIZE) || packet.eof)
		return false;
	*good = !err && wire_admit(WIRE_LINK_records, WIRE_UP, packet.text) &&
		wire_decode_records(packet.text, records);
	ipc_packet_close(&packet);
	return true;
}

/* True when the link is empty. */
static bool write_some(struct loop *l)
{
	struct wire_records records;
	bool good, more = true;
	for (int i = 0; i < PACKETS_AT_ONCE && l->on && (more = peek(l, &records, &good)); i++) {
		if (good)
			take_records(l, &records);
		else
			skip_packet(l);
	}
	if (l->on) {
		finish_batch(l);
		return !more;
	}
	for (int i = 0; i < PACKETS_AT_ONCE && take_packet(); i++)
		;
	return true;
}

/* The number of packets in the link up to and including that of MARK; 0 = it is not there. */
static uint64_t find_mark(struct loop *l, const struct log_mark *mark)
{
	struct wire_records records;
	bool good;
	for (uint64_t n = 1; n <= mark->packets && peek(l, &records, &good); n++) {
		if (good && records.sender == mark->sender && records.serial == mark->serial)
			return n;
	}
	return 0;
}

/* Removes packets from the link that a previous process wrote to the log before it was killed. */
static void resume(struct loop *l)
{
	struct log_mark mark;
	rewind_link();
	if (!log_file_recall(&l->file, &mark))
		return;
	uint64_t found = find_mark(l, &mark);
	for (bool stands = found && log_file_stands(&l->file); stands && found; found--)
		take_packet();
	rewind_link();
}

/* The jail allows one folder only. For another folder a new process takes over, and reads what is in the link. */
static void reload(struct loop *l, struct ipc_packet *packet)
{
	char dir[PATH_MAX];
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	bool was_on = l->child->server->log.format != CONFIG_LOG_OFF;
	bool fits = span_copy(span_of(l->child->server->log.dir), dir, sizeof(dir));
	if (!child_reconfigure(l->child, fd)) {
		log_error("can't read the new configuration; the old one stays in force");
		return;
	}
	const struct config_log *log = &l->child->server->log;
	l->stop |= was_on != (log->format != CONFIG_LOG_OFF) || (was_on && (!fits || strcmp(dir, log->dir) != 0));
	const struct log_format format = format_of(l);
	const struct log_naming naming = log_period_naming(log);
	if (l->on && !l->stop)
		log_file_change(&l->file, &format, &naming);
}

static void obey(struct loop *l)
{
	struct ipc_packet packet;
	enum wire_type type = child_order(CHILD_FD_CONTROL, CHILD_LOG, l->packet, sizeof(l->packet), &packet);
	if (type == WIRE_reload)
		reload(l, &packet);
	else if (type == WIRE_stop)
		l->stop = true;
	ipc_packet_close(&packet);
}

/* Master ended without `stop`. Its other children finish their work and send records of it: reads them until they end.
 */
static void outlast_writers(struct loop *l)
{
	struct pollfd link = {.fd = CHILD_FD_RECORDS, .events = POLLIN}, master = {.fd = CHILD_FD_CONTROL};
	int64_t until = clock_mono_ms() + OUTLAST_MS, left = OUTLAST_MS;
	if (poll(&master, 1, 0) <= 0 || !(master.revents & POLLHUP))
		return;
	while (l->on && left > 0 && poll(&link, 1, (int)left) >= 0) {
		if (write_some(l) && link.revents & POLLHUP)
			return;
		left = until - clock_mono_ms();
	}
}

static void serve(struct loop *l)
{
	struct pollfd fds[] = {{.fd = CHILD_FD_CONTROL, .events = POLLIN}, {.fd = CHILD_FD_RECORDS, .events = POLLIN}};
	sigset_t while_waiting;
	sigprocmask(SIG_SETMASK, NULL, &while_waiting);
	sigdelset(&while_waiting, SIGTERM);
	while (!l->stop && !terminated) {
		if (ppoll(fds, 2, NULL, &while_waiting) < 0) {
			fd_rest(errno);
			continue;
		}
		if (fds[1].revents)
			write_some(l);
		if (fds[0].revents)
			obey(l);
	}
	while (!write_some(l))
		;
	outlast_writers(l);
}

static void heed_terminate(void)
{
	struct sigaction action = {.sa_handler = on_terminate};
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void open_log(struct loop *l)
{
	const struct config_log *log = &l->child->server->log;
	const struct log_format format = format_of(l);
	const struct log_naming naming = log_period_naming(log);
	int error = log_file_init(&l->file, log->dir, &format, &naming);
	char why[PRIVS_WHY_MAX];
	if (error)
		log_fatal(EXIT_TEMPORARY, "can't write to the log folder %s: %s", log->dir,
			  privs_explain(-error, log->dir, why));
	resume(l);
}

int log_loop_run(struct child *child)
{
	static struct loop loop;
	const struct config_log *log = &child->server->log;
	const char *const paths[] = {log->dir, NULL};
	loop.child = child;
	loop.on = log->format != CONFIG_LOG_OFF;
	const struct privs_jail jail = {
		.user = child->config.user, .max_files = LOG_FILES, .paths = loop.on ? paths : NULL};
	heed_terminate();
	gethostname(loop.computer, sizeof(loop.computer) - 1);
	privs_enter(&jail);
	umask(022);
	if (loop.on)
		open_log(&loop);
	child_ready();
	serve(&loop);
	if (loop.on)
		log_file_free(&loop.file);
	return 0;
}
