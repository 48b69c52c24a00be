#include "delivery/resolver/lists.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/dns/dns.h"
#include "common/ipc/ipc.h"
#include "delivery/resolver/list_watch.h"
#include "delivery/resolver/waiters.h"

struct list_request;

struct list_lookup {
	struct list_request *request;
	char zone[DNSBL_ZONE_MAX + 1];
	int async_id;
	bool begun; /* the list was asked */
	bool asked; /* an answer will come */
	struct dnsbl_answer answer;
};

struct list_request {
	struct waiter waiter;
	struct lists *lists;
	bool about_text;
	char text[DNSBL_TEXT_MAX + 1];
	size_t n, waiting;
	struct list_lookup lookups[]; /* n of them */
};

struct lists {
	struct ub_ctx *unbound;
	struct waiters waiters;
	struct list_watch watch;
	int64_t next_ms;    /* clock_mono_ms: when time alone changes what list_watch says; -1 = never */
	int64_t crowded_ms; /* clock_mono_ms of the last log line about too many questions; 0 = there was none */
	bool noted;         /* something was noted since lists_tend */
};

static void cancel(struct waiter *waiter)
{
	struct list_request *request = (struct list_request *)waiter;
	for (size_t i = 0; i < request->n; i++)
		if (request->lookups[i].asked)
			dns_cancel(request->lists->unbound, request->lookups[i].async_id);
}

struct lists *lists_new(struct ub_ctx *unbound)
{
	struct lists *l = calloc(1, sizeof(*l));
	if (!l)
		log_fatal(EXIT_TEMPORARY, "no memory for DNS lists");
	l->unbound = unbound;
	l->next_ms = -1;
	waiters_init(&l->waiters, LISTS_AT_ONCE, LISTS_DEADLINE_MS, cancel);
	return l;
}

void lists_free(struct lists *l)
{
	waiters_free(&l->waiters);
	free(l);
}

/* Never waits for a worker that does not read its answer. */
static void reply(int fd, struct span answers)
{
	const struct wire_listed listed = {.answers = answers};
	struct str packet;
	str_init(&packet, WIRE_PACKET_MAX);
	if (wire_encode_listed(&listed, &packet))
		ipc_send_now(fd, str_span(&packet)); /* an error means that the worker has ended or no longer waits */
	str_free(&packet);
}

/* Only the questions for addresses say whether a list works: a list need not have texts. */
static void note(struct list_request *request)
{
	struct lists *l = request->lists;
	int64_t now = clock_mono_ms();
	char shown[DOMAIN_MAX + 1];
	for (size_t i = 0; i < request->n && !request->about_text; i++) {
		const struct list_lookup *lookup = &request->lookups[i];
		if (!lookup->begun || !list_watch_note(&l->watch, span_of(lookup->zone), &lookup->answer, now))
			continue;
		dnsbl_shown(span_of(lookup->zone), shown);
		log_warning(
			"dnsbl=%s status=silent reason=\"the list did not answer, so no client counts as listed there\"",
			shown);
	}
	l->noted = true;
}

static void finish(struct list_request *request)
{
	struct str answers;
	str_init(&answers, DNSBL_ANSWERS_MAX);
	for (size_t i = 0; i < request->n && !request->about_text; i++) {
		if (i)
			str_append_c(&answers, ' ');
		dnsbl_answer_append(&request->lookups[i].answer, &answers);
	}
	if (request->about_text)
		str_append_text(&answers, request->text);
	note(request);
	reply(request->waiter.reply_fd, str_span(&answers));
	str_free(&answers);
	waiters_drop(&request->lists->waiters, &request->waiter);
}

static void take(struct list_lookup *lookup, const struct lookup_answer *answer)
{
	struct list_request *request = lookup->request;
	lookup->asked = false;
	request->waiting--;
	lookup->answer.answered = answer->rcode == LOOKUP_NOERROR || answer->rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer->n && !request->about_text; i++)
		dnsbl_answer_add(&lookup->answer, answer->rdata[i]);
	if (request->about_text && answer->n)
		dnsbl_text(answer->rdata[0], span_of(lookup->zone), request->text);
	if (!request->waiting)
		finish(request);
}

static void on_result(void *data, int err, struct ub_result *result)
{
	struct span rdata[DNS_ANSWER_MAX];
	struct lookup_answer what;
	dns_answer(err, result, rdata, &what);
	take(data, &what);
	ub_resolve_free(result);
}

/* The number of ZONES; 0 = malformed. */
static size_t count_zones(struct span zones)
{
	size_t n = 0;
	while (zones.len) {
		struct span zone = span_take(&zones, ' ');
		if (n++ == DNSBL_LISTS_MAX || zone.len > DNSBL_ZONE_MAX || !domain_valid(zone))
			return 0;
	}
	return n;
}

static void ask_all(struct list_request *request, const struct ipaddr *client, struct span zones)
{
	char name[DOMAIN_MAX + 1];
	enum dns_type type = request->about_text ? DNS_TXT : DNS_A;
	int64_t now = clock_mono_ms();
	for (size_t i = 0; i < request->n; i++) {
		struct list_lookup *lookup = &request->lookups[i];
		struct span zone = span_take(&zones, ' ');
		*lookup = (struct list_lookup){.request = request};
		span_copy(zone, lookup->zone, sizeof(lookup->zone));
		lookup->begun = request->about_text || list_watch_ask(&request->lists->watch, zone, now);
		lookup->asked = lookup->begun && dnsbl_name(client, zone, name) &&
				dns_ask(request->lists->unbound, name, type, lookup, on_result, &lookup->async_id);
		request->waiting += lookup->asked;
	}
}

/* There are too many questions: the worker learns at once that none of N lists answers, or that there is no text. */
static void refuse(int fd, size_t n)
{
	const struct dnsbl_answer none = {.answered = false};
	struct str answers;
	str_init(&answers, DNSBL_ANSWERS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_append_c(&answers, ' ');
		dnsbl_answer_append(&none, &answers);
	}
	reply(fd, str_span(&answers));
	str_free(&answers);
}

static void log_crowd(struct lists *l)
{
	int64_t now = clock_mono_ms();
	if (l->crowded_ms && now - l->crowded_ms < LIST_WATCH_HOLD_MS)
		return;
	l->crowded_ms = now;
	log_warning(
		"clients=%zu status=crowded reason=\"so many clients wait for answers of DNS lists, so further ones count as not listed\"",
		l->waiters.count);
}

void lists_begin(struct lists *l, const struct wire_listed_of *question, int *fd)
{
	struct ipaddr client;
	size_t n = count_zones(question->zones);
	if (!n || !ipaddr_parse(question->address, &client))
		return;
	struct list_request *request = waiters_add(&l->waiters, sizeof(*request) + n * sizeof(request->lookups[0]), fd);
	if (!request) {
		if (l->waiters.count >= LISTS_AT_ONCE)
			log_crowd(l);
		refuse(*fd, question->text ? 0 : n);
		return;
	}
	request->lists = l;
	request->n = n;
	request->about_text = question->text;
	ask_all(request, &client, question->zones);
	if (!request->waiting)
		finish(request);
}

int64_t lists_until(const struct lists *l)
{
	int64_t left = l->next_ms - clock_mono_ms();
	if (l->noted)
		return 0;
	return clock_sooner(waiters_until(&l->waiters), l->next_ms < 0 ? -1 : left > 0 ? left : 0);
}

bool lists_tend(struct lists *l)
{
	int64_t now = clock_mono_ms(), until;
	struct waiter *waiter;
	while ((waiter = waiters_overdue(&l->waiters)))
		finish((struct list_request *)waiter);
	bool due = l->noted || (l->next_ms >= 0 && l->next_ms <= now);
	l->noted = false;
	if (!due)
		return false;
	until = list_watch_until(&l->watch, now);
	l->next_ms = until < 0 ? -1 : now + until;
	return true;
}

void lists_describe(const struct lists *l, struct str *to)
{
	list_watch_describe(&l->watch, clock_mono_ms(), to);
}
