#include "smtpd/pickup/pickup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/fullness.h"
#include "common/ipc/ipc.h"
#include "common/process/privs.h"
#include "smtpd/milter/dial.h"
#include "smtpd/pickup/pickup_round.h"
#include "smtpd/protocol/limits.h"

enum { MAX_FILES = 64, PREDECESSOR_MS = 20 * 1000, PREDECESSOR_LOOK_MS = 50, PACKET_MAX = 8192 };

static struct pickup *terminated; /* by SIGTERM */

static void on_terminate(int signo)
{
	int keep = errno;
	(void)signo;
	terminated->stop = 1;
	if (terminated->waiting_fd != -1)
		shutdown(terminated->waiting_fd, SHUT_RD);
	errno = keep;
}

/* SIGTERM comes only where pickup waits for something. */
static void admit_terminate(bool admitted)
{
	sigset_t terminate;
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	sigprocmask(admitted ? SIG_UNBLOCK : SIG_BLOCK, &terminate, NULL);
}

static int open_beneath(const struct config_server *server, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", server->dir, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* True for a drop or badmail folder, by whatever path: pickup would send again and again what the service puts there.
 */
static bool is_loop(const struct config_server *server, const struct pickup_folder *f)
{
	struct stat st;
	bool same = stat(server->badmail_dir, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode;
	for (size_t i = 0; !same && i < server->local_domain_count; i++)
		same = stat(server->local_domains[i].drop_dir, &st) == 0 && st.st_dev == f->device &&
		       st.st_ino == f->inode;
	return same;
}

static void open_folder(struct pickup *p, struct pickup_place *place, const char *path)
{
	bool maildrop = place == &p->places[PICKUP_MAILDROP];
	char why[PICKUP_WHY_MAX] = N_("it is also a drop or badmail folder; give each a folder of its own");
	bool opened = pickup_folder_open(&place->folder, path, maildrop);
	if (!opened)
		snprintf(why, sizeof(why), N_("it can't be opened: %s"), strerror(errno));
	if (opened && !is_loop(p->child->server, &place->folder))
		return;
	fd_close(&place->folder.fd);
	pickup_trouble_own(&place->trouble, why);
}

static void init_place(struct pickup *p, struct pickup_place *place, const char *path)
{
	struct stat st;
	place->folder.fd = place->folder.inotify = -1;
	place->off = strcmp(path, "off") == 0;
	if (!place->off)
		open_folder(p, place, path);
	if (!pickup_file_init(&place->file, place->folder.fd, &p->known, &p->store))
		log_fatal(EXIT_TEMPORARY, "out of memory");
	place->file.services = &p->filters;
	place->file.maildrop = place == &p->places[PICKUP_MAILDROP];
	place->file.sync_folder = fstat(p->new_fd, &st) == 0 && st.st_dev != place->folder.device;
}

void pickup_init(struct pickup *p, struct child *child)
{
	const struct config_server *server = child->server;
	char path[PATH_MAX];
	*p = (struct pickup){.child = child};
	tzset();
	str_init(&p->trouble, PICKUP_TROUBLE_TEXT);
	str_init(&p->said, PICKUP_TROUBLE_TEXT);
	p->new_fd = open_beneath(server, "new");
	if (p->new_fd < 0)
		log_fatal(EXIT_TEMPORARY, "can't open %s/new: %s", server->dir, strerror(errno));
	p->badmail_fd = open(server->badmail_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->staged = calloc(PICKUP_STAGED_MAX, sizeof(*p->staged));
	if (!p->staged)
		log_fatal(EXIT_TEMPORARY, "out of memory");
	store_spool_init(&p->store, &p->spool, fullness_map(CHILD_FD_FULLNESS), CHILD_FD_ARRIVALS);
	snprintf(path, sizeof(path), "%s/maildrop", server->dir);
	init_place(p, &p->places[PICKUP_FOLDER], server->pickup_dir);
	init_place(p, &p->places[PICKUP_MAILDROP], path);
}

void pickup_jail(struct pickup *p)
{
	const struct config_server *server = p->child->server;
	char new[PATH_MAX];
	const char *paths[PICKUP_PLACES + 3] = {new};
	size_t n = 1;
	snprintf(new, sizeof(new), "%s/new", server->dir);
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		if (p->places[i].folder.fd >= 0)
			paths[n++] = p->places[i].folder.path;
	if (p->badmail_fd >= 0)
		paths[n++] = server->badmail_dir;
	const struct privs_jail jail = {
		.user = p->child->config.user, .max_files = MAX_FILES, .may_lease = true, .paths = paths};
	privs_enter(&jail);
	umask(022);
}

/* Two pickup processes would claim each other's files. The previous one may still be sending a file. */
static void await_predecessor(const struct pickup *p)
{
	const struct timespec pause = {.tv_nsec = PREDECESSOR_LOOK_MS * 1000000};
	int64_t until = clock_mono_ms() + PREDECESSOR_MS;
	while (flock(p->new_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && !p->stop) {
		if (clock_mono_ms() > until)
			log_fatal(EXIT_TEMPORARY, "the previous pickup process does not end");
		nanosleep(&pause, NULL);
	}
}

static void reload(struct pickup *p, struct ipc_packet *packet)
{
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	if (!child_reconfigure(p->child, fd))
		log_error("can't read the new configuration; the old one stays in force");
	known_prune(&p->known, p->child->server);
}

/* smtpd tells the administrator what is wrong with a file. */
static void recipients(struct pickup *p, const struct ipc_packet *packet)
{
	struct wire_recipients news;
	if (wire_decode_recipients(packet->text, &news) && packet->fd_count == news.present)
		known_take(&p->known, &news, news.present ? packet->fds[0] : -1);
}

static void obey(struct pickup *p)
{
	char buffer[PACKET_MAX];
	struct ipc_packet packet;
	enum wire_type type = child_order(CHILD_FD_CONTROL, CHILD_PICKUP, buffer, sizeof(buffer), &packet);
	if (type == WIRE_reload)
		reload(p, &packet);
	else if (type == WIRE_recipients)
		recipients(p, &packet);
	else if (type == WIRE_stop)
		p->stop = true;
	ipc_packet_close(&packet);
}

/*
 * What master says while a filter thinks. A new configuration, and new lists, wait until the file is done, with all
 * that follows them.
 */
static bool hear(void *context)
{
	struct pickup *p = context;
	char first[PACKET_MAX];
	ssize_t n = recv(CHILD_FD_CONTROL, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);
	enum wire_type type = n > 0 ? wire_type_of((struct span){first, (size_t)n}) : WIRE_NONE;
	if (type == WIRE_reload || type == WIRE_recipients)
		return false;
	obey(p);
	return !p->stop;
}

static int dial(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size)
{
	struct pickup *p = context;
	const struct dial_stop stop = {&p->stop, &p->waiting_fd};
	return dial_filter(CHILD_FD_FILTERS, filter->name, until + DIAL_MARGIN_MS, &stop, why, size);
}

static void doubt(void *context, const struct config_filter *filter)
{
	(void)context;
	dial_doubt(CHILD_FD_FILTERS, filter->name);
}

static void waiting(void *context, const char *name)
{
	(void)context;
	admit_terminate(name != NULL);
}

void pickup_ready(struct pickup *p)
{
	struct sigaction terminate = {.sa_handler = on_terminate, .sa_flags = SA_RESTART};
	terminated = p;
	p->waiting_fd = -1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* another process opens a file on which we hold a lease for a moment */
	sigaction(SIGTERM, &terminate, NULL);
	await_predecessor(p);
	int err = spool_probe(p->new_fd, &p->spool);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't create files in %s/new: %s; check who owns the folder",
			  p->child->server->dir, strerror(-err));
	err = ipc_set_send_deadline(CHILD_FD_ARRIVALS, LIMIT_ARRIVED_MS);
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't use the link to the queue: %s", strerror(-err));
	p->filters = (struct filter_services){.context = p,
					      .dial = dial,
					      .doubt = doubt,
					      .waiting = waiting,
					      .stop = &p->stop,
					      .waiting_fd = &p->waiting_fd,
					      .hear = hear,
					      .link = CHILD_FD_CONTROL};
	pickup_round_recover(p);
	child_ready();
}

/* Only a new process, which starts as root, can open a folder that was put there later. */
static bool is_gone(const struct pickup_place *place)
{
	const struct pickup_folder *f = &place->folder;
	if (place->off || f->listing || !pickup_folder_gone(f))
		return false;
	if (f->fd >= 0)
		log_warning("folder %s was removed, replaced or unmounted", f->path);
	return true;
}

static int wait_ms(const struct pickup *p)
{
	int64_t now = clock_mono_ms(),
		left = PICKUP_REMOTE_MS; /* inotify reports no removal of a folder that is open */
	for (size_t i = 0; i < PICKUP_PLACES; i++) {
		const struct pickup_place *place = &p->places[i];
		if (place->folder.listing)
			return 0;
		if (place->next_ms - now < left)
			left = place->next_ms - now;
	}
	return left < 0 ? 0 : (int)left;
}

static void await(struct pickup *p, const sigset_t *while_waiting)
{
	int ms = wait_ms(p);
	struct pollfd fds[PICKUP_PLACES + 1] = {[PICKUP_PLACES] = {.fd = CHILD_FD_CONTROL, .events = POLLIN}};
	const struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		fds[i] = (struct pollfd){.fd = p->places[i].folder.inotify, .events = POLLIN};
	int ready = ppoll(fds, PICKUP_PLACES + 1, &timeout, while_waiting);
	if (ready < 0)
		fd_rest(errno);
	if (ready <= 0)
		return;
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		if (fds[i].revents)
			pickup_round_hear(&p->places[i]);
	if (fds[PICKUP_PLACES].revents)
		obey(p);
}

static void take_turns(struct pickup *p)
{
	for (size_t i = 0; i < PICKUP_PLACES && !p->stop; i++) {
		struct pickup_place *place = &p->places[i];
		if (is_gone(place))
			p->stop = true;
		pickup_round_forget_bad(p, place);
		if (!p->stop && (place->folder.listing || clock_mono_ms() >= place->next_ms))
			pickup_round_turn(p, place);
	}
}

int pickup_loop(struct pickup *p)
{
	sigset_t while_waiting;
	admit_terminate(false);
	sigprocmask(SIG_BLOCK, NULL, &while_waiting);
	sigdelset(&while_waiting, SIGTERM);
	while (!p->stop) {
		await(p, &while_waiting);
		take_turns(p);
	}
	return 0;
}
