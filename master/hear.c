#include "master/hear.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/installed.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "master/attach.h"
#include "master/renew.h"
#include "master/tell.h"

enum {
	LAST_WORDS_MAX = 16, /* a flood of packets from a dead child is not read to its end */
};

/* A word, because it stands in the handover. */
static void note_version(struct supervised *child, struct span version)
{
	span_clean(version, child->version, sizeof(child->version));
	child->version[strcspn(child->version, " ")] = '\0';
	if (strcmp(child->version, MAILROOT_VERSION) != 0)
		log_warning("role=%s pid=%d version=%s is not that of mailrootd, %s: mailrootctl upgrade",
			    child_role_name(child->role), (int)child->pid, child->version, MAILROOT_VERSION);
}

static void become_ready(struct server *server, size_t i, struct span version)
{
	struct supervised *child = &server->children[i];
	if (child->state != SUPERVISE_STARTING)
		return;
	note_version(child, version);
	child->state = SUPERVISE_READY;
	supervise_works(child);
	if (i == CHILD_SMTPD)
		renew_ready(server);
	if (i < CHILD_ROLE_COUNT)
		attach_ready(server, child->role);
	if (server_state(server) == SERVER_RUNNING)
		log_info("server=%s running", server->name);
}

static void become_paused(struct server *server, struct supervised *child, bool paused)
{
	enum server_state before = server_state(server);
	child->paused = paused;
	enum server_state after = server_state(server);
	if (before != after)
		log_info("server=%s %s", server->name, server_state_name(after));
}

/* False: a child may not send that. */
static bool act_on(struct server *server, size_t i, struct span packet)
{
	struct supervised *child = &server->children[i];
	struct wire_ready ready;
	struct wire_paused paused;
	struct wire_trouble trouble;
	struct wire_detached detached;
	struct wire_pong pong;
	if (!wire_admit(child_role_control(child->role), WIRE_UP, packet))
		return false;
	if (wire_decode_ready(packet, &ready))
		become_ready(server, i, ready.version);
	else if (wire_decode_detached(packet, &detached) && i >= CHILD_ROLE_COUNT)
		return true; /* it gets no more links */
	else if (wire_decode_detached(packet, &detached))
		attach_lost(server, detached.kind, detached.serial);
	else if (wire_decode_trouble(packet, &trouble))
		supervise_trouble(child, trouble.text);
	else if (wire_decode_pong(packet, &pong))
		child->silent = 0;
	else if (wire_decode_paused(packet, &paused))
		become_paused(server, child, paused.paused);
	else
		return false;
	return true;
}

void hear_child(struct server *server, size_t i)
{
	struct supervised *child = &server->children[i];
	char buffer[HEAR_PACKET_MAX];
	struct ipc_packet packet = {.eof = true};
	int err = ipc_receive(child->control, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (!err && !packet.eof && !packet.fd_count && act_on(server, i, packet.text))
		return;
	if (!err && !packet.eof) {
		ipc_packet_close(&packet);
		log_error("server=%s role=%s pid=%d sent an invalid packet; its link is closed", server->name,
			  child_role_name(child->role), (int)child->pid);
	}
	/* The child sees the end of its link and exits; its end is handled separately. */
	fd_close(&child->control);
}

void hear_last_words(struct supervised *child)
{
	char buffer[HEAR_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_trouble trouble;
	for (int i = 0; child->control >= 0 && i < LAST_WORDS_MAX; i++) {
		packet = (struct ipc_packet){.eof = true};
		if (ipc_receive(child->control, buffer, sizeof(buffer), MSG_DONTWAIT, &packet) || packet.eof)
			return;
		if (wire_decode_trouble(packet.text, &trouble))
			supervise_trouble(child, trouble.text);
		ipc_packet_close(&packet);
	}
}
