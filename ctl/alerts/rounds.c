#include "ctl/alerts/rounds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/rows.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"
#include "ctl/link.h"

static const char *const state_words[] = {
	[ROUNDS_SENDS_ONE] = "begin", [ROUNDS_SENDS_ALL] = "summary", [ROUNDS_SENDS_TEST] = "test"};

int64_t rounds_pause(const struct config_alert *config)
{
	const int64_t limits[] = {config->next_hop_down, config->queue_age, config->quiet};
	int64_t pause = ROUNDS_EVERY_MS;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		pause = limits[i] / 2 < pause ? limits[i] / 2 : pause;
	return pause > ROUNDS_EVERY_MIN_MS ? pause : ROUNDS_EVERY_MIN_MS;
}

/* Folders outside the spool: a full disk there harms the service, too. One that is missing is not watched. */
static void open_places(struct rounds *a)
{
	const char *const names[LOOK_PLACES_MAX] = {a->child->config.log_dir, a->child->config.state_dir};
	for (size_t i = 0; i < LOOK_PLACES_MAX; i++) {
		a->place_names[i] = names[i];
		a->places[i] = names[i] ? open(names[i], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	}
}

static void state_folder(const struct rounds *a, char *to)
{
	snprintf(to, PATH_MAX, "%s/alerts", a->child->config.state_dir);
}

void rounds_load(struct rounds *a, struct child *child)
{
	char folder[PATH_MAX];
	*a = (struct rounds){.child = child, .asker = -1};
	if (gethostname(a->host, sizeof(a->host) - 1) || !a->host[0])
		snprintf(a->host, sizeof(a->host), "localhost");
	state_folder(a, folder);
	a->sender = sender_start(&child->config, a->host);
	keep_open(&a->keep, folder);
	keep_load(&a->keep, &a->watch, &a->throttle);
	a->watch.quiet_max_ms = child->config.alert.quiet;
	open_places(a);
}

/* Beside its own folder, all that it can reach is the control socket: with root, its folder becomes the root folder. */
void rounds_jail(struct rounds *a)
{
	const struct config *config = &a->child->config;
	char folder[PATH_MAX];
	state_folder(a, folder);
	const char *const paths[] = {a->keep.folder < 0 ? NULL : folder, NULL};
	const struct privs_jail jail = {.user = config->stat_user, .root = config->run_dir, .paths = paths};
	a->run_dir = geteuid() ? config->run_dir : "";
	privs_enter(&jail);
	syscalls_enter(SYSCALLS_alerts, config->sandbox.seccomp);
}

static void look_at_places(struct rounds *a)
{
	struct look_seen *seen = &a->seen;
	struct statvfs disk;
	seen->place_count = 0;
	for (size_t i = 0; i < LOOK_PLACES_MAX; i++) {
		if (a->places[i] < 0 || fstatvfs(a->places[i], &disk))
			continue;
		seen->places[seen->place_count++] = (struct service_file_system){
			a->place_names[i], (uint64_t)disk.f_bavail * disk.f_frsize,
			(uint64_t)disk.f_blocks * disk.f_frsize, (uint64_t)disk.f_favail, (uint64_t)disk.f_files};
	}
}

/* Asks the servers in turn, as long as there is time; the next round begins where this one stops. */
static void ask_servers(struct rounds *a)
{
	int64_t until = clock_mono_ms() + ROUNDS_ASK_MS;
	size_t n = a->service.server_count;
	for (size_t i = 0; i < n && clock_mono_ms() < until; i++) {
		size_t at = (a->first + i) % n;
		service_ask_server(a->run_dir, &a->service, &a->service.servers[at], true);
		a->seen.asked[at] = true;
	}
	for (size_t i = 0; i < n && a->seen.asked[a->first % n]; i++)
		a->first = (a->first + 1) % n;
}

static void look(struct rounds *a)
{
	char said[LINK_TEXT_MAX + 1];
	memset(&a->seen, 0, sizeof(a->seen));
	look_at_places(a);
	int fd = link_to_master(a->run_dir);
	if (fd < 0)
		snprintf(said, sizeof(said), "its control socket does not answer: %s", strerror(-fd));
	service_free(&a->service);
	a->service = (struct service){.version = ""};
	if (fd >= 0 && service_ask(fd, &a->service, said)) {
		ask_servers(a);
		a->seen.service = &a->service;
	}
	fd_close(&fd);
	a->seen.why = said;
	look_round(&a->look, &a->seen, &a->child->config.alert, &a->watch, clock_wall_ms());
}

static void add_listeners(struct rounds *a, const struct service_server *server)
{
	struct span rest = span_of(server->listeners);
	if (strcmp(server->state, "running") != 0 || !watch_carries_mail(&a->watch, server->name))
		return;
	while (rest.len && a->alert.listener_count < COURIER_LISTENERS_MAX) {
		char *to = a->alert.listeners[a->alert.listener_count];
		if (span_copy(span_take(&rest, ' '), to, COURIER_LISTENER_MAX) && to[0])
			a->alert.listener_count++;
	}
}

/* Gives NOTICE to the sender. */
static void give(struct rounds *a, const struct notice *notice, enum rounds_sending as, int64_t now)
{
	struct courier_alert *to = &a->alert;
	struct span body = str_span(&notice->body);
	to->test = as == ROUNDS_SENDS_TEST;
	to->now = now;
	if (!to->state[0])
		snprintf(to->state, sizeof(to->state), "%s", state_words[as]);
	snprintf(to->subject, sizeof(to->subject), "%s", notice->subject);
	to->body_len = body.len < sizeof(to->body) ? body.len : sizeof(to->body);
	memcpy(to->body, body.at, to->body_len);
	for (size_t i = 0; a->seen.service && i < a->service.server_count; i++)
		add_listeners(a, &a->service.servers[i]);
	if (!sender_give(a->sender, to))
		log_fatal(EXIT_TEMPORARY, "the process that sends alerts has ended");
	a->sending = as;
}

static void give_one(struct rounds *a, struct notice *notice, int64_t now)
{
	struct watch_alert *alert = watch_first_due(&a->watch);
	struct courier_alert *to = &a->alert;
	if (!notice_one(notice, alert, a->host, now))
		return;
	snprintf(to->state, sizeof(to->state), "%s", alert->state == WATCH_OVER ? "end" : "begin");
	snprintf(to->kind, sizeof(to->kind), "%s", watch_word(alert->kind));
	snprintf(to->server, sizeof(to->server), "%s", alert->server);
	snprintf(to->object, sizeof(to->object), "%s", alert->object);
	char since[CLOCK_TEXT_MAX];
	clock_iso(alert->since_ms, since);
	snprintf(to->since, sizeof(to->since), "%.31s", since);
	a->told = alert;
	give(a, notice, ROUNDS_SENDS_ONE, now);
}

/* Gives the sender what is due. Without memory for the text, the next round tries again. */
static void tell(struct rounds *a)
{
	struct notice notice;
	int64_t now = clock_wall_ms();
	if (a->sending != ROUNDS_IDLE)
		return;
	memset(&a->alert, 0, sizeof(a->alert));
	notice_init(&notice);
	enum throttle_step step = throttle_step(&a->throttle, watch_due(&a->watch), watch_untold(&a->watch), now);
	if (a->test_due && notice_test(&notice, a->host, now)) {
		a->test_due = false;
		give(a, &notice, ROUNDS_SENDS_TEST, now);
	} else if (step == THROTTLE_ONE) {
		give_one(a, &notice, now);
	} else if (step == THROTTLE_ALL && notice_all(&notice, &a->watch, a->host, now)) {
		give(a, &notice, ROUNDS_SENDS_ALL, now);
	}
	notice_free(&notice);
}

static bool send_row(int fd, const struct courier_said *said)
{
	struct str cells, packet;
	str_init(&cells, COURIER_NAME_MAX + COURIER_SAID_MAX + 16);
	str_init(&packet, WIRE_PACKET_MAX);
	str_append_clean(&cells, span_of(said->way));
	str_printf(&cells, "%c%s%c", ROW_SEPARATOR, said->good ? "good" : "failed", ROW_SEPARATOR);
	str_append_clean(&cells, span_of(said->said));
	const struct wire_ctl_row row = {.kind = SPAN(ROW_WAY), .cells = str_span(&cells)};
	bool sent = wire_encode_ctl_row(&row, &packet) && ipc_send(fd, str_span(&packet), NULL, 0) == 0;
	str_free(&cells);
	str_free(&packet);
	return sent;
}

/* The answer to mailrootctl. */
static void answer_test(struct rounds *a)
{
	const struct courier_answer *answer = &a->answer;
	bool good = answer->n;
	for (size_t i = 0; a->asker >= 0 && i < answer->n; i++) {
		good &= answer->at[i].good;
		if (!send_row(a->asker, &answer->at[i]))
			fd_close(&a->asker);
	}
	if (a->asker < 0)
		return;
	const struct wire_ctl_done done = {.exit_code = !good, .text = SPAN("")};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	if (wire_encode_ctl_done(&done, &packet))
		ipc_send_now(a->asker, str_span(&packet));
	str_free(&packet);
	fd_close(&a->asker);
}

static void log_ways(const struct courier_answer *answer, const char *subject)
{
	for (size_t i = 0; i < answer->n; i++) {
		const struct courier_said *way = &answer->at[i];
		if (way->good)
			log_info("alert told by %s: %s", way->way, subject);
		else
			log_warning("alert not told by %s: %s: %s", way->way, way->said, subject);
	}
	if (!answer->n)
		log_warning("alert not told, because no way is left; it is tried again: %s", subject);
}

/* The sender has answered. */
static void note_answer(struct rounds *a)
{
	enum rounds_sending was = a->sending;
	int64_t now = clock_wall_ms();
	a->sending = ROUNDS_IDLE;
	log_ways(&a->answer, a->alert.subject);
	if (was == ROUNDS_SENDS_TEST) {
		answer_test(a);
		return;
	}
	if (!a->answer.told) {
		throttle_failed(&a->throttle, now);
		return;
	}
	throttle_sent(&a->throttle, now);
	if (was == ROUNDS_SENDS_ONE)
		watch_told(&a->watch, a->told);
	else
		watch_summed(&a->watch);
	keep_save(&a->keep, &a->watch, &a->throttle);
}

static void hear_sender(struct rounds *a)
{
	int taken = sender_take(a->sender, &a->answer);
	if (taken < 0)
		log_fatal(EXIT_TEMPORARY, "the process that sends alerts has ended");
	if (taken && a->sending != ROUNDS_IDLE)
		note_answer(a);
}

static void hear_asker(struct rounds *a)
{
	struct ipc_packet packet;
	struct wire_alert_test test;
	int err = ipc_receive(a->asker, a->packet, sizeof(a->packet), MSG_DONTWAIT, &packet);
	if (err == -EAGAIN)
		return;
	bool asks = !err && !packet.eof && wire_admit(WIRE_LINK_ctl_alerts, WIRE_UP, packet.text) == WIRE_alert_test &&
		    wire_decode_alert_test(packet.text, &test);
	if (!err)
		ipc_packet_close(&packet);
	a->test_due |= asks;
	if (!asks)
		fd_close(&a->asker);
}

/* The newest link counts: an older one is of a mailrootctl that was ended. */
static void take_asker(struct rounds *a, struct ipc_packet *order)
{
	struct wire_attach attach;
	if (!wire_decode_attach(order->text, &attach) || attach.kind != CHILD_LINK_CTL || order->fd_count != 1)
		return;
	fd_close(&a->asker);
	a->asker = order->fds[0];
	order->fds[0] = -1;
}

/* False: stop. All settings of alerts act with a new process, so a reload changes nothing here. */
static bool hear_master(struct rounds *a)
{
	struct ipc_packet order;
	enum wire_type type = child_order(CHILD_FD_CONTROL, CHILD_ALERTS, a->packet, sizeof(a->packet), &order);
	if (type == WIRE_attach)
		take_asker(a, &order);
	ipc_packet_close(&order);
	return type != WIRE_stop;
}

/* While an alert is being sent, nothing is looked at: what was sent must still be there when the answer comes. */
static void tend(struct rounds *a)
{
	if (a->sending == ROUNDS_IDLE && clock_mono_ms() >= a->round_ms) {
		look(a);
		keep_save(&a->keep, &a->watch, &a->throttle);
		a->round_ms = clock_mono_ms() + rounds_pause(&a->child->config.alert);
	}
	tell(a);
}

void rounds_run(struct rounds *a)
{
	bool runs = true;
	link_limit(ROUNDS_ANSWER_MS);
	while (runs) {
		tend(a);
		struct pollfd polled[] = {{.fd = CHILD_FD_CONTROL, .events = POLLIN},
					  {.fd = a->sender, .events = POLLIN},
					  {.fd = a->asker, .events = POLLIN}};
		int64_t wait = a->round_ms - clock_mono_ms();
		int ready = poll(polled, 3, a->sending == ROUNDS_IDLE ? (int)(wait > 0 ? wait : 0) : -1);
		if (ready < 0)
			fd_rest(errno);
		if (ready <= 0)
			continue;
		if (polled[1].revents)
			hear_sender(a);
		if (polled[2].revents)
			hear_asker(a);
		if (polled[0].revents)
			runs = hear_master(a);
	}
	keep_save(&a->keep, &a->watch, &a->throttle);
}

void rounds_free(struct rounds *a)
{
	service_free(&a->service);
	keep_close(&a->keep);
	for (size_t i = 0; i < LOOK_PLACES_MAX; i++)
		fd_close(&a->places[i]);
	fd_close(&a->sender);
	fd_close(&a->asker);
}
