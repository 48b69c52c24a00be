#include "ctl/doctor/checks.h"

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/doctor/ask.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/jobs.h"
#include "ctl/doctor/rights.h"

enum { TEXTS_MAX = 4 << 20 };
enum { NEEDS_DNS = 1, READS_ANSWERS = 2 };

static const struct check {
	const char *id, *title;
	void (*make)(struct doctor *d);
	unsigned needs;
} table[CHECKS_COUNT] = {
#define CHECK(id, needs, title) {#id, title, diagnose_##id, needs},
#include "ctl/doctor/doctor.def"
#undef CHECK
};

/* The checks to make. */
struct round {
	struct doctor *d;
	size_t which[CHECKS_COUNT];
	size_t n;
};

static void make(void *context, size_t which, struct str *to)
{
	const struct round *round = context;
	const struct check *check = &table[round->which[which]];
	struct doctor *d = round->d;
	arena_init(&d->arena, TEXTS_MAX);
	str_init(&d->found, JOBS_TEXT_MAX);
	if (check->needs & READS_ANSWERS)
		rights_drop(d->config);
	check->make(d);
	str_append(to, str_span(&d->found));
}

/* Whether a name server of any virtual server answers, or there are none and look-ups start at the root. */
static bool dns_answers(const struct doctor *d)
{
	bool good = !d->config->server_count;
	for (size_t i = 0; i < d->config->server_count && !good; i++) {
		const struct dns_settings settings = ask_settings(d->config, &d->config->servers[i]);
		struct nameservers servers;
		dns_servers(&settings, &servers);
		nameservers_ask_and_wait(&servers);
		good = !servers.n;
		for (size_t j = 0; j < servers.n; j++)
			good |= servers.at[j].state == NAMESERVER_GOOD;
		nameservers_close(&servers);
	}
	return good;
}

static void say_incomplete(struct str *found, const char *what, const char *remedy)
{
	const struct finding late = {
		.severity = FINDING_NOTE, .where = {NULL, 0}, .what = span_of(what), .remedy = span_of(remedy)};
	str_clear(found);
	finding_append(&late, found);
}

void checks_init(struct checks_result results[CHECKS_COUNT])
{
	for (size_t i = 0; i < CHECKS_COUNT; i++) {
		results[i] = (struct checks_result){.id = table[i].id, .title = table[i].title};
		str_init(&results[i].found, JOBS_TEXT_MAX);
	}
}

void checks_make(struct doctor *d, struct checks_result results[CHECKS_COUNT])
{
	struct jobs_result made[CHECKS_COUNT];
	struct round round = {.d = d};
	int64_t began = clock_mono_ms();
	d->dns = dns_answers(d);
	d->until = began + DOCTOR_MS;
	for (size_t i = 0; i < CHECKS_COUNT; i++)
		if (d->dns || !(table[i].needs & NEEDS_DNS))
			round.which[round.n++] = i;
		else
			say_incomplete(&results[i].found, _("not examined, because no name server answers"),
				       _("mend that first; then run doctor again"));
	const struct jobs jobs = {.run = make, .context = &round, .n = round.n, .until = began + DOCTOR_GIVE_UP_MS};
	jobs_run(&jobs, made);
	for (size_t i = 0; i < round.n; i++) {
		struct checks_result *result = &results[round.which[i]];
		result->complete = made[i].complete;
		str_append(&result->found, str_span(&made[i].text));
		if (!result->complete)
			say_incomplete(&result->found,
				       _("this was not examined to its end: it took too long, or the process failed"),
				       _("run doctor again; if that does not help, look at what it examines yourself"));
	}
	jobs_free(made, round.n);
}

void checks_free(struct checks_result results[CHECKS_COUNT])
{
	for (size_t i = 0; i < CHECKS_COUNT; i++)
		str_free(&results[i].found);
}
