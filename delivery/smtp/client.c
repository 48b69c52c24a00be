#include "delivery/smtp/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "common/net/net.h"
#include "delivery/smtp/body.h"
#include "delivery/smtp/lines.h"
#include "delivery/smtp/secure.h"

/* Octets of a host's name that are shown, so that name, address and port fit JOURNAL_HOST_MAX. */
enum { NAME_SHOWN_MAX = 200 };

bool client_init(struct client *c, struct span name)
{
	*c = (struct client){.fd = -1, .name = name};
	dialogue_init(&c->dialogue, name);
	c->in = malloc(CLIENT_BLOCK);
	c->out = malloc(2 * CLIENT_BLOCK + 8);
	return c->in && c->out;
}

void client_free(struct client *c)
{
	client_close(c);
	outgoing_forget(&c->outgoing);
	dialogue_free(&c->dialogue);
	free(c->in);
	free(c->out);
}

/* The reply to the message is always awaited: giving up would mean to send the message again. */
int64_t client_timeout(const struct client *c, const struct client_job *job)
{
	int64_t ms = dialogue_timeout(&c->dialogue), left = c->job_until - clock_mono_ms();
	if (ms > job->timeout_ms)
		ms = job->timeout_ms;
	if (c->dialogue.state != DIALOGUE_FINAL && ms > left)
		ms = left;
	return ms > 1 ? ms : 1;
}

/* Skips empty lines, which some hosts send behind each reply. False: there are none. */
static bool skip_blank(struct stream *s)
{
	struct span octets;
	size_t n = 0;
	if (!stream_pending(s) || stream_peek(s, &octets) != STREAM_OK)
		return false;
	while (n < octets.len && (octets.at[n] == '\r' || octets.at[n] == '\n'))
		n++;
	stream_taken(s, n);
	return n > 0;
}

bool client_silent(struct client *c)
{
	return stream_silent(&c->stream) || (skip_blank(&c->stream) && stream_silent(&c->stream));
}

static enum dialogue_next send_body(struct client *c, const struct client_job *job)
{
	switch (body_send(c, job)) {
	case BODY_SENT:
		return dialogue_sent(&c->dialogue);
	case BODY_INTERRUPTED:
		return DIALOGUE_READ;
	case BODY_TOO_SLOW:
		return dialogue_broken(&c->dialogue, DIALOGUE_TIMEOUT, (struct span){0});
	case BODY_UNREADABLE:
		break;
	}
	return dialogue_broken(&c->dialogue, DIALOGUE_OURS, span_of(outcome_unreadable(errno)));
}

/* Runs until the dialogue is idle or over. Each reply has one deadline, even if its octets trickle. */
static enum dialogue_next converse(struct client *c, const struct client_job *job, enum dialogue_next next)
{
	while (next != DIALOGUE_IDLE && next != DIALOGUE_HANG_UP) {
		if (c->dialogue.out.failed)
			next = dialogue_broken(&c->dialogue, DIALOGUE_OURS, SPAN(N_("commands are too long")));
		if (!reply_begun(&c->dialogue.reply))
			stream_deadline(&c->stream, client_timeout(c, job));
		lines_send(c);
		if (next == DIALOGUE_READ)
			next = lines_read(c);
		else if (next == DIALOGUE_SEND_BODY)
			next = send_body(c, job);
		else if (next == DIALOGUE_HANDSHAKE)
			next = secure_handshake(c, job);
	}
	if (next == DIALOGUE_HANG_UP)
		client_leave(c);
	return next;
}

static void show_host(struct client *c, const struct host *host)
{
	char address[NET_TEXT_MAX], ip[IPADDR_TEXT_MAX];
	size_t name = host->name.len < NAME_SHOWN_MAX ? host->name.len : NAME_SHOWN_MAX;
	ipaddr_format(&host->ip, ip);
	if (span_equal(host->name, span_of(ip)) || host->name.at[0] == '[')
		name = 0;
	snprintf(address, sizeof(address), "[%s]:%u", ip, host->port);
	snprintf(c->host, sizeof(c->host), "%.*s%s", (int)name, host->name.at, address);
}

static void pass_over(struct client *c, struct enhanced enhanced, const char *text)
{
	dialogue_note_failure(&c->dialogue, (struct outcome){.event = JOURNAL_DELAYED,
							     .enhanced = enhanced,
							     .host = span_of(c->host),
							     .text = span_of(text)});
}

static void unreachable(struct client *c, int err, const struct ipaddr *source)
{
	char text[200], from[IPADDR_TEXT_MAX];
	snprintf(text, sizeof(text), N_("could not connect: %s"), strerror(err));
	if (source) {
		ipaddr_format(source, from);
		snprintf(text, sizeof(text), N_("could not connect from source_address %s: %s"), from, strerror(err));
	}
	pass_over(c, (struct enhanced){4, 4, 1}, text);
}

static void format_peer(char to[CLIENT_PEER_MAX], const struct host *host)
{
	char ip[IPADDR_TEXT_MAX];
	ipaddr_format(&host->ip, ip);
	snprintf(to, CLIENT_PEER_MAX, "%s %u", ip, host->port);
}

static void note_failed(struct client *c, const struct host *host)
{
	char peer[CLIENT_PEER_MAX];
	size_t len = strlen(c->report.failed);
	format_peer(peer, host);
	if (len + strlen(peer) + 2 <= sizeof(c->report.failed))
		snprintf(c->report.failed + len, sizeof(c->report.failed) - len, "%s\n", peer);
}

/* A host of the list. */
struct trial {
	struct host host;
	bool last, found;
	const struct security *credentials; /* that the host may see, or NULL */
};

/* What a later job must request, too, to use this connection. */
static void remember_job(struct client *c, const struct client_job *job, const struct trial *trial)
{
	const struct host *host = &trial->host;
	struct span destination = job->destination;
	c->destination_len = destination.len < sizeof(c->destination) ? destination.len : 0;
	if (c->destination_len)
		memcpy(c->destination, destination.at, c->destination_len);
	c->security = job->security;
	c->credentials = job->credentials;
	span_copy(job->helo, c->helo, sizeof(c->helo));
	span_copy(job->source, c->source, sizeof(c->source));
	c->dialogue.name = c->helo[0] ? span_of(c->helo) : c->name;
	span_copy(host->name, c->host_name, sizeof(c->host_name));
	c->ip = host->ip;
	c->port = host->port;
	format_peer(c->peer, host);
	c->found = trial->found;
	c->generation = job->generation;
	c->unsent = 0;
	c->patient = job->patient;
	c->turned = job->turned;
	c->messages = 0;
}

/* From the greeting to READY. */
static bool greet(struct client *c, const struct client_job *job, const struct security *credentials)
{
	const char *tls_name = job->security ? job->security->outbound.tls_name : NULL;
	struct sasl_user user;
	const struct sasl *sasl = NULL;
	char mailbox[ADDRESS_MAX + 1];
	bool usable = credentials && security_user(credentials, &user);
	if (usable && job->mailbox.len && span_copy(job->mailbox, mailbox, sizeof(mailbox)))
		user.username = mailbox;
	if (usable)
		sasl = sasl_open(&user, &c->channel, tls_name ? tls_name : c->host_name, c->port);
	c->dialogue.security.sasl = sasl;
	enum dialogue_next next = dialogue_start(&c->dialogue, span_of(c->host), job->use_helo);
	if (credentials && !sasl)
		next = dialogue_broken(&c->dialogue, DIALOGUE_OURS,
				       SPAN(N_("there is no password for authentication")));
	next = converse(c, job, next);
	if (sasl && c->dialogue.security.refused)
		c->report.refused_token = sasl->token;
	c->dialogue.security.sasl = NULL;
	sasl_close(sasl);
	return next == DIALOGUE_IDLE;
}

/* The source address for a connection to IP, if JOB has one of its family. */
static bool source_for(const struct client_job *job, const struct ipaddr *ip, struct ipaddr *out)
{
	struct span rest = job->source;
	while (rest.len)
		if (ipaddr_parse(span_take(&rest, ' '), out) && ipaddr_is_v4(out) == ipaddr_is_v4(ip))
			return true;
	return false;
}

/* Connects, and runs the dialogue up to READY. */
static bool open_host(struct client *c, const struct client_job *job, const struct trial *trial, bool plain)
{
	const struct host *host = &trial->host;
	show_host(c, host);
	c->dialogue.tls_failed = false;
	if (secure_must_wait(job, host)) {
		pass_over(c, (struct enhanced){4, 7, 5},
			  N_("DNS gave no trustworthy answer for the host's TLSA records, so mail waits (DANE)"));
		return false;
	}
	int64_t most = trial->last ? CLIENT_CONNECT_MS : CLIENT_CONNECT_NEXT_MS;
	int64_t ms = job->timeout_ms < most ? job->timeout_ms : most;
	struct ipaddr source;
	bool bound = source_for(job, &host->ip, &source);
	int fd = net_connect_from(bound ? &source : NULL, &host->ip, host->port, ms);
	if (fd < 0 || !stream_init(&c->stream, fd, job->timeout_ms)) {
		count(fd == -ECONNREFUSED ? COUNTER_CONNECTION_REFUSED_OUT : COUNTER_CONNECTION_FAILED_OUT);
		unreachable(c, fd < 0 ? -fd : ENOMEM, bound ? &source : NULL);
		fd_close(&fd);
		return false;
	}
	count(COUNTER_CONNECTIONS_OUT);
	c->fd = fd;
	remember_job(c, job, trial);
	transcript_connected(&c->transcript, fd, &host->ip, host->port, span_of(c->host));
	secure_demand(c, job, host, plain);
	c->dialogue.security.found = trial->found;
	return greet(c, job, trial->credentials);
}

/* When opportunistic TLS fails the mail is sent in clear over a new connection, and for a while so is later mail. */
static bool open_either_way(struct client *c, const struct client_job *job, const struct trial *trial)
{
	const struct host *host = &trial->host;
	bool plain = fallback_known(&c->fallback, &host->ip, host->port, clock_mono_ms());
	if (open_host(c, job, trial, plain))
		return true;
	if (!c->dialogue.tls_failed)
		return false;
	log_info("relay=%s tls=none: sending in clear for %d min, because tls is opportunistic: %.*s", c->host,
		 FALLBACK_MS / 60000, SPAN_ARGS(c->dialogue.failure.text));
	fallback_note(&c->fallback, &host->ip, host->port, clock_mono_ms());
	return open_host(c, job, trial, true);
}

/* Progress of a job in its list of hosts. */
struct trials {
	struct span hosts;
	uint64_t at;
	int64_t until; /* deadline: other messages wait, too */
	bool delayed;  /* one host failed temporarily */
	bool bound; /* a host found by MX has already replied about the message: the fallback hosts must not get it now
		     */
};

static bool next_trial(const struct client_job *job, struct trials *trials, struct trial *out)
{
	if (clock_mono_ms() >= trials->until || hosts_next(&trials->hosts, &out->host) != 1)
		return false;
	out->last = !trials->hosts.len;
	out->found = trials->at++ < job->found;
	out->credentials = out->found ? NULL : job->credentials;
	return out->found || !trials->bound;
}

/* Opens a connection to the next host of the list that accepts us. */
static bool open_next(struct client *c, const struct client_job *job, struct trials *trials)
{
	struct trial trial;
	while (next_trial(job, trials, &trial)) {
		if (open_either_way(c, job, &trial))
			return true;
		note_failed(c, &trial.host);
		trials->delayed |= c->dialogue.failure.event == JOURNAL_DELAYED;
	}
	return false;
}

/* The outcome when no host gave a reason. */
static struct outcome no_host(const struct client_job *job)
{
	struct outcome outcome = {.event = JOURNAL_DELAYED, .enhanced = {4, 4, 4}};
	outcome.text = SPAN(N_("there is no host to send to"));
	if (job->turned) {
		outcome.enhanced = (struct enhanced){4, 4, 2};
		outcome.text = SPAN(N_("the connection for this mail (ATRN) is closed"));
	}
	return outcome;
}

static void begin_job(struct client *c, const struct client_job *job, size_t rcpts)
{
	c->report = (struct client_report){0};
	outgoing_forget(&c->outgoing);
	c->job_until = clock_mono_ms() + CLIENT_JOB_REPLIES * job->timeout_ms +
		       job->timeout_ms * (int64_t)rcpts / CLIENT_JOB_RCPTS +
		       (int64_t)(job->size / CLIENT_JOB_RATE) * 1000;
}

bool client_reach(struct client *c, const struct client_job *job)
{
	struct trials trials = {.hosts = job->hosts, .until = clock_mono_ms() + job->timeout_ms};
	begin_job(c, job, 0);
	dialogue_note_failure(&c->dialogue, no_host(job));
	return open_next(c, job, &trials);
}

/* Takes over an ATRN connection: the client greets us now, as the SMTP server. Its TLS stays as it is. */
static void adopt(struct client *c, const struct client_job *job)
{
	struct trial trial = {.last = true};
	char ip[IPADDR_TEXT_MAX];
	struct span hosts = job->hosts;
	int fd = job->stream;
	client_quit(c);
	if (hosts_next(&hosts, &trial.host) != 1 || !stream_init(&c->stream, fd, job->timeout_ms)) {
		fd_close(&fd);
		return;
	}
	c->fd = fd;
	remember_job(c, job, &trial);
	ipaddr_format(&c->ip, ip);
	snprintf(c->host, sizeof(c->host), "ATRN[%s]", ip);
	transcript_connected(&c->transcript, fd, &c->ip, trial.host.port, span_of(c->host));
	secure_demand(c, job, &trial.host, true);
	(void)!greet(c, job, NULL);
}

/* Whether the connection leads to JOB's destination, with the same security, for the same user. */
static bool serves(const struct client *c, const struct client_job *job)
{
	struct span destination = {c->destination, c->destination_len};
	return destination.len && span_equal(destination, job->destination) && c->security == job->security &&
	       c->credentials == job->credentials && c->dialogue.use_helo == job->use_helo &&
	       span_equal(span_of(c->helo), job->helo) && span_equal(span_of(c->source), job->source);
}

/* Keeps the open connection if it serves JOB and the host has sent nothing since; else closes it. */
static void keep_or_leave(struct client *c, const struct client_job *job)
{
	if (c->fd < 0)
		return;
	if (!client_silent(c))
		client_close(c);
	else if (!serves(c, job) || job->anew || c->generation != job->generation)
		client_quit(c);
}

static void give_up(struct client *c, bool delayed, struct outcomes *outcomes)
{
	struct outcome failure = c->dialogue.failure;
	if (delayed && failure.event == JOURNAL_FAILED) {
		failure.event = JOURNAL_DELAYED;
		failure.enhanced.class = 4;
	}
	outcomes_decide_open(outcomes, false, &failure);
}

/* False: the mail must wait. */
static bool make_outgoing(struct client *c, const struct client_job *job, bool found, struct outcomes *outcomes)
{
	struct outcome wait;
	if (outgoing_make(c, job, found, &wait))
		return true;
	outcomes_decide_open(outcomes, false, &wait);
	return false;
}

/* Opens a connection with a host, if there is one and the message is ready for it. */
static bool prepare_and_open(struct client *c, const struct client_job *job, struct trials *trials,
			     struct outcomes *outcomes)
{
	if (trials->hosts.len && !make_outgoing(c, job, trials->at < job->found, outcomes))
		return false;
	return open_next(c, job, trials);
}

/* One transaction, over the open connection or the next one. False: there is none. */
static bool transact(struct client *c, const struct client_job *job, struct trials *trials, struct outcomes *outcomes)
{
	bool kept = c->fd >= 0;
	struct dialogue_mail mail = job->mail;
	if (!kept && !prepare_and_open(c, job, trials, outcomes))
		return false;
	if (!make_outgoing(c, job, c->found, outcomes))
		return false;
	mail.size += c->outgoing.added;
	memcpy(c->report.signed_by, c->outgoing.signed_by, sizeof(c->report.signed_by));
	c->report.transactions++;
	snprintf(c->report.reached, sizeof(c->report.reached), "%s", c->peer);
	if (converse(c, job, dialogue_begin(&c->dialogue, &mail, outcomes)) != DIALOGUE_HANG_UP)
		return true;
	trials->delayed = true;
	/* A kept connection that ends without a reply was only closed meanwhile. */
	trials->bound |= c->found && (!kept || c->dialogue.failure.code);
	if (outcomes_open(outcomes))
		c->report.reached[0] = '\0';
	return true;
}

bool client_spent(const struct client *c, uint64_t max_messages)
{
	return c->fd >= 0 && max_messages && c->messages >= max_messages;
}

void client_deliver(struct client *c, const struct client_job *job, struct outcomes *outcomes)
{
	int64_t now = clock_mono_ms();
	struct trials trials = {.hosts = job->turned ? (struct span){0} : job->hosts, .until = now + job->timeout_ms};
	begin_job(c, job, outcomes->n);
	dialogue_note_failure(&c->dialogue, no_host(job));
	keep_or_leave(c, job);
	if (job->turned && job->stream >= 0)
		adopt(c, job);
	for (unsigned n = 0; n < CLIENT_TRANSACTIONS_MAX && outcomes_open(outcomes); n++)
		if (!transact(c, job, &trials, outcomes))
			break;
	give_up(c, trials.delayed, outcomes);
	c->messages++;
	if (!job->patient && client_spent(c, job->max_messages))
		client_quit(c);
}
