#include "smtpd/filters/dialer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/ask.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"

enum {
	POLL_CONTROL = 0,
	POLL_QUESTIONS,
	POLL_TRIES,
	DOUBT_MS = 1000, /* between two doubts that count */
	AGAIN_MS = 20,   /* between attempts while a filter accepts no connection */
	DESCRIPTORS = 16 + 2 * DIALER_TRIES
};

/* --- filters --- */

static struct dialer_filter make(const struct config_filter *config)
{
	struct dialer_filter filter = {.config = config};
	snprintf(filter.name, sizeof(filter.name), "%s", config->name);
	snprintf(filter.address, sizeof(filter.address), "%s", config->address.text);
	return filter;
}

static struct dialer_filter *find(struct dialer *d, struct span name)
{
	for (size_t i = 0; i < d->filter_count; i++)
		if (span_equal(span_of(d->filters[i].name), name))
			return &d->filters[i];
	return NULL;
}

/* Takes the filters of the configuration over; one that has its name and address still has its state, too. */
static void take_filters(struct dialer *d)
{
	const struct config_server *server = d->child->server;
	struct dialer_filter fresh[CONFIG_FILTERS_MAX];
	size_t n = server->filter_count < CONFIG_FILTERS_MAX ? server->filter_count : CONFIG_FILTERS_MAX;
	for (size_t i = 0; i < n; i++) {
		fresh[i] = make(&server->filters[i]);
		const struct dialer_filter *old = find(d, span_of(fresh[i].name));
		if (old && strcmp(old->address, fresh[i].address) == 0)
			fresh[i].down = old->down;
	}
	memcpy(d->filters, fresh, n * sizeof(*fresh));
	d->filter_count = n;
}

static void tell_trouble(struct dialer *d)
{
	struct str text;
	char since[CLOCK_TEXT_MAX];
	str_init(&text, TROUBLE_MAX);
	d->news = false;
	for (size_t i = 0; i < d->filter_count; i++) {
		const struct dialer_filter *filter = &d->filters[i];
		if (!filter->down.err)
			continue;
		clock_iso(filter->down.since_ms, since);
		str_printf(&text, N_("filter %s is down since %s: %s"), filter->name, since, filter->down.why);
		str_append_c(&text, '\n');
	}
	trouble_tell(&d->told, str_span(&text), clock_wall_ms() / 1000);
	str_free(&text);
}

/* --- answers --- */

/* Never waits for a worker that does not read its answer. FD -1: WHY is the reason for ERR. */
static void reply(int answer, int fd, int err, const char *why)
{
	const struct wire_filter_is is = {.error = reach_is_ours(err) ? DIAL_OURS : (uint64_t)err, .why = span_of(why)};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	if (!fd_set_nonblock(answer, true) && wire_encode_filter_is(&is, &packet) &&
	    ipc_send(answer, str_span(&packet), &fd, fd >= 0) != 0)
		log_info("a process that asked for a filter no longer waits");
	str_free(&packet);
}

/* --- tries --- */

static void release(struct dialer_try *try)
{
	fd_close(&try->fd);
	fd_close(&try->answer);
	*try = (struct dialer_try){.fd = -1, .answer = -1};
}

static void finish_well(struct dialer *d, struct dialer_try *try)
{
	struct dialer_filter *filter = &d->filters[try->filter];
	if (try->answer >= 0)
		reply(try->answer, try->fd, 0, "");
	release(try);
	if (!down_end(&filter->down))
		return;
	log_info("filter %s is up again", filter->name);
	d->news = true;
}

static void finish_badly(struct dialer *d, struct dialer_try *try, int err)
{
	struct dialer_filter *filter = &d->filters[try->filter];
	bool own = try->answer < 0;
	char why[DIAL_WHY_MAX + 1];
	reach_why(&d->reach, &filter->config->address, err, why);
	if (!own)
		reply(try->answer, -1, err, why);
	release(try);
	if (reach_is_ours(err) && !(own && filter->down.err))
		return;
	down_fail(&filter->down, own, err, why, clock_mono_ms(), clock_wall_ms());
	d->news = true;
}

static bool is_writable(int fd)
{
	struct pollfd socket = {.fd = fd, .events = POLLOUT};
	return poll(&socket, 1, 0) > 0;
}

/* Our own try: connected. */
static void greet(struct dialer *d, struct dialer_try *try)
{
	try->greeted = reach_greet(try->fd);
	if (!try->greeted)
		finish_badly(d, try, ECONNRESET);
}

static void take_greeting(struct dialer *d, struct dialer_try *try)
{
	int err = reach_greeted(try->fd, &try->greeting);
	if (!err)
		finish_well(d, try);
	else if (err != -EAGAIN)
		finish_badly(d, try, -err);
	else if (clock_mono_ms() >= try->deadline)
		finish_badly(d, try, ETIME);
}

/* Connects, or goes on with it. */
static void attempt(struct dialer *d, struct dialer_try *try)
{
	int64_t now = clock_mono_ms();
	int err = 0;
	if (try->greeted) {
		take_greeting(d, try);
		return;
	}
	if (try->fd < 0)
		try->fd = reach_begin(&d->filters[try->filter].config->address);
	if (try->fd == -EAGAIN) {
		try->fd = -1;
		try->again_ms = now + AGAIN_MS;
		err = -EAGAIN;
	} else if (try->fd < 0) {
		err = try->fd;
		try->fd = -1;
		finish_badly(d, try, -err);
		return;
	} else if (is_writable(try->fd)) {
		err = reach_result(try->fd);
		if (err)
			finish_badly(d, try, -err);
		else if (try->greets)
			greet(d, try);
		else
			finish_well(d, try);
		return;
	}
	if (now >= try->deadline)
		finish_badly(d, try, err ? EAGAIN : ETIMEDOUT);
}

static void start(struct dialer *d, struct dialer_try *try, size_t filter, bool greets, int answer, pid_t worker)
{
	int64_t until = clock_mono_ms() + d->filters[filter].config->timeout.connect_ms;
	*try = (struct dialer_try){.used = true,
				   .filter = filter,
				   .greets = greets,
				   .fd = -1,
				   .answer = answer,
				   .worker = worker,
				   .deadline = until};
	attempt(d, try);
}

static struct dialer_try *own_try(struct dialer *d, size_t filter)
{
	return &d->at[DIALER_QUESTIONS + filter];
}

/* Whether a greeting has found filter I to be down. */
static bool was_greeted(const struct dialer *d, size_t i)
{
	int err = d->filters[i].down.err;
	return err == ETIME || err == EPROTO || err == ECONNRESET;
}

static void try_due(struct dialer *d)
{
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < d->filter_count; i++)
		if (d->filters[i].down.err && d->filters[i].down.next_ms <= now && !own_try(d, i)->used)
			start(d, own_try(d, i), i, was_greeted(d, i), -1, 0);
}

static void try_all(struct dialer *d)
{
	for (size_t i = 0; i < d->filter_count; i++)
		if (!d->filters[i].down.err)
			start(d, own_try(d, i), i, false, -1, 0);
}

/* --- questions --- */

/* A process asks for one filter at a time, so a new question means that it no longer waits for the old one. */
static void forget(struct dialer *d, pid_t worker)
{
	for (size_t i = 0; i < DIALER_QUESTIONS; i++)
		if (d->at[i].used && d->at[i].worker == worker)
			release(&d->at[i]);
}

/* A place whose process no longer waits is free, too. */
static struct dialer_try *free_place(struct dialer *d)
{
	for (size_t i = 0; i < DIALER_QUESTIONS; i++)
		if (!d->at[i].used)
			return &d->at[i];
	for (size_t i = 0; i < DIALER_QUESTIONS; i++)
		if (ask_has_left(d->at[i].answer)) {
			release(&d->at[i]);
			return &d->at[i];
		}
	return NULL;
}

/* Takes *fd if the answer comes later. */
static void begin(struct dialer *d, struct span name, int *fd)
{
	pid_t worker = ask_peer(*fd);
	if (!worker || ask_has_left(*fd))
		return;
	forget(d, worker);
	struct dialer_filter *filter = find(d, name);
	struct dialer_try *try = free_place(d);
	if (!filter)
		reply(*fd, -1, DIAL_OURS, "the configuration has no such filter any more");
	else if (filter->down.err)
		reply(*fd, -1, filter->down.err, filter->down.why);
	else if (!try)
		reply(*fd, -1, DIAL_OURS, "too many connections to filters are being made");
	else {
		int answer = *fd;
		*fd = -1;
		start(d, try, (size_t)(filter - d->filters), false, answer, worker);
	}
}

/* Any process may doubt, but whether the filter hangs is found out here. */
static void doubt(struct dialer *d, struct span name)
{
	struct dialer_filter *filter = find(d, name);
	int64_t now = clock_mono_ms();
	size_t i = filter ? (size_t)(filter - d->filters) : 0;
	if (!filter || filter->down.err || own_try(d, i)->used || now < filter->doubt_ms)
		return;
	filter->doubt_ms = now + DOUBT_MS;
	start(d, own_try(d, i), i, true, -1, 0);
}

static void take_question(struct dialer *d)
{
	struct ipc_packet packet;
	struct wire_filter_of of;
	struct wire_filter_doubted doubted;
	int err = ipc_receive(d->questions, d->packet, sizeof(d->packet), MSG_DONTWAIT, &packet);
	if (ipc_passes(err) || err == -EMSGSIZE)
		return;
	/* Master keeps both ends open, so that the next process can continue. */
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't read questions about filters: %s", strerror(-err));
	if (packet.eof) {
		d->questions = -1;
		return;
	}
	enum wire_type type = wire_admit(WIRE_LINK_filters, WIRE_UP, packet.text);
	if (type == WIRE_filter_of && packet.fd_count == 1 && wire_decode_filter_of(packet.text, &of))
		begin(d, of.name, &packet.fds[0]);
	else if (type == WIRE_filter_doubted && wire_decode_filter_doubted(packet.text, &doubted))
		doubt(d, doubted.name);
	ipc_packet_close(&packet);
}

/* --- orders --- */

/* What is under way belongs to the old configuration. A process whose question is closed asks again. */
static void reload(struct dialer *d, struct ipc_packet *packet)
{
	if (packet->fd_count != 1)
		return;
	int fd = packet->fds[0];
	packet->fds[0] = -1;
	for (size_t i = 0; i < DIALER_TRIES; i++)
		if (d->at[i].used)
			release(&d->at[i]);
	if (!child_reconfigure(d->child, fd))
		log_error("can't read the new configuration; the old one stays in force");
	take_filters(d);
	try_all(d);
	d->news = true;
}

static void obey(struct dialer *d)
{
	struct ipc_packet packet;
	enum wire_type type = child_order(d->control, CHILD_FILTERS, d->packet, sizeof(d->packet), &packet);
	if (type == WIRE_reload)
		reload(d, &packet);
	else if (type == WIRE_stop)
		d->stopping = true;
	ipc_packet_close(&packet);
}

/* Milliseconds until something is due; -1 = nothing is. */
static int until_due(const struct dialer *d)
{
	int64_t next = -1, now = clock_mono_ms();
	for (size_t i = 0; i < DIALER_TRIES; i++) {
		const struct dialer_try *try = &d->at[i];
		int64_t at = try->fd < 0 && try->again_ms < try->deadline ? try->again_ms : try->deadline;
		if (try->used)
			next = clock_sooner(next, at > now ? at - now : 0);
	}
	for (size_t i = 0; i < d->filter_count; i++) {
		const struct down *down = &d->filters[i].down;
		if (down->err && !d->at[DIALER_QUESTIONS + i].used)
			next = clock_sooner(next, down->next_ms > now ? down->next_ms - now : 0);
	}
	return (int)next;
}

static void turn(struct dialer *d)
{
	struct pollfd fds[POLL_TRIES + DIALER_TRIES] = {
		[POLL_CONTROL] = {.fd = d->control, .events = POLLIN},
		[POLL_QUESTIONS] = {.fd = d->questions, .events = POLLIN},
	};
	for (size_t i = 0; i < DIALER_TRIES; i++)
		fds[POLL_TRIES + i] = (struct pollfd){.fd = d->at[i].used ? d->at[i].fd : -1,
						      .events = d->at[i].greeted ? POLLIN : POLLOUT};
	if (poll(fds, POLL_TRIES + DIALER_TRIES, until_due(d)) < 0) {
		fd_rest(errno);
		return;
	}
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < DIALER_TRIES; i++) {
		struct dialer_try *try = &d->at[i];
		bool due = fds[POLL_TRIES + i].revents || now >= try->deadline || (try->fd < 0 && now >= try->again_ms);
		if (try->used && due)
			attempt(d, try);
	}
	try_due(d);
	if (fds[POLL_CONTROL].revents)
		obey(d);
	if (fds[POLL_QUESTIONS].revents)
		take_question(d);
}

void dialer_load(struct dialer *d, struct child *child)
{
	*d = (struct dialer){.child = child, .control = CHILD_FD_CONTROL, .questions = CHILD_FD_FILTERS};
	for (size_t i = 0; i < DIALER_TRIES; i++)
		d->at[i] = (struct dialer_try){.fd = -1, .answer = -1};
	trouble_init(&d->told);
	reach_init(&d->reach, child->config.filters_user);
	take_filters(d);
}

/* A socket may be anywhere; Landlock forbids to open a file, but not to connect to a socket by its path. */
void dialer_jail(const struct dialer *d)
{
	const struct config *config = &d->child->config;
	const struct privs_jail jail = {.user = config->filters_user, .with_groups = true, .max_files = DESCRIPTORS};
	privs_enter(&jail);
	syscalls_enter(SYSCALLS_filters, config->sandbox.seccomp);
}

void dialer_run(struct dialer *d)
{
	try_all(d);
	while (!d->stopping) {
		if (d->news)
			tell_trouble(d);
		turn(d);
	}
	for (size_t i = 0; i < DIALER_TRIES; i++)
		if (d->at[i].used)
			release(&d->at[i]);
}

void dialer_free(struct dialer *d)
{
	reach_free(&d->reach);
	trouble_free(&d->told);
}
