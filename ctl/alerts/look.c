#include "ctl/alerts/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

/* What one server, or "" for the whole machine, is looked at with. */
struct view {
	struct look *look;
	struct watch *w;
	const struct config_alert *alert;
	const char *server;
	int64_t now;
};

static void see(const struct view *v, enum alert_kind kind, enum watch_level level, int64_t hold_ms, const char *object,
		const char *detail)
{
	const struct watch_sight sight = {kind, level, hold_ms, v->server, object, detail};
	watch_see(v->w, &sight, v->now);
}

/* Everything of KIND has been seen, or it is not watched (any more). */
static void close_round(const struct view *v, enum alert_kind kind, bool watched)
{
	if (watched)
		watch_round(v->w, kind, v->server, v->now);
	else
		watch_forget(v->w, kind, v->server);
}

static struct look_process *find_process(struct look *look, const char *server, const char *role)
{
	for (size_t i = 0; i < look->process_count; i++) {
		struct look_process *p = &look->processes[i];
		if (strcmp(p->server, server) == 0 && strcmp(p->role, role) == 0)
			return p;
	}
	if (look->process_count == LOOK_PROCESSES_MAX)
		return NULL;
	struct look_process *p = &look->processes[look->process_count++];
	*p = (struct look_process){0};
	snprintf(p->server, sizeof(p->server), "%s", server);
	snprintf(p->role, sizeof(p->role), "%s", role);
	return p;
}

static void see_process(const struct view *v, const struct service_process *process)
{
	char detail[WATCH_DETAIL_MAX + 1];
	struct look_process *p = find_process(v->look, v->server, process->role);
	enum watch_level level = p ? judge_restarts(&p->judge, process->restarts, v->now) : WATCH_GOOD;
	bool failed = strcmp(process->state, "failed") == 0;
	if (failed)
		level = WATCH_BAD;
	snprintf(detail, sizeof(detail), failed ? "it is not started again: %s" : "it ended last with: %s",
		 process->last_end);
	see(v, ALERT_PROCESS, level, 0, process->role, detail);
}

static void see_processes(const struct view *v, const struct service_server *server)
{
	for (size_t i = 0; i < server->process_count; i++) {
		if (!server->processes[i].older)
			see_process(v, &server->processes[i]);
	}
	close_round(v, ALERT_PROCESS, true);
}

/* The certificate has an alert of its own. */
static bool is_told_otherwise(const struct view *v, const char *text)
{
	return v->alert->certificate != CONFIG_NONE && strncmp(text, "certificate ", 12) == 0;
}

/* By an operator, or by the configuration. */
static bool is_stopped(const struct service_server *server)
{
	return strcmp(server->state, "stopped") == 0 || strcmp(server->state, "stopping") == 0 ||
	       strcmp(server->state, "ending") == 0;
}

static void see_problems(const struct view *v, const struct service_server *server)
{
	bool watched = v->alert->problems;
	for (size_t i = 0; watched && i < server->attention_count; i++) {
		const struct service_attention *attention = &server->attention[i];
		if (!is_told_otherwise(v, attention->text))
			see(v, ALERT_PROBLEM, WATCH_BAD, LOOK_PROBLEM_MS, attention->role, attention->text);
	}
	if (watched && server->trouble && server->trouble[0] && !is_stopped(server))
		see(v, ALERT_PROBLEM, WATCH_BAD, LOOK_PROBLEM_MS, "the virtual server", server->trouble);
	close_round(v, ALERT_PROBLEM, watched);
}

static const struct service_process *newest(const struct service_server *server, const char *role)
{
	for (size_t i = 0; i < server->process_count; i++) {
		if (!server->processes[i].older && strcmp(server->processes[i].role, role) == 0)
			return &server->processes[i];
	}
	return NULL;
}

/* One that starts, or is stopped by an operator, need not answer. */
static void see_answer(const struct view *v, const struct service_server *server, enum child_role role,
		       const struct service_facts *facts)
{
	const struct service_process *process = newest(server, child_role_name(role));
	if (process && strcmp(process->state, "ready") == 0 && !facts->n)
		see(v, ALERT_NO_ANSWER, WATCH_BAD, LOOK_SILENT_MS, process->role,
		    "it is running, but hangs or is stopped");
}

static uint64_t fact_of(const struct service_facts *facts, const char *name, uint64_t missing)
{
	uint64_t value;
	const char *text = service_fact(facts, name);
	return text && span_to_u64(span_of(text), UINT64_MAX, &value) ? value : missing;
}

static void see_hop(const struct view *v, const struct service_hop *hop)
{
	char age[CLOCK_TEXT_MAX], detail[WATCH_DETAIL_MAX + 1];
	int64_t age_ms = (int64_t)hop->oldest_s * 1000;
	bool has_mail = hop->messages || hop->jobs || hop->at_workers;
	if (v->alert->next_hop_down != CONFIG_NONE && has_mail && strcmp(hop->state, "down") == 0)
		see(v, ALERT_NEXT_HOP_DOWN, WATCH_BAD, v->alert->next_hop_down, hop->name, hop->reason);
	if (v->alert->queue_age == CONFIG_NONE || !hop->counted || !hop->messages)
		return;
	clock_duration(age_ms, age);
	snprintf(detail, sizeof(detail), "%" PRIu64 " messages wait, the oldest for %s; %s", hop->messages, age,
		 hop->reason[0] ? hop->reason : "no reason is known");
	see(v, ALERT_QUEUE_AGE, judge_age(age_ms, v->alert->queue_age), 0, hop->name, detail);
}

static void see_badmail(const struct view *v, const struct service_server *server)
{
	char detail[WATCH_DETAIL_MAX + 1];
	uint64_t messages = fact_of(&server->queue, "badmail_messages", 0);
	uint64_t age_s = fact_of(&server->queue, "badmail_newest_s", UINT64_MAX);
	snprintf(detail, sizeof(detail), "%" PRIu64 " messages are in badmail", messages);
	if (v->alert->badmail && messages && age_s < LOOK_BADMAIL_NEW_S)
		see(v, ALERT_BADMAIL, WATCH_BAD, 0, "badmail", detail);
	/* Right after its start the queue has not looked yet. */
	if (!v->alert->badmail || service_fact(&server->queue, "badmail_messages"))
		close_round(v, ALERT_BADMAIL, v->alert->badmail);
}

static enum watch_level worse(enum watch_level a, enum watch_level b)
{
	return a > b ? a : b;
}

static void see_places(const struct view *v, const struct service_file_system *places, size_t n)
{
	const int64_t percent = v->alert->disk;
	bool watched = percent != CONFIG_NONE;
	for (size_t i = 0; watched && i < n; i++) {
		const struct service_file_system *place = &places[i];
		char detail[WATCH_DETAIL_MAX + 1];
		enum watch_level level = worse(judge_room(place->free, place->size, (unsigned)percent),
					       judge_room(place->free_inodes, place->inodes, (unsigned)percent));
		snprintf(detail, sizeof(detail),
			 "%" PRIu64 " of %" PRIu64 " MiB are free, and %" PRIu64 " of %" PRIu64 " inodes",
			 place->free >> 20, place->size >> 20, place->free_inodes, place->inodes);
		see(v, ALERT_DISK, level, 0, place->folder, detail);
	}
	close_round(v, ALERT_DISK, watched);
}

static void see_queue(const struct view *v, const struct service_server *server)
{
	for (size_t i = 0; i < server->hop_count; i++)
		see_hop(v, &server->hops[i]);
	close_round(v, ALERT_NEXT_HOP_DOWN, v->alert->next_hop_down != CONFIG_NONE);
	close_round(v, ALERT_QUEUE_AGE, v->alert->queue_age != CONFIG_NONE);
	see_badmail(v, server);
	see_places(v, server->file_systems, server->file_system_count);
}

static void see_certificates(const struct view *v, const struct service_server *server)
{
	const int64_t limit_ms = v->alert->certificate;
	bool watched = limit_ms != CONFIG_NONE;
	for (size_t i = 0; watched && i < server->certificate_count; i++) {
		char date[CLOCK_TEXT_MAX], detail[WATCH_DETAIL_MAX + 1];
		int64_t until_ms = (int64_t)server->certificates[i].until_s * 1000;
		clock_rfc5322(until_ms, date);
		snprintf(detail, sizeof(detail), "it, or one of its chain, is valid until %s", date);
		see(v, ALERT_CERTIFICATE, judge_expiry(until_ms - v->now, limit_ms), 0, server->certificates[i].file,
		    detail);
	}
	close_round(v, ALERT_CERTIFICATE, watched);
}

static void see_server(struct view *v, const struct service_server *server, bool asked)
{
	v->server = server->name;
	see_processes(v, server);
	see_problems(v, server);
	if (!asked)
		return;
	see_answer(v, server, CHILD_QUEUE, &server->queue);
	see_answer(v, server, CHILD_SMTPD, &server->smtpd);
	close_round(v, ALERT_NO_ANSWER, true);
	if (server->queue.n)
		see_queue(v, server);
	if (server->smtpd.n)
		see_certificates(v, server);
}

static bool is_served(const struct service *service, const char *server)
{
	for (size_t i = 0; i < service->server_count; i++) {
		if (strcmp(service->servers[i].name, server) == 0)
			return true;
	}
	return !server[0];
}

/* Servers that a reload removed. */
static void forget_gone(struct watch *w, const struct service *service)
{
	for (size_t i = 0; i < w->n;) {
		struct watch_alert gone = w->at[i];
		if (is_served(service, gone.server))
			i++;
		else
			watch_forget(w, gone.kind, gone.server);
	}
}

void look_round(struct look *look, const struct look_seen *seen, const struct config_alert *alert, struct watch *w,
		int64_t now)
{
	struct view v = {.look = look, .w = w, .alert = alert, .server = "", .now = now};
	see_places(&v, seen->places, seen->place_count);
	if (!seen->service)
		see(&v, ALERT_NO_ANSWER, WATCH_BAD, LOOK_SILENT_MS, "mailrootd", seen->why);
	close_round(&v, ALERT_NO_ANSWER, true);
	if (!seen->service)
		return;
	see_processes(&v, &seen->service->whole);
	see_problems(&v, &seen->service->whole);
	for (size_t i = 0; i < seen->service->server_count; i++)
		see_server(&v, &seen->service->servers[i], seen->asked[i]);
	forget_gone(w, seen->service);
}
