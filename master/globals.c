#include "master/globals.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "master/hear.h"
#include "master/pulse.h"
#include "master/spawn.h"
#include "master/tell.h"

enum { TEXT_MAX = 1 << 20 };

/* The place of the name of a virtual server in log lines. */
static const char whole[] = "-";

static enum child_role role_of(size_t i)
{
	return (enum child_role)(CHILD_ROLE_COUNT + i);
}

void globals_init(struct globals *globals)
{
	*globals = (struct globals){0};
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		supervise_init(&globals->children[i], role_of(i));
		str_init(&globals->texts[i], TEXT_MAX);
	}
}

void globals_free(struct globals *globals)
{
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		fd_close(&globals->children[i].control);
		str_free(&globals->texts[i]);
	}
}

static bool is_needed(enum child_role role, const struct config *config)
{
	return role == CHILD_METRICS ? config->metrics.listen.n > 0 : config_alerts_needed(config);
}

bool globals_configure(struct globals *globals, const struct config_tree *tree, const struct config *config)
{
	struct str fresh[GLOBALS_MAX];
	bool good = true;
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		str_init(&fresh[i], TEXT_MAX);
		config_tree_write(tree, "", "", child_role_bit(role_of(i)), &fresh[i]);
		good &= !fresh[i].failed;
	}
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		struct str *unwanted = good ? &globals->texts[i] : &fresh[i];
		str_free(unwanted);
		if (good)
			globals->texts[i] = fresh[i];
		if (good)
			globals->needed = (globals->needed & ~(1U << i)) | (unsigned)is_needed(role_of(i), config) << i;
	}
	return good;
}

static void tell_end(struct supervised *child, enum supervise_state state, int64_t now_ms)
{
	child->state = state;
	child->due_ms = now_ms + CHILD_STOP_MS;
	tell_stop(child, whole, false);
}

void globals_reload(struct globals *globals, unsigned roles, uint64_t generation, int64_t now_ms)
{
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		struct supervised *child = &globals->children[i];
		if (child->state == SUPERVISE_FAILED || child->state == SUPERVISE_DOWN)
			supervise_again(child, now_ms);
		if (!supervise_alive(child) || child->state == SUPERVISE_REPLACING)
			continue;
		if (roles & child_role_bit(child->role))
			tell_end(child, SUPERVISE_REPLACING, now_ms);
		else
			tell_reload(child, whole, generation, str_span(&globals->texts[i]));
	}
}

static void start(struct globals *globals, size_t i, const char *programs, int64_t now_ms)
{
	struct supervised *child = &globals->children[i];
	struct spawn what = {
		.folder = programs,
		.program = child_role_program(child->role),
		.config = str_span(&globals->texts[i]),
	};
	char why[SUPERVISE_WHY_MAX], path[PATH_MAX];
	pid_t pid;
	int control, err = -ENOENT;
	for (size_t fd = 0; fd < CHILD_FD_KEPT; fd++)
		what.kept[fd] = -1;
	snprintf(path, sizeof(path), "%s/%s", programs, what.program);
	bool usable = child_program_usable(path, child->role, why, sizeof(why));
	if (usable)
		err = spawn_child(&what, &pid, &control);
	if (!err) {
		supervise_started(child, pid, control, now_ms);
		return;
	}
	supervise_not_started(child, now_ms, -err);
	if (!usable)
		memcpy(child->why, why, sizeof(child->why));
	log_error("role=%s could not be started: %s", child_role_name(child->role), child->why);
}

/* Kills a child that did not end in its time. */
static void end_in_time(struct supervised *child, int64_t now_ms)
{
	if (now_ms < child->due_ms)
		return;
	kill(-child->pid, SIGKILL);
	child->due_ms = now_ms + CHILD_STOP_MS;
}

static int64_t tend_child(struct globals *globals, size_t i, const char *programs, int64_t now_ms)
{
	struct supervised *child = &globals->children[i];
	bool needed = !globals->stopping && globals->needed & 1U << i;
	if (needed && child->state == SUPERVISE_STOPPED)
		supervise_again(child, now_ms);
	if (!needed && (child->state == SUPERVISE_STARTING || child->state == SUPERVISE_READY))
		tell_end(child, SUPERVISE_STOPPING, now_ms);
	else if (!needed && !supervise_alive(child))
		child->state = SUPERVISE_STOPPED;
	if (child->state == SUPERVISE_DOWN && now_ms >= child->due_ms)
		start(globals, i, programs, now_ms);
	bool ending = child->state == SUPERVISE_STOPPING || child->state == SUPERVISE_REPLACING;
	if (ending)
		end_in_time(child, now_ms);
	return ending || child->state == SUPERVISE_DOWN ? child->due_ms - now_ms : -1;
}

int64_t globals_tend(struct globals *globals, const char *programs, int64_t now_ms)
{
	int64_t next = -1;
	for (size_t i = 0; i < GLOBALS_MAX; i++)
		next = clock_sooner(next, tend_child(globals, i, programs, now_ms));
	if (!globals_alive(globals))
		return next;
	if (now_ms >= globals->pulse_ms) {
		globals->pulse_ms = now_ms + PULSE_MS;
		for (size_t i = 0; i < GLOBALS_MAX; i++) {
			if (supervise_alive(&globals->children[i]))
				pulse_ask(&globals->children[i], whole);
		}
	}
	return clock_sooner(next, globals->pulse_ms - now_ms);
}

int globals_connect(struct globals *globals, enum child_role role)
{
	size_t i = role - CHILD_ROLE_COUNT;
	if (!(globals->needed & 1U << i))
		return -ENOENT;
	return tell_connect(&globals->children[i], whole, CHILD_LINK_CTL);
}

/* False: a child may not send that. */
static bool take(struct supervised *child, struct span packet)
{
	struct wire_ready ready;
	struct wire_trouble trouble;
	struct wire_pong pong;
	if (!wire_admit(child_role_control(child->role), WIRE_UP, packet))
		return false;
	if (wire_decode_ready(packet, &ready) && child->state == SUPERVISE_STARTING) {
		child->state = SUPERVISE_READY;
		supervise_works(child);
	} else if (wire_decode_trouble(packet, &trouble)) {
		supervise_trouble(child, trouble.text);
	} else if (wire_decode_pong(packet, &pong)) {
		child->silent = 0;
	}
	return true;
}

void globals_hear(struct globals *globals, size_t i)
{
	struct supervised *child = &globals->children[i];
	char buffer[HEAR_PACKET_MAX];
	struct ipc_packet packet = {.eof = true};
	int err = ipc_receive(child->control, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	if (!err && !packet.eof && !packet.fd_count && take(child, packet.text))
		return;
	if (!err)
		ipc_packet_close(&packet);
	/* The child sees the end of its link and exits. */
	fd_close(&child->control);
}

bool globals_gone(struct globals *globals, pid_t pid, int status, int64_t now_ms)
{
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		struct supervised *child = &globals->children[i];
		if (child->pid != pid)
			continue;
		hear_last_words(child);
		supervise_gone(child, status, now_ms);
		if (child->state == SUPERVISE_FAILED)
			log_error(
				"role=%s pid=%d ended (%s) and is not started again; its last lines above have the reason. Correct it, then: mailrootctl reload",
				child_role_name(child->role), (int)pid, child->ended);
		else if (child->state == SUPERVISE_DOWN && child->why[0])
			log_warning("role=%s pid=%d ended (%s)", child_role_name(child->role), (int)pid, child->ended);
		return true;
	}
	return false;
}

void globals_stop(struct globals *globals, int64_t now_ms)
{
	globals->stopping = true;
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		struct supervised *child = &globals->children[i];
		if (supervise_alive(child) && child->state != SUPERVISE_STOPPING)
			tell_end(child, SUPERVISE_STOPPING, now_ms);
	}
}

bool globals_alive(const struct globals *globals)
{
	for (size_t i = 0; i < GLOBALS_MAX; i++) {
		if (supervise_alive(&globals->children[i]))
			return true;
	}
	return false;
}
