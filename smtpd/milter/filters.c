#include "smtpd/milter/filters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/milter/filters_log.h"
#include "smtpd/policy/showing.h"

enum stage { STAGE_CONNECT, STAGE_HELLO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_UNKNOWN, STAGE_CONTENT };

struct event {
	enum stage stage;
	const struct macros_facts *facts;
	const struct span *args;
	size_t n;
	struct span line;
};

void filters_init(struct filters *f, const struct filter_services *services, enum config_mail_source source)
{
	*f = (struct filters){.services = services, .source = source, .deadline = INT64_MAX};
}

void filters_end(struct filters *f)
{
	for (size_t i = 0; i < f->count; i++) {
		filter_close(&f->list[i]);
		filter_free(&f->list[i]);
	}
	free(f->list);
	f->list = NULL;
	f->count = 0;
	f->config = NULL;
	f->decider = NULL;
	f->message = false;
}

/* The client may authenticate yet, or no longer be authenticated. */
static bool concerns(const struct filters *f, const struct config_filter *filter, const struct policy_client *client)
{
	const struct config_client *entry;
	enum showing showing = showing_of(filter, f->source, client, 0, &entry);
	return showing != SHOWING_SOURCE && showing != SHOWING_LISTED;
}

bool filters_concern(const struct filters *f, const struct config_server *config, const struct policy_client *client)
{
	for (size_t i = 0; f->services && i < config->filter_count; i++)
		if (concerns(f, &config->filters[i], client))
			return true;
	return false;
}

/* The filters of the policy in force; one that changes within a message counts from the next message on. */
static bool prepare(struct filters *f, const struct macros_facts *facts)
{
	const struct config_server *config = facts->config;
	if (!f->services || f->config == config || f->message)
		return true;
	filters_end(f);
	if (!config->filter_count)
		return true;
	f->list = calloc(config->filter_count, sizeof(*f->list));
	if (!f->list)
		return false;
	f->config = config;
	for (size_t i = 0; i < config->filter_count; i++)
		if (concerns(f, &config->filters[i], facts->client))
			filter_init(&f->list[f->count++], &config->filters[i]);
	return true;
}

static bool is_skipped(const struct filter *filter, const struct macros_facts *facts)
{
	return filter->config.skip_authenticated && facts->client->user;
}

/* What becomes of the message now that FILTER is down. */
static enum filters_verdict when_down(struct filters *f, const struct filter *filter)
{
	if (filter->ours)
		return FILTERS_TEMPFAIL;
	switch (filter->config.when_down) {
	case CONFIG_DOWN_ACCEPT:
		return FILTERS_PASS;
	case CONFIG_DOWN_REJECT:
		return FILTERS_REJECT;
	case CONFIG_DOWN_HOLD:
		if (!f->hold[0])
			snprintf(f->hold, sizeof(f->hold), "filter %s is down: %s", filter->name, filter->why);
		return FILTERS_PASS;
	default:
		return FILTERS_TEMPFAIL;
	}
}

/* FILTER has failed just now. Outside a message nothing is lost: it is asked again at MAIL. */
static enum filters_verdict failed(struct filters *f, struct filter *filter, const struct macros_facts *facts)
{
	if (filter->stopped)
		return FILTERS_STOPPED;
	count(COUNTER_FILTER_DOWN);
	if (f->message || !filter->absent) /* mailroot-filters has a line about an absent one */
		filters_log_down(filter, facts);
	if (!f->message)
		return FILTERS_PASS;
	filter->failed = true;
	return when_down(f, filter);
}

static enum filters_verdict judge(struct filters *f, struct filter *filter, const struct event *e,
				  enum milter_result result)
{
	switch (result) {
	case MILTER_DISCARD:
		count(COUNTER_FILTER_DISCARD);
		f->discarded = f->message;
		filters_log_discard(filter, e->facts);
		return FILTERS_PASS;
	case MILTER_REJECT:
		count(COUNTER_FILTER_REJECT);
		return FILTERS_REJECT;
	case MILTER_TEMPFAIL:
	case MILTER_CONN_FAIL:
		count(COUNTER_FILTER_TEMPFAIL);
		return FILTERS_TEMPFAIL;
	case MILTER_REPLY:
		count(filter->machine.reply.code < 500 ? COUNTER_FILTER_TEMPFAIL : COUNTER_FILTER_REJECT);
		return FILTERS_REPLY;
	case MILTER_SHUTDOWN:
		count(COUNTER_FILTER_TEMPFAIL);
		return FILTERS_SHUTDOWN;
	case MILTER_FAULT:
		return failed(f, filter, e->facts);
	case MILTER_ACCEPT:
		count(COUNTER_FILTER_ACCEPT);
		return FILTERS_PASS;
	default:
		return FILTERS_PASS;
	}
}

static struct milter_client client_of(const struct macros_facts *facts)
{
	const struct policy_client *client = facts->client;
	bool named = client->name_state == POLICY_NAME_CONFIRMED;
	return (struct milter_client){
		.name = named ? span_of(client->name) : SPAN(""),
		.family = ipaddr_is_v4(&client->ip) ? '4' : '6',
		.port = facts->client_port,
		.address = span_of(facts->client_text),
	};
}

/* Whether the filter will answer. */
static bool tell(struct filter *filter, const struct event *e)
{
	struct macros macros;
	struct milter *m = &filter->machine;
	const struct milter_client client = client_of(e->facts);
	macros_make(&macros, e->facts);
	const struct milter_macros list = {macros.list, macros.count};
	switch (e->stage) {
	case STAGE_CONNECT:
		return milter_connect(m, &client, list);
	case STAGE_HELLO:
		return milter_helo(m, span_of(e->facts->helo), list);
	case STAGE_MAIL:
		return milter_mail(m, e->args, e->n, list);
	case STAGE_RCPT:
		return milter_rcpt(m, e->args, e->n, list);
	case STAGE_DATA:
		return milter_data(m, list);
	default:
		return milter_unknown(m, e->line);
	}
}

static enum milter_result exchange(const struct filters *f, struct filter *filter, const struct event *e)
{
	if (!filter_quiet(filter))
		return MILTER_FAULT;
	int64_t limit = filter->config.timeout.command_ms, until = clock_mono_ms() + limit;
	if (tell(filter, e))
		return filter_await(filter, f->services, limit, until < f->deadline ? until : f->deadline);
	return filter_send(filter, f->services, limit, f->deadline) ? MILTER_CONTINUE : MILTER_FAULT;
}

static enum milter_result introduce(const struct filters *f, struct filter *filter, const struct event *e)
{
	enum milter_result result = filter_open(filter, f->services, f->deadline);
	const struct event connect = {.stage = STAGE_CONNECT, .facts = e->facts};
	const struct event hello = {.stage = STAGE_HELLO, .facts = e->facts};
	if (result != MILTER_READY)
		return MILTER_FAULT;
	result = exchange(f, filter, &connect);
	if (result == MILTER_CONTINUE && e->facts->helo[0])
		result = exchange(f, filter, &hello);
	return result == MILTER_ACCEPT ? MILTER_CONTINUE : result;
}

/* Between two messages the filter may have been restarted. */
static bool needs_anew(const struct filter *filter)
{
	return filter->fd != -1 && (filter->machine.state == MILTER_REFUSED || filter_ended(filter));
}

/* A filter that was down before is asked anew with each message. */
static enum filters_verdict ask(struct filters *f, struct filter *filter, const struct event *e)
{
	enum milter_result result = MILTER_CONTINUE;
	if (filter->failed && f->message && e->stage > STAGE_MAIL)
		return when_down(f, filter);
	if (e->stage == STAGE_MAIL && needs_anew(filter))
		filter_close(filter);
	if (filter->fd == -1 && (e->stage == STAGE_CONNECT || e->stage == STAGE_MAIL))
		result = introduce(f, filter, e);
	if (filter->fd != -1 && result == MILTER_CONTINUE && e->stage != STAGE_CONNECT)
		result = exchange(f, filter, e);
	return judge(f, filter, e, result);
}

/* Before a wait for FILTER; NULL: after all waits. */
static void tell_waiting(const struct filters *f, const struct filter *filter)
{
	if (f->count && f->services->waiting)
		f->services->waiting(f->services->context, filter ? filter->name : NULL);
}

static enum filters_verdict ask_all(struct filters *f, const struct event *e)
{
	enum filters_verdict verdict = FILTERS_PASS;
	for (size_t i = 0; i < f->count && verdict == FILTERS_PASS && !f->discarded; i++) {
		if (is_skipped(&f->list[i], e->facts))
			continue;
		tell_waiting(f, &f->list[i]);
		verdict = ask(f, &f->list[i], e);
		f->decider = &f->list[i];
	}
	tell_waiting(f, NULL);
	return verdict;
}

enum filters_verdict filters_connect(struct filters *f, const struct macros_facts *facts)
{
	if (!prepare(f, facts))
		return FILTERS_TEMPFAIL;
	return ask_all(f, &(struct event){.stage = STAGE_CONNECT, .facts = facts});
}

enum filters_verdict filters_hello(struct filters *f, const struct macros_facts *facts)
{
	return ask_all(f, &(struct event){.stage = STAGE_HELLO, .facts = facts});
}

enum filters_verdict filters_mail(struct filters *f, const struct macros_facts *facts, const struct span *args,
				  size_t n)
{
	if (!prepare(f, facts))
		return FILTERS_TEMPFAIL;
	for (size_t i = 0; i < f->count; i++)
		f->list[i].failed = false;
	f->message = f->count > 0;
	return ask_all(f, &(struct event){STAGE_MAIL, facts, args, n, {NULL, 0}});
}

enum filters_verdict filters_rcpt(struct filters *f, const struct macros_facts *facts, const struct span *args,
				  size_t n)
{
	return ask_all(f, &(struct event){STAGE_RCPT, facts, args, n, {NULL, 0}});
}

static bool ends_session(enum filters_verdict verdict)
{
	return verdict == FILTERS_SHUTDOWN || verdict == FILTERS_STOPPED;
}

static bool wants_refused_rcpt(const struct filter *filter, const struct macros_facts *facts)
{
	return filter->fd != -1 && filter->machine.protocol & MILTER_REFUSED_RCPTS && !is_skipped(filter, facts);
}

enum filters_verdict filters_refused_rcpt(struct filters *f, const struct macros_facts *facts, const struct span *args,
					  size_t n)
{
	const struct event e = {STAGE_RCPT, facts, args, n, {NULL, 0}};
	enum filters_verdict verdict = FILTERS_PASS;
	for (size_t i = 0; i < f->count && !ends_session(verdict) && !f->discarded; i++) {
		struct filter *filter = &f->list[i];
		if (!wants_refused_rcpt(filter, facts))
			continue;
		tell_waiting(f, filter);
		verdict = judge(f, filter, &e, exchange(f, filter, &e));
		f->decider = filter;
	}
	tell_waiting(f, NULL);
	return ends_session(verdict) ? verdict : FILTERS_PASS;
}

enum filters_verdict filters_data(struct filters *f, const struct macros_facts *facts)
{
	return ask_all(f, &(struct event){.stage = STAGE_DATA, .facts = facts});
}

enum filters_verdict filters_unknown(struct filters *f, const struct macros_facts *facts, struct span line)
{
	return ask_all(f, &(struct event){.stage = STAGE_UNKNOWN, .facts = facts, .line = line});
}

void filters_abort(struct filters *f)
{
	if (!f->message)
		return;
	f->message = f->discarded = false;
	f->hold[0] = '\0';
	for (size_t i = 0; i < f->count; i++)
		filter_abort(&f->list[i], f->services);
}

const struct milter_reply *filters_reply(const struct filters *f)
{
	return &f->decider->machine.reply;
}

/* The store failed with -errno ERR. */
static enum filters_verdict store_failed(struct filters *f, int err)
{
	f->error = err;
	return err == -EMSGSIZE ? FILTERS_TOO_LARGE : FILTERS_STORE;
}

/* Makes the edits of FILTER, which has accepted the message. */
static enum filters_verdict apply(struct filters *f, struct filter *filter, const struct macros_facts *facts,
				  struct content *c)
{
	const struct edits *edits = &filter->machine.edits;
	if (edits_none(edits)) {
		count(COUNTER_FILTER_ACCEPT);
		return FILTERS_PASS;
	}
	int err = content_apply(c, edits);
	if (err == -E2BIG) {
		filter_fault(filter, "added recipients beyond 5000");
		err = content_drop(c);
		return err ? store_failed(f, err) : failed(f, filter, facts);
	}
	if (err && err != -ENOENT)
		return store_failed(f, err);
	filters_log_edits(filter, facts, edits);
	count(err ? COUNTER_FILTER_DISCARD : COUNTER_FILTER_EDIT);
	if (err) {
		filters_log_nobody(filter, facts);
		err = content_drop(c);
		f->discarded = true;
		return err ? store_failed(f, err) : FILTERS_PASS;
	}
	if (edits->quarantine && !f->hold[0])
		snprintf(f->hold, sizeof(f->hold), "filter %s: %.*s", filter->name, SPAN_ARGS(edits->reason));
	return FILTERS_PASS;
}

static enum filters_verdict show(struct filters *f, struct filter *filter, const struct macros_facts *facts,
				 struct content *c, int64_t until)
{
	const struct event e = {.stage = STAGE_CONTENT, .facts = facts};
	struct macros macros;
	int err = 0, dropped = 0;
	macros_make(&macros, facts);
	enum milter_result result = MILTER_FAULT;
	if (filter_quiet(filter))
		result = content_show(c, filter, f->services, (struct milter_macros){macros.list, macros.count}, until,
				      &err);
	if (!err && (result == MILTER_CONTINUE || result == MILTER_ACCEPT))
		return apply(f, filter, facts, c);
	dropped = content_drop(c);
	if (err || dropped)
		return store_failed(f, err ? err : dropped);
	return judge(f, filter, &e, result);
}

static enum filters_verdict ask_content(struct filters *f, struct filter *filter, const struct macros_facts *facts,
					struct content *c, int64_t until)
{
	uint64_t octets = c->message->octets;
	if (filter->failed)
		return when_down(f, filter);
	if (filter->fd == -1 || !milter_wants_message(&filter->machine))
		return FILTERS_PASS;
	if (octets <= (uint64_t)filter->config.max_size)
		return show(f, filter, facts, c, until);
	filters_log_large(filter, facts, octets);
	filter_abort(filter, f->services);
	return FILTERS_PASS;
}

static enum filters_verdict ask_all_content(struct filters *f, const struct macros_facts *facts, struct content *c)
{
	enum filters_verdict verdict = FILTERS_PASS;
	int64_t until = clock_mono_ms() + FILTERS_CONTENT_MS;
	if (until > f->deadline)
		until = f->deadline;
	for (size_t i = 0; i < f->count && verdict == FILTERS_PASS && !f->discarded; i++) {
		if (is_skipped(&f->list[i], facts))
			continue;
		tell_waiting(f, &f->list[i]);
		verdict = ask_content(f, &f->list[i], facts, c, until);
		f->decider = &f->list[i];
	}
	tell_waiting(f, NULL);
	if (f->discarded)
		return FILTERS_DISCARD;
	bool holds = verdict == FILTERS_PASS && f->hold[0];
	int err = holds ? content_hold(c, span_of(f->hold)) : 0;
	if (holds && !err)
		count(COUNTER_FILTER_HOLD);
	return err ? store_failed(f, err) : verdict;
}

enum filters_verdict filters_content(struct filters *f, const struct macros_facts *facts,
				     struct content_message *message)
{
	struct content c;
	enum filters_verdict verdict = FILTERS_STORE;
	if (f->discarded || !f->count)
		return f->discarded ? FILTERS_DISCARD : FILTERS_PASS;
	f->error = -ENOMEM;
	int64_t began_ms = clock_mono_ms();
	if (content_init(&c, message, facts->config))
		verdict = ask_all_content(f, facts, &c);
	content_free(&c);
	count_time(HISTOGRAM_FILTER_CONTENT, clock_mono_ms() - began_ms);
	return verdict;
}
