#include "queue/attempt/tally.h"

#include "common/base/clock.h"
#include "queue/model/loaded.h"
#include "queue/rules/schedule.h"

/* X.SUBJECT.DETAIL (RFC 3463); DETAIL -1 = any. */
struct meaning {
	int subject, detail;
	enum counter counter;
};

/* The first line that fits counts. */
static const struct meaning deferred[] = {
	{2, 2, COUNTER_DEFERRED_FULL},        {4, 3, COUNTER_DEFERRED_DNS},       {4, 4, COUNTER_DEFERRED_DNS},
	{4, -1, COUNTER_DEFERRED_CONNECTION}, {5, -1, COUNTER_DEFERRED_PROTOCOL}, {7, 5, COUNTER_DEFERRED_TLS},
	{7, 10, COUNTER_DEFERRED_TLS},        {7, -1, COUNTER_DEFERRED_AUTH},     {3, -1, COUNTER_DEFERRED_LOCAL},
};
static const struct meaning bounced[] = {
	{4, 7, COUNTER_BOUNCED_EXPIRED}, {4, 6, COUNTER_BOUNCED_HOPS}, {1, 2, COUNTER_BOUNCED_DNS},
	{1, 10, COUNTER_BOUNCED_DNS},    {4, -1, COUNTER_BOUNCED_DNS}, {1, -1, COUNTER_BOUNCED_RECIPIENT},
	{2, 3, COUNTER_BOUNCED_SIZE},    {3, 4, COUNTER_BOUNCED_SIZE}, {2, -1, COUNTER_BOUNCED_RECIPIENT},
	{7, -1, COUNTER_BOUNCED_POLICY},
};
enum { DEFERRED_COUNT = sizeof(deferred) / sizeof(deferred[0]), BOUNCED_COUNT = sizeof(bounced) / sizeof(bounced[0]) };

static enum counter find(const struct meaning *table, size_t n, const struct enhanced *code, enum counter other)
{
	for (size_t i = 0; i < n; i++)
		if (code->class && table[i].subject == code->subject &&
		    (table[i].detail < 0 || table[i].detail == code->detail))
			return table[i].counter;
	return other;
}

/* A reply of the host says that the host delays the mail. It may be about the host's own disk or connections. */
enum counter tally_deferred(const struct attempt_result *result)
{
	if (result->host.len && result->code)
		return COUNTER_DEFERRED_HOST;
	return find(deferred, DEFERRED_COUNT, &result->enhanced, COUNTER_DEFERRED_OTHER);
}

/* Of a host that gives no enhanced code. */
static enum counter bounced_by_code(int code)
{
	switch (code) {
	case 550:
	case 551:
	case 553:
		return COUNTER_BOUNCED_RECIPIENT;
	case 552:
		return COUNTER_BOUNCED_SIZE;
	default:
		return COUNTER_BOUNCED_OTHER;
	}
}

enum counter tally_bounced(const struct attempt_result *result)
{
	if (result->by_operator)
		return COUNTER_BOUNCED_OPERATOR;
	return find(bounced, BOUNCED_COUNT, &result->enhanced, bounced_by_code(result->code));
}

void tally_result(const struct attempt_result *result, size_t n)
{
	switch (result->event) {
	case JOURNAL_DELIVERED:
	case JOURNAL_RELAYED:
		count_by(result->host.len ? COUNTER_DELIVERED_RELAY : COUNTER_DELIVERED_DROP, n);
		break;
	case JOURNAL_DELAYED:
		count_by(tally_deferred(result), n);
		break;
	case JOURNAL_FAILED:
		count_by(tally_bounced(result), n);
		break;
	default:
		break;
	}
}

void tally_dropped(const struct queue *q, const struct message *m)
{
	count_by(COUNTER_DELIVERED_DROP, m->loaded->rcpt_count);
	count(COUNTER_DROPS);
	count_by(COUNTER_DROP_OCTETS, m->size);
	tally_final(q, m);
}

/* The id of a message has seconds alone. */
void tally_final(const struct queue *q, const struct message *m)
{
	int64_t now = q->clock_stands ? q->wall_ms : clock_wall_ms();
	count_time(HISTOGRAM_FINAL, m->arrived_ms ? now - m->arrived_ms : schedule_age(m->id, now));
}
