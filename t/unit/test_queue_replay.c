/*
 * Replays every schedule (.sched) of t/replay with a simulated clock against schedule, destination, pool and dispatch.
 * A script is lines of words, # begins a comment:
 *
 *	cap N                limit of connections for next hops that are named from here on
 *	workers N            N more workers: w1, w2, ...
 *	job NAME HOP         a job waits at HOP; HOP is an address, or mx:DOMAIN, which needs a look-up first
 *	give NAME WORKER     the next job that is given out must be NAME, to WORKER
 *	none                 no other job can be given out now
 *	ok NAME [closed]     the job succeeds; the connection is kept unless closed
 *	sent NAME N          as ok; the host has got N messages
 *	unsent NAME          as ok; the host has got none
 *	lost NAME            no host was reached
 *	idle WORKER          its connection is closed
 *	gone WORKER          it has closed its link
 *	hosts HOP TTL        the resolver found hosts
 *	later HOP            the resolver had no answer
 *	never HOP            the resolver found that there are none
 *	asks HOP yes|no      whether HOP needs a look-up now
 *	at SECONDS           the clock since the start
 *	window HOP N         connections that it may have now
 *	limit HOP R/S N      R messages in S seconds (- = any number), N connections (- = any number)
 *	open HOP N           connections that it has, kept ones included
 *	why HOP WORD ...     the reason while its limits delay its mail; none = they do not
 *	wanted N             workers that there should be
 *	surplus WORKER|no    the worker that has been idle for too long
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "queue/plan/dispatch.h"
#include "queue/rules/schedule.h"

enum { WORKERS_MAX = 16, LIMITS_MAX = 8, JOBS_MAX = 64, WORDS_MAX = 8, SPARE = 2, POOL_MAX = 10 };

static const int64_t start_ms = 1000000;

struct named_job {
	char name[16];
	struct job *job;
};

/* The last line of a next hop counts. */
struct limit {
	char hop[32];
	struct config_shared_rate rate;
	int64_t max_connections;
};

static struct {
	const char *file;
	unsigned line;
	int64_t now;
	size_t cap, worker_count, job_count;
	struct destinations destinations;
	struct pool pool;
	struct worker *workers[WORKERS_MAX];
	struct named_job jobs[JOBS_MAX];
	struct config_outbound outbound;
	struct limit limits[LIMITS_MAX];
	size_t limit_count;
} r;

static glob_t scripts;

#define MUST(condition, ...) ck_assert_msg(condition, "%s:%u: %s", r.file, r.line, "" __VA_ARGS__)

static void set_limits(const char *hop)
{
	r.outbound.rate = (struct config_shared_rate){0};
	r.outbound.max_connections = CONFIG_NONE;
	for (size_t i = 0; i < r.limit_count; i++) {
		if (strcmp(r.limits[i].hop, hop) != 0)
			continue;
		r.outbound.rate = r.limits[i].rate;
		r.outbound.max_connections = r.limits[i].max_connections;
	}
}

static struct destination *hop(const char *name)
{
	struct config_host host = {.kind = CONFIG_HOST_IP, .name = name};
	const struct config_hosts hosts = {&host, 1};
	struct route route = {.kind = ROUTE_HOSTS, .outbound = &r.outbound};
	set_limits(name);
	route.limits.of = "test";
	if (strncmp(name, "mx:", 3) == 0) {
		route.kind = ROUTE_MX;
		route.domain = span_of(name + 3);
	} else {
		route.hosts = &hosts;
		MUST(ipaddr_parse(span_of(name), &host.ip), "no address");
	}
	struct destination *d = destination_get(&r.destinations, &route, NULL);
	d->cap = r.cap;
	return d;
}

static void do_limit(char **w)
{
	struct limit *limit = &r.limits[r.limit_count++];
	snprintf(limit->hop, sizeof(limit->hop), "%s", w[1]);
	limit->max_connections = w[3][0] == '-' ? CONFIG_NONE : atoi(w[3]);
	if (w[2][0] != '-')
		limit->rate = (struct config_shared_rate){.count = atoi(w[2]),
							  .period_ms = atoi(strchr(w[2], '/') + 1) * 1000};
	hop(w[1]);
}

static void do_open(char **w)
{
	ck_assert_msg(hop(w[1])->open == (size_t)atoi(w[2]), "%s:%u: it has %zu", r.file, r.line, hop(w[1])->open);
}

static void do_why(char **w)
{
	char said[256] = "", why[256] = "none";
	for (char **word = &w[2]; *word; word++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s", said[0] ? " " : "", *word);
	destination_describe(hop(w[1]), r.now, why, sizeof(why));
	ck_assert_msg(strcmp(said, why[0] ? why : "none") == 0, "%s:%u: %s", r.file, r.line, why);
}

static struct worker *worker(const char *name)
{
	size_t at = (size_t)atoi(name + 1);
	MUST(at >= 1 && at <= r.worker_count, "no such worker");
	return r.workers[at - 1];
}

static struct named_job *job(const char *name)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (r.jobs[i].job && strcmp(r.jobs[i].name, name) == 0)
			return &r.jobs[i];
	MUST(false, "no such job");
	return NULL;
}

static void do_cap(char **w)
{
	r.cap = (size_t)atoi(w[1]);
}

static void do_workers(char **w)
{
	for (int i = 0; i < atoi(w[1]); i++) {
		r.workers[r.worker_count] = pool_add(&r.pool, (uint32_t)r.worker_count, -1, r.now);
		r.worker_count++;
	}
}

/* A next hop that needs no look-up is known at once, as in the queue. */
static void ask(struct destination *d)
{
	if (destination_wants_hosts(d, r.now) && d->kind == DESTINATION_HOSTS)
		MUST(destination_ask(d, r.now) == DESTINATION_DONE);
	pool_update_ring(&r.pool, d, r.now);
}

static void do_job(char **w)
{
	struct named_job *named = &r.jobs[r.job_count++];
	struct job *j = calloc(1, sizeof(*j));
	snprintf(named->name, sizeof(named->name), "%s", w[1]);
	named->job = j;
	destination_ref(&r.destinations, &j->destination, hop(w[2]));
	TAILQ_INSERT_TAIL(&j->destination->jobs, j, place);
	j->destination->queued++;
	ask(j->destination);
}

static bool next(struct job **j, struct worker **w)
{
	struct destination *d, *after;
	for (d = TAILQ_FIRST(&r.pool.blocked); d; d = after) {
		after = TAILQ_NEXT(d, ring);
		ask(d);
	}
	return dispatch_next(&r.pool, r.now, j, w);
}

static void do_give(char **w)
{
	struct job *j;
	struct worker *to;
	MUST(next(&j, &to), "nothing is given out");
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (r.jobs[i].job == j)
			ck_assert_msg(strcmp(r.jobs[i].name, w[1]) == 0, "%s:%u: %s is given out", r.file, r.line,
				      r.jobs[i].name);
	ck_assert_msg(to == worker(w[2]), "%s:%u: w%u gets it", r.file, r.line, to->number + 1);
	pool_assign(to, j);
}

static void do_none(char **w)
{
	struct job *j;
	struct worker *to;
	(void)w;
	MUST(!next(&j, &to), "something is given out");
}

static void end(struct named_job *named, bool connected)
{
	struct job *j = named->job;
	pool_release(j->worker, j, connected, r.now);
	destination_ref(&r.destinations, &j->destination, NULL);
	free(j);
	named->job = NULL;
}

static void do_ok(char **w)
{
	destination_up(job(w[1])->job->destination);
	end(job(w[1]), !w[2]);
}

static void do_sent(char **w)
{
	job(w[1])->job->transactions = (uint8_t)atoi(w[2]);
	end(job(w[1]), true);
}

static void do_unsent(char **w)
{
	job(w[1])->job->transactions = 0;
	end(job(w[1]), true);
}

static void do_lost(char **w)
{
	static int64_t steps[] = {15 * 60 * 1000};
	const struct config_durations ladder = {steps, 1};
	destination_refused(job(w[1])->job->destination, r.now, schedule_down_max(&ladder), "refused");
	end(job(w[1]), false);
}

static void do_idle(char **w)
{
	pool_disconnected(worker(w[1]));
}

static void do_gone(char **w)
{
	pool_leaving(worker(w[1]));
}

static void answer(const char *name, enum target_state state, int64_t ttl_ms)
{
	struct destination *d = hop(name);
	MUST(destination_wants_hosts(d, r.now) && destination_ask(d, r.now) == DESTINATION_ASKING, "was not asked for");
	enum destination_answer all = destination_answer(d, 0, state, SPAN("mx.test 192.0.2.1 25\n"), ttl_ms, r.now);
	MUST(all == (state == TARGET_FOUND   ? DESTINATION_DONE
		     : state == TARGET_LATER ? DESTINATION_LATER
					     : DESTINATION_NEVER));
	pool_update_ring(&r.pool, d, r.now);
}

static void do_hosts(char **w)
{
	answer(w[1], TARGET_FOUND, atoi(w[2]) * 1000);
}

static void do_later(char **w)
{
	answer(w[1], TARGET_LATER, 0);
}

static void do_never(char **w)
{
	answer(w[1], TARGET_NEVER, 0);
}

static void do_asks(char **w)
{
	MUST(destination_wants_hosts(hop(w[1]), r.now) == (w[2][0] == 'y'));
}

static void do_at(char **w)
{
	r.now = start_ms + (int64_t)(atof(w[1]) * 1000);
}

static void do_window(char **w)
{
	ck_assert_msg(destination_window(hop(w[1])) == (size_t)atoi(w[2]), "%s:%u: it is %zu", r.file, r.line,
		      destination_window(hop(w[1])));
}

static void do_wanted(char **w)
{
	ck_assert_msg(pool_wanted(&r.pool) == (size_t)atoi(w[1]), "%s:%u: it is %zu", r.file, r.line,
		      pool_wanted(&r.pool));
}

static void do_surplus(char **w)
{
	struct worker *found = pool_surplus(&r.pool, r.now);
	MUST(found == (w[1][0] == 'w' ? worker(w[1]) : NULL));
}

static const struct {
	const char *word;
	void (*run)(char **words);
} commands[] = {
	{"cap", do_cap},       {"workers", do_workers}, {"job", do_job},   {"give", do_give},     {"none", do_none},
	{"ok", do_ok},         {"lost", do_lost},       {"idle", do_idle}, {"gone", do_gone},     {"hosts", do_hosts},
	{"later", do_later},   {"never", do_never},     {"asks", do_asks}, {"at", do_at},         {"window", do_window},
	{"wanted", do_wanted}, {"surplus", do_surplus}, {"sent", do_sent}, {"unsent", do_unsent}, {"limit", do_limit},
	{"open", do_open},     {"why", do_why},
};

static void run_line(char *line)
{
	char *words[WORDS_MAX + 1] = {NULL}, *keep;
	size_t n = 0;
	line[strcspn(line, "#\n")] = '\0';
	for (char *word = strtok_r(line, " \t", &keep); word && n < WORDS_MAX; word = strtok_r(NULL, " \t", &keep))
		words[n++] = word;
	for (size_t i = 0; n && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].word) == 0) {
			commands[i].run(words);
			return;
		}
	}
	MUST(!n, "no such command");
}

static void begin(const char *file)
{
	memset(&r, 0, sizeof(r));
	r.file = file;
	r.now = start_ms;
	r.cap = 100;
	r.outbound = (struct config_outbound){.port = 25, .timeout = 1000};
	pool_init(&r.pool, &r.destinations, SPARE, POOL_MAX);
}

static void finish(void)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *j = r.jobs[i].job;
		if (j && !j->worker) {
			TAILQ_REMOVE(&j->destination->jobs, j, place);
			j->destination->queued--;
			pool_update_ring(&r.pool, j->destination, r.now);
			destination_ref(&r.destinations, &j->destination, NULL);
			free(j);
		} else if (j) {
			end(&r.jobs[i], false);
		}
	}
	pool_free(&r.pool);
	destinations_free(&r.destinations);
}

START_TEST(script)
{
	char line[256];
	begin(scripts.gl_pathv[_i]);
	FILE *in = fopen(r.file, "re");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		r.line++;
		run_line(line);
	}
	fclose(in);
	finish();
}
END_TEST

int main(void)
{
	if (glob(SOURCE_DIR "/t/replay/*.sched", 0, NULL, &scripts) != 0)
		return EXIT_FAILURE;
	Suite *suite = suite_create("queue_replay");
	TCase *all = tcase_create("replay");
	tcase_add_loop_test(all, script, 0, (int)scripts.gl_pathc);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&scripts);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
