#include "delivery/smtp_jobs.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/config/oauth.h"
#include "common/jail/syscalls.h"
#include "delivery/auth/security.h"
#include "delivery/pool/job.h"
#include "delivery/smtp/client.h"
#include "delivery/smtp/etrn.h"

enum {
	KEEP_MS = 5000,         /* keep time of an idle connection */
	KEEP_TURNED_MS = 2000,  /* of an ATRN connection: the client waits for its end */
	TOKEN_REFUSED_MAX = 256 /* octets of the packet */
};

struct smtp_jobs {
	const struct worker *worker;
	const struct securities *securities;
	struct signing signing; /* signer NULL = no domain has a key */
	struct client client;
	struct job job;
	struct record_writer records;
	int64_t keep_until; /* clock_mono_ms; an idle connection is closed then */
};

/* The blocks that a job names. */
struct blocks {
	const struct security *security;
	const struct security *credentials; /* NULL = no authentication */
};

/* False: there are no such blocks here. */
static bool find_blocks(const struct smtp_jobs *j, const struct wire_job_smtp *wire, struct blocks *out)
{
	out->security = securities_find(j->securities, wire->security);
	out->credentials = securities_find(j->securities, wire->credentials);
	if (out->security && (out->credentials || !wire->credentials.len))
		return true;
	log_info("id=%.*s: the job is for another configuration than this process has; another process will do it",
		 SPAN_ARGS(wire->id));
	return false;
}

/* Why no host is contacted. */
struct trouble {
	struct enhanced enhanced;
	char text[SECURITY_TROUBLE_MAX];
};

/* Mail waits for the administrator, who must mend the configuration, or for an access token. */
static bool has_trouble(const struct blocks *blocks, struct trouble *out)
{
	const struct security *user = blocks->credentials;
	const char *text = blocks->security->trouble;
	out->enhanced = (struct enhanced){4, 3, 5};
	if (!text && user)
		text = user->user_trouble;
	if (text)
		snprintf(out->text, sizeof(out->text), "%s", text);
	if (text || !user)
		return text != NULL;
	out->enhanced = (struct enhanced){4, 7, 0};
	return security_lacks_token(user, clock_wall_ms(), out->text);
}

static void hold_back(struct smtp_jobs *j, const struct trouble *trouble)
{
	const struct outcome outcome = {
		.event = JOURNAL_DELAYED, .enhanced = trouble->enhanced, .text = span_of(trouble->text)};
	client_quit(&j->client);
	j->client.report = (struct client_report){0};
	outcomes_decide_open(&j->job.outcomes, false, &outcome);
}

/* Tells mailroot-web of an access token that a host refused. */
static void report_token(const struct smtp_jobs *j, const struct security *credentials)
{
	struct wire_token_refused refused = {.serial = j->client.report.refused_token};
	struct str packet;
	if (!refused.serial || !credentials)
		return;
	refused.identity = credentials->identity;
	str_init(&packet, TOKEN_REFUSED_MAX);
	if (wire_encode_token_refused(&refused, &packet))
		send(CHILD_FD_TOKENS, packet.at, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	str_free(&packet);
}

/* Reports the outcomes of a finished job. */
static void finish_smtp(struct smtp_jobs *j, const struct wire_job_smtp *wire)
{
	const struct client_report *report = &j->client.report;
	struct verdict_job *verdict = &j->job.verdict;
	verdict->connected = j->client.fd >= 0;
	verdict->transactions = report->transactions;
	verdict->reached = span_of(report->reached);
	verdict->failed = span_of(report->failed);
	verdict->dkim = span_of(report->signed_by);
	job_report(&j->job);
	if (!client_spent(&j->client, wire->max_messages))
		return;
	client_quit(&j->client);
	worker_say_idle(j->worker);
}

/* The address in MAIL FROM, in TO of ADDRESS_MAX + 1: SENDER, or what WIRE wants in its place. */
static struct span sender_shown(const struct address *sender, const struct wire_job_smtp *wire, char *to)
{
	struct span domain = wire->masquerade;
	if (wire->send_as.len)
		return wire->send_as;
	if (!domain.len || !sender->text.len)
		return sender->text;
	int len = snprintf(to, ADDRESS_MAX + 1, "%.*s@%.*s", SPAN_ARGS(sender->local), SPAN_ARGS(domain));
	return len <= ADDRESS_MAX ? span_of(to) : sender->text;
}

static bool open_message(struct job *job, const struct ipc_packet *packet, const struct wire_job_smtp *wire)
{
	if (!job_open(job, packet, wire->id, wire->rcpts))
		return false;
	if (wire->size >= job->envelope.body_at)
		return true;
	job_give_back(job, wire->rcpts, "it is shorter than its envelope");
	return false;
}

/* Takes the descriptor out of PACKET; -1 = none came. */
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

/* Delivers. If an operator watches, shows the dialogue, but not the end of an older connection. */
static void deliver(struct smtp_jobs *j, const struct client_job *client_job, bool shown)
{
	const struct transcript_witness witness = {show, &j->job.verdict};
	if (shown && client_job->anew)
		client_quit(&j->client);
	j->client.transcript.witness = shown ? &witness : NULL;
	client_deliver(&j->client, client_job, &j->job.outcomes);
	j->client.transcript.witness = NULL;
}

/*
 * What signs the message (DKIM). NULL: no domain has a key, or a stranger has sent the message, so that its From proves
 * nothing; what we write there does.
 */
static const struct signing *signing_for(const struct smtp_jobs *j, const struct wire_job_smtp *wire)
{
	bool forged_maybe = j->job.envelope.foreign && !(wire->send_as_header && wire->send_as.len);
	return j->signing.signer && !forged_maybe ? &j->signing : NULL;
}

static bool do_smtp(struct smtp_jobs *j, struct ipc_packet *packet)
{
	struct wire_job_smtp wire;
	struct blocks blocks;
	struct job *job = &j->job;
	if (!wire_decode_job_smtp(packet->text, &wire) || packet->fd_count < 1)
		return worker_no_job();
	if (!find_blocks(j, &wire, &blocks))
		return false;
	if (wire.turned)
		blocks = (struct blocks){0};
	worker_busy(j->worker, wire.destination);
	int stream = take_stream(packet, wire.stream);
	if (!open_message(job, packet, &wire)) {
		fd_close(&stream);
		return true;
	}
	char sender[ADDRESS_MAX + 1];
	const struct config_outbound *outbound = blocks.security ? &blocks.security->outbound : NULL;
	bool by_sender = blocks.credentials && config_oauth_by_sender(&blocks.credentials->outbound);
	struct client_job client_job = {.id = wire.id,
					.signing = signing_for(j, &wire),
					.mail = {.sender = sender_shown(&job->envelope.sender, &wire, sender),
						 .size = wire.size - job->envelope.body_at,
						 .eight_bit = wire.eight_bit,
						 .return_eight_bit = outbound && !outbound->send_eight_bit,
						 .dsn = job->envelope.dsn,
						 .written = wire.written},
					.fold_lines = !outbound || outbound->fold_lines,
					.send_as = {wire.send_as_header ? wire.send_as : SPAN(""),
						    wire.send_as_keep_name, wire.send_as_reply_to},
					.mailbox = by_sender ? wire.send_as : SPAN(""),
					.message = job->message,
					.size = wire.size,
					.body_at = job->envelope.body_at,
					.head = str_span(&job->head),
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
	struct trouble trouble;
	if (!wire.turned && has_trouble(&blocks, &trouble))
		hold_back(j, &trouble);
	else
		deliver(j, &client_job, wire.shown);
	finish_smtp(j, &wire);
	report_token(j, blocks.credentials);
	transcript_flush(
		&j->client.transcript); /* not earlier: until the verdict is sent, a kill causes a second copy */
	return true;
}

/* The log has the result. */
static bool do_etrn(struct smtp_jobs *j, const struct ipc_packet *packet)
{
	struct wire_job_etrn wire;
	struct blocks blocks;
	if (!wire_decode_job_etrn(packet->text, &wire))
		return worker_no_job();
	const struct wire_job_smtp names = {.security = wire.security, .credentials = wire.credentials};
	if (!find_blocks(j, &names, &blocks))
		return false;
	worker_busy(j->worker, wire.destination);
	const struct client_job job = {.destination = wire.destination,
				       .hosts = wire.hosts,
				       .found = wire.found,
				       .use_helo = wire.use_helo,
				       .helo = wire.helo,
				       .source = wire.source,
				       .timeout_ms = (int64_t)wire.timeout_ms,
				       .security = blocks.security,
				       .credentials = blocks.credentials};
	struct trouble trouble;
	j->client.report = (struct client_report){0};
	if (has_trouble(&blocks, &trouble))
		log_warning("connector=%.*s status=not-asked reason=\"%s\"", SPAN_ARGS(wire.connector), trouble.text);
	else
		etrn_ask(&j->client, &job, wire.connector, wire.domains);
	report_token(j, blocks.credentials);
	transcript_flush(&j->client.transcript);
	worker_say_idle(j->worker);
	return true;
}

/* Begins the idle time. Nothing that a host sends prolongs it. */
static void begin_keep(struct smtp_jobs *j)
{
	j->keep_until = clock_mono_ms() + (j->client.turned ? KEEP_TURNED_MS : KEEP_MS);
}

static int keep_left(const struct smtp_jobs *j)
{
	int64_t left = j->keep_until - clock_mono_ms();
	return left > 0 ? (int)left : 0;
}

static bool do_job(void *context, struct ipc_packet *packet)
{
	bool etrn = wire_type_of(packet->text) == WIRE_job_etrn;
	bool good = etrn ? do_etrn(context, packet) : do_smtp(context, packet);
	begin_keep(context);
	return good;
}

/* Waits for a job; meanwhile handles the kept connection. */
static void wait_for_job(void *context)
{
	struct smtp_jobs *j = context;
	struct pollfd fds[] = {{.fd = j->worker->job_link, .events = POLLIN}, {.fd = j->client.fd, .events = POLLIN}};
	bool connected = j->client.fd >= 0;
	int ready = poll(fds, 2, connected ? keep_left(j) : -1);
	if (ready < 0)
		fd_rest(errno);
	if (ready < 0 || fds[0].revents)
		return;
	if (ready == 0 || keep_left(j) == 0)
		client_quit(&j->client);
	else if (client_silent(&j->client))
		return;
	else
		client_close(&j->client);
	worker_say_idle(j->worker);
}

/* A worker without a link to the signer is of no use: the parent forks another, or ends with the signer. */
static struct signing connect_signer(struct signer *signer)
{
	const struct signing signing = {signer, signer_connect(signer)};
	if (signing.link < 0)
		log_fatal(EXIT_TEMPORARY, "no link to the process that signs mail (DKIM)");
	return signing;
}

int smtp_jobs_work(const struct worker *worker, const void *context)
{
	static const struct worker_ops ops = {.link = WIRE_LINK_job_delivery, .work = do_job, .wait = wait_for_job};
	const struct config_server *server = worker->child->server;
	const struct smtp_jobs_context *loaded = context;
	bool agents = securities_need_agents(loaded->securities);
	struct smtp_jobs *j = calloc(1, sizeof(*j));
	if (j && loaded->signer->n)
		j->signing = connect_signer(loaded->signer);
	syscalls_enter(agents ? SYSCALLS_client_with_agent : SYSCALLS_client, worker->child->config.sandbox.seccomp);
	if (!j || !client_init(&j->client, span_of(server->fqdn)))
		log_fatal(EXIT_TEMPORARY, "no memory for a worker");
	j->worker = worker;
	j->securities = loaded->securities;
	job_init(&j->job, worker->number);
	record_writer_init(&j->records, CHILD_FD_RECORDS);
	if (server->log.format != CONFIG_LOG_OFF)
		j->client.transcript.writer = &j->records;
	int status = worker_run(worker, &ops, j);
	client_quit(&j->client);
	client_free(&j->client);
	record_writer_free(&j->records);
	job_free(&j->job);
	free(j);
	return status;
}
