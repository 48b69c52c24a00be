#include "delivery/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "common/spool/spool.h"
#include "delivery/local/copy.h"
#include "delivery/local/local.h"
#include "delivery/report/verdict.h"
#include "delivery/smtp/client.h"
#include "delivery/smtp/etrn.h"

enum {
	KEEP_MS = 5000,        /* a connection without work */
	KEEP_TURNED_MS = 2000, /* one that a client has turned round: he waits for its end */
	IDLE_SEND_MS = 5000
};

struct worker {
	struct worker_setup setup;
	struct client client; /* delivery */
	struct local local;   /* local */
	struct arena arena;   /* of the job in hand */
	struct str head;      /* of its message file */
	struct record_writer records;
	uint64_t served;
	int64_t keep_until; /* clock_mono_ms; without another job the connection is closed then */
	char packet[WIRE_PACKET_MAX];
};

/* What the signal handler closes. */
static int retiring_link = -1;

/* No new job can be sent from now on; those that were sent are still received, then EOF. */
static void retire(int signo)
{
	int keep = errno;
	(void)signo;
	shutdown(retiring_link, SHUT_RD);
	errno = keep;
}

/* A job in hand: what its packet and its message say. */
struct job {
	struct verdict_job verdict;
	int message;
	struct envelope envelope;
	struct outcomes outcomes;
};

static void report_unreadable(const struct job *job, struct span rcpts, const char *why)
{
	log_error("id=%.*s: can't work on the message: %s", SPAN_ARGS(job->verdict.id), why);
	verdict_send_none(&job->verdict, outcomes_first(rcpts), why);
}

/* A packet that is no job of this role costs the link. */
static bool no_job(void)
{
	log_error("a packet on the job link is no job of ours; giving the link up");
	return false;
}

static bool open_job(struct worker *w, const struct ipc_packet *packet, struct span id, struct span rcpts,
		     struct job *job)
{
	const char *why = NULL;
	*job = (struct job){
		.verdict = {.link = CHILD_FD_VERDICTS, .worker = w->setup.number, .id = id, .journal = packet->fds[1]},
		.message = packet->fds[0]};
	arena_reset(&w->arena);
	int err = spool_read_envelope(job->message, &w->head, &w->arena, &job->envelope, &why);
	if (!err && outcomes_select(&job->outcomes, &w->arena, &job->envelope, rcpts)) {
		job->verdict.sender = job->envelope.sender.text;
		return true;
	}
	if (!err)
		why = "the job's recipients are not the message's";
	else if (err != -EBADMSG)
		why = strerror(-err);
	report_unreadable(job, rcpts, why);
	return false;
}

/* The blocks that a job names. */
struct blocks {
	const struct security *security;
	const struct security *credentials; /* NULL = nobody authenticates */
};

/* False: there are none such here. */
static bool find_blocks(const struct worker *w, const struct wire_job_smtp *wire, struct blocks *out)
{
	out->security = securities_find(w->setup.securities, wire->security);
	out->credentials = securities_find(w->setup.securities, wire->credentials);
	if (out->security && (out->credentials || !wire->credentials.len))
		return true;
	log_info("id=%.*s: the job is of another configuration than this process; another one will do it",
		 SPAN_ARGS(wire->id));
	return false;
}

/* What our own configuration keeps from being sent; NULL = nothing. */
static const char *trouble_of(const struct blocks *blocks)
{
	if (blocks->security->trouble)
		return blocks->security->trouble;
	return blocks->credentials ? blocks->credentials->user_trouble : NULL;
}

/* Mail waits for the administrator; no host hears of it. */
static void hold_back(struct worker *w, struct job *job, const char *why)
{
	const struct outcome outcome = {.event = JOURNAL_DELAYED, .enhanced = {4, 3, 5}, .text = span_of(why)};
	client_quit(&w->client);
	w->client.report = (struct client_report){0};
	outcomes_decide_open(&job->outcomes, false, &outcome);
}

static void say_idle(struct worker *w)
{
	struct wire_idle idle = {w->setup.number};
	struct str packet;
	str_init(&packet, 64);
	int err =
		wire_encode_idle(&idle, &packet) ? ipc_send(w->setup.job_link, str_span(&packet), NULL, 0) : -EMSGSIZE;
	if (err && err != -EPIPE)
		log_warning("can't tell the queue that a connection is closed: %s", strerror(-err));
	str_free(&packet);
}

/* What could be tried was: says what became of it. */
static void finish_smtp(struct worker *w, const struct wire_job_smtp *wire, struct job *job)
{
	const struct client_report *report = &w->client.report;
	job->verdict.connected = w->client.fd >= 0;
	job->verdict.transactions = report->transactions;
	job->verdict.reached = span_of(report->reached);
	job->verdict.failed = span_of(report->failed);
	verdict_send(&job->verdict, &job->outcomes);
	if (!client_spent(&w->client, wire->max_messages))
		return;
	client_quit(&w->client);
	say_idle(w);
}

/* MAIL FROM, in TO of ADDRESS_MAX + 1: SENDER with DOMAIN in place of its own unless that is empty. */
static struct span sender_shown(const struct address *sender, struct span domain, char *to)
{
	if (!domain.len || !sender->text.len)
		return sender->text;
	int len = snprintf(to, ADDRESS_MAX + 1, "%.*s@%.*s", SPAN_ARGS(sender->local), SPAN_ARGS(domain));
	return len <= ADDRESS_MAX ? span_of(to) : sender->text;
}

static bool open_message(struct worker *w, const struct ipc_packet *packet, const struct wire_job_smtp *wire,
			 struct job *job)
{
	if (!open_job(w, packet, wire->id, wire->rcpts, job))
		return false;
	if (wire->size >= job->envelope.body_at)
		return true;
	report_unreadable(job, wire->rcpts, "it is shorter than its envelope");
	return false;
}

/* The descriptor is taken out of PACKET; -1 = none came. */
static int take_stream(struct ipc_packet *packet, uint64_t number)
{
	if (!number || number >= packet->fd_count)
		return -1;
	int fd = packet->fds[number];
	packet->fds[number] = -1;
	return fd;
}

static void show(void *context, enum transcript_by by, struct span text)
{
	verdict_show(context, by, text);
}

/* Tries; where an operator wants to see it, what is said is shown, but not how an older connection is left. */
static void deliver(struct worker *w, const struct client_job *client_job, struct job *job, bool shown)
{
	const struct transcript_witness witness = {show, &job->verdict};
	if (shown && client_job->anew)
		client_quit(&w->client);
	w->client.transcript.witness = shown ? &witness : NULL;
	client_deliver(&w->client, client_job, &job->outcomes);
	w->client.transcript.witness = NULL;
}

static bool do_smtp(struct worker *w, struct ipc_packet *packet)
{
	struct wire_job_smtp wire;
	struct blocks blocks;
	struct job job;
	if (!wire_decode_job_smtp(packet->text, &wire) || packet->fd_count < 1)
		return no_job();
	if (!find_blocks(w, &wire, &blocks))
		return false;
	if (wire.turned)
		blocks = (struct blocks){0};
	prefork_busy(w->setup.prefork, w->setup.slot, wire.destination);
	int stream = take_stream(packet, wire.stream);
	if (!open_message(w, packet, &wire, &job)) {
		fd_close(&stream);
		return true;
	}
	char sender[ADDRESS_MAX + 1];
	const struct config_outbound *outbound = blocks.security ? &blocks.security->outbound : NULL;
	struct client_job client_job = {.mail = {.sender = sender_shown(&job.envelope.sender, wire.masquerade, sender),
						 .size = wire.size - job.envelope.body_at,
						 .eight_bit = wire.eight_bit,
						 .return_eight_bit = outbound && !outbound->send_eight_bit,
						 .dsn = job.envelope.dsn,
						 .written = wire.written},
					.fold_lines = !outbound || outbound->fold_lines,
					.message = job.message,
					.size = wire.size,
					.body_at = job.envelope.body_at,
					.head = str_span(&w->head),
					.destination = wire.destination,
					.hosts = wire.hosts,
					.use_helo = wire.use_helo,
					.helo = wire.helo,
					.source = wire.source,
					.timeout_ms = (int64_t)wire.timeout_ms,
					.max_messages = wire.max_messages,
					.found = wire.found,
					.generation = wire.generation,
					.anew = wire.anew,
					.patient = wire.patient,
					.turned = wire.turned,
					.stream = stream,
					.security = blocks.security,
					.credentials = blocks.credentials};
	if (!wire.turned && trouble_of(&blocks))
		hold_back(w, &job, trouble_of(&blocks));
	else
		deliver(w, &client_job, &job, wire.shown);
	finish_smtp(w, &wire, &job);
	transcript_flush(&w->client.transcript); /* not before: until the verdict is sent a kill means a second copy */
	return true;
}

/* What it came to stands in the log. */
static bool do_etrn(struct worker *w, const struct ipc_packet *packet)
{
	struct wire_job_etrn wire;
	struct blocks blocks;
	if (!wire_decode_job_etrn(packet->text, &wire))
		return no_job();
	const struct wire_job_smtp names = {.security = wire.security, .credentials = wire.credentials};
	if (!find_blocks(w, &names, &blocks))
		return false;
	prefork_busy(w->setup.prefork, w->setup.slot, wire.destination);
	const struct client_job job = {.destination = wire.destination,
				       .hosts = wire.hosts,
				       .found = wire.found,
				       .use_helo = wire.use_helo,
				       .helo = wire.helo,
				       .source = wire.source,
				       .timeout_ms = (int64_t)wire.timeout_ms,
				       .security = blocks.security,
				       .credentials = blocks.credentials};
	if (trouble_of(&blocks))
		log_warning("connector=%.*s status=not-asked reason=\"%s\"", SPAN_ARGS(wire.connector),
			    trouble_of(&blocks));
	else
		etrn_ask(&w->client, &job, wire.connector, wire.domains);
	transcript_flush(&w->client.transcript);
	say_idle(w);
	return true;
}

static bool do_copy(struct worker *w, const struct ipc_packet *packet)
{
	struct wire_job_copy wire;
	struct job job;
	if (!wire_decode_job_copy(packet->text, &wire) || packet->fd_count < 1)
		return no_job();
	prefork_busy(w->setup.prefork, w->setup.slot, wire.folder);
	if (!open_job(w, packet, wire.id, wire.rcpts, &job))
		return true;
	struct copy_job copy = {.server = w->local.server,
				.id = wire.id,
				.folder = wire.folder,
				.message = job.message,
				.size = wire.size,
				.return_path = wire.return_path,
				.envelope = &job.envelope};
	copy_deliver(&copy, &job.outcomes);
	verdict_send(&job.verdict, &job.outcomes);
	return true;
}

static bool do_notice(struct worker *w, const struct ipc_packet *packet)
{
	struct wire_job_notice wire;
	struct job job;
	const char *why;
	if (!wire_decode_job_notice(packet->text, &wire) || packet->fd_count < 2)
		return no_job();
	prefork_busy(w->setup.prefork, w->setup.slot, SPAN("notice"));
	if (!open_job(w, packet, wire.id, wire.rcpts, &job))
		return true;
	if (local_notice(&w->local, &wire, job.message, job.verdict.journal, &job.envelope, &job.outcomes, &why))
		verdict_send(&job.verdict, &job.outcomes);
	else
		report_unreadable(&job, wire.rcpts, why);
	return true;
}

/* False: this process can't go on. */
static bool do_job(struct worker *w, struct ipc_packet *packet)
{
	bool local = w->setup.child->role == CHILD_LOCAL;
	switch (wire_admit(local ? WIRE_LINK_job_local : WIRE_LINK_job_delivery, WIRE_DOWN, packet->text)) {
	case WIRE_job_smtp:
		return do_smtp(w, packet);
	case WIRE_job_etrn:
		return do_etrn(w, packet);
	case WIRE_job_copy:
		return do_copy(w, packet);
	case WIRE_job_notice:
		return do_notice(w, packet);
	default:
		return no_job();
	}
}

/* The time without work begins. Nothing that a host sends prolongs it. */
static void begin_keep(struct worker *w)
{
	w->keep_until = clock_mono_ms() + (w->client.turned ? KEEP_TURNED_MS : KEEP_MS);
}

static int keep_left(const struct worker *w)
{
	int64_t left = w->keep_until - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

/* Until there is a job; meanwhile looks after the connection that is kept. */
static void wait_for_job(struct worker *w)
{
	struct pollfd fds[] = {{.fd = w->setup.job_link, .events = POLLIN}, {.fd = w->client.fd, .events = POLLIN}};
	bool connected = w->client.fd >= 0;
	int ready = poll(fds, 2, connected ? keep_left(w) : -1);
	if (ready < 0)
		fd_rest(errno);
	if (ready < 0 || fds[0].revents)
		return;
	if (ready == 0 || keep_left(w) == 0)
		client_quit(&w->client);
	else if (client_silent(&w->client))
		return;
	else
		client_close(&w->client);
	say_idle(w);
}

static int loop(struct worker *w)
{
	struct ipc_packet packet;
	int pause_ms = 0;
	for (;;) {
		int err = ipc_receive(w->setup.job_link, w->packet, sizeof(w->packet), MSG_DONTWAIT, &packet);
		if (err != -EAGAIN && ipc_passes(err)) {
			clock_back_off(&pause_ms);
			continue;
		}
		pause_ms = 0;
		if (err == -EAGAIN) {
			prefork_idle(w->setup.prefork, w->setup.slot);
			wait_for_job(w);
			continue;
		}
		if (err || packet.eof)
			return 0;
		bool good = do_job(w, &packet);
		begin_keep(w);
		ipc_packet_close(&packet);
		if (!good)
			return EXIT_TEMPORARY;
		scoreboard_served(prefork_scoreboard(w->setup.prefork), w->setup.slot);
		if (++w->served == w->setup.jobs)
			retire(0);
	}
}

static void heed_signals(int job_link)
{
	struct sigaction action = {.sa_handler = retire, .sa_flags = SA_RESTART};
	retiring_link = job_link;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

int worker_run(const struct worker_setup *setup)
{
	struct worker *w = calloc(1, sizeof(*w));
	if (!w || !client_init(&w->client, span_of(setup->child->server->fqdn)))
		log_fatal(EXIT_TEMPORARY, "no memory for a worker");
	w->setup = *setup;
	arena_init(&w->arena, OUTCOME_ARENA_MAX);
	str_init(&w->head, 2 * ENVELOPE_MAX);
	record_writer_init(&w->records, CHILD_FD_RECORDS);
	if (setup->child->role == CHILD_DELIVERY && setup->child->server->log.format != CONFIG_LOG_OFF)
		w->client.transcript.writer = &w->records;
	if (setup->child->role == CHILD_LOCAL)
		local_open(&w->local, setup->spool, setup->child->server, CHILD_FD_ARRIVALS);
	heed_signals(setup->job_link);
	ipc_set_send_deadline(setup->job_link, IDLE_SEND_MS);
	int status = loop(w);
	client_quit(&w->client);
	client_free(&w->client);
	record_writer_free(&w->records);
	local_close(&w->local);
	arena_free(&w->arena);
	str_free(&w->head);
	free(w);
	return status;
}
