/* What master says to smtpd: on the control link, packet by packet. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/recipients/alias.h"
#include "smtpd/parent.h"

/* Sessions that read an area that is full end at their next command: they could not see a newer policy. */
static void publish(struct parent *p, struct span text)
{
	if (live_publish(p->worker.snapshot, text))
		return;
	struct snapshot *fresh = snapshot_new(LIMIT_SNAPSHOT);
	if (fresh) {
		snapshot_free(p->worker.snapshot);
		p->worker.snapshot = fresh;
		live_publish(fresh, text);
	}
	prefork_signal(p->pool, SIGTERM);
}

/* A worker in a session ends after it: until then it sees the lists as they were. */
static void renew_workers(struct parent *p, bool fresh)
{
	if (fresh)
		prefork_signal(p->pool, SIGUSR1);
}

static void tell_of_recipients(struct parent *p)
{
	struct str mend;
	str_init(&mend, WIRE_PACKET_MAX);
	known_trouble(&p->worker.known, &mend);
	alias_trouble(p->child.server, known_lists(&p->worker.known), NULL, &mend);
	attention_set(&p->attention, ATTENTION_RECIPIENTS, str_text(&mend));
	str_free(&mend);
}

static void reload(struct parent *p, struct ipc_packet *packet)
{
	struct str text;
	if (packet->fd_count != 1)
		return;
	str_init(&text, LIMIT_POLICY_TEXT);
	int err = child_config_text(packet->fds[0], &text);
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	if (err || !child_reconfigure(&p->child, fd)) {
		log_error("can't read the new configuration: %s; the old one stays in force",
			  strerror(err ? -err : EINVAL));
	} else {
		const struct config_server *server = p->child.server;
		publish(p, str_span(&text));
		p->worker.live = (struct live){.snapshot = p->worker.snapshot, .server = server};
		renew_workers(p, known_prune(&p->worker.known, server));
		tell_of_recipients(p);
		parent_size_pool(p);
		attention_look(&p->attention);
		log_info("new configuration in force");
	}
	if (err)
		close(fd);
	str_free(&text);
}

/* Sessions of an account that was changed or removed end, even while they wait for a command. */
static void users(struct parent *p, const struct ipc_packet *packet)
{
	struct wire_users news;
	struct str mend;
	uint64_t before, after;
	if (!wire_decode_users(packet->text, &news) || packet->fd_count != news.present)
		return;
	p->users_known = true;
	str_init(&mend, WIRE_PACKET_MAX);
	userbase_accounts(&p->worker.users, &before);
	if (userbase_take(&p->worker.users, &news, news.present ? packet->fds[0] : -1, &mend))
		prefork_signal(p->pool, SIGTERM); /* as for a policy */
	userbase_accounts(&p->worker.users, &after);
	if (after != before)
		prefork_signal(p->pool, SIGUSR2);
	attention_set(&p->attention, ATTENTION_USERS, str_text(&mend));
	str_free(&mend);
}

static void recipients(struct parent *p, const struct ipc_packet *packet)
{
	struct wire_recipients news;
	if (!wire_decode_recipients(packet->text, &news) || packet->fd_count != news.present)
		return;
	renew_workers(p, known_take(&p->worker.known, &news, news.present ? packet->fds[0] : -1));
	tell_of_recipients(p);
}

static void attach(struct parent *p, struct ipc_packet *packet)
{
	struct wire_attach attach;
	if (!wire_decode_attach(packet->text, &attach) || packet->fd_count != 1 ||
	    (attach.kind != CHILD_LINK_CTL && attach.kind != CHILD_LINK_STATUS))
		return;
	for (size_t i = 0; i < LIMIT_CTL_LINKS; i++) {
		struct ctl_link *link = &p->ctl_links[i];
		if (link->fd != -1)
			continue;
		link->fd = packet->fds[0];
		link->link = attach.kind == CHILD_LINK_CTL ? WIRE_LINK_ctl_smtpd : WIRE_LINK_status_smtpd;
		packet->fds[0] = -1;
		fd_set_nonblock(link->fd, true);
		return;
	}
	log_warning("more than %d operators at once: one more is refused", LIMIT_CTL_LINKS);
}

static void stop(struct parent *p, bool now)
{
	if (!p->stop_by)
		p->stop_by = clock_mono_ms() + CHILD_STOP_MS;
	parent_size_pool(p);
	prefork_signal(p->pool, now ? SIGKILL : SIGTERM);
}

/* Workers that wait for a connection end now, workers in a session after it. */
static void close_doors(struct parent *p)
{
	parent_size_pool(p);
	if (p->paused || p->retired)
		prefork_signal(p->pool, SIGUSR1);
}

static void pause_or_continue(struct parent *p, struct span packet)
{
	struct wire_pause request;
	if (!wire_decode_pause(packet, &request))
		return;
	p->paused = request.paused;
	close_doors(p);
}

static void retire(struct parent *p)
{
	p->retired = true;
	close_doors(p);
}

void parent_obey(struct parent *p)
{
	struct ipc_packet packet;
	struct wire_stop request;
	int err = ipc_receive(CHILD_FD_CONTROL, p->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, &packet);
	if (err == -EAGAIN || err == -EINTR)
		return;
	if (err == -ENOMEM || err == -ENOBUFS) {
		fd_rest(-err);
		return;
	}
	if (err || packet.eof) {
		p->polled[PARENT_POLL_CONTROL].fd = -1;
		stop(p, false);
		return;
	}
	switch (wire_admit(WIRE_LINK_control_smtpd, WIRE_DOWN, packet.text)) {
	case WIRE_attach:
		attach(p, &packet);
		break;
	case WIRE_reload:
		reload(p, &packet);
		break;
	case WIRE_users:
		users(p, &packet);
		break;
	case WIRE_recipients:
		recipients(p, &packet);
		break;
	case WIRE_stop:
		stop(p, wire_decode_stop(packet.text, &request) && request.now);
		break;
	case WIRE_ping:
		child_pong(CHILD_FD_CONTROL);
		break;
	case WIRE_pause:
		pause_or_continue(p, packet.text);
		break;
	case WIRE_retire:
		retire(p);
		break;
	default:
		log_error("unexpected packet=%s from mailrootd", wire_type_name(wire_type_of(packet.text)));
	}
	ipc_packet_close(&packet);
}
