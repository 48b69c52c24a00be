/* Limits of next hops in a whole queue: what they count, what a worker is told, what a reload keeps. */
#include "t/unit/queue_fixture.h"

enum { HANDS = 4 };

static char id[MSGID_LEN + 1];
static struct hand *hands[HANDS];

static void open_with(const char *extra)
{
	fixture_open(extra);
	for (int i = 0; i < HANDS; i++)
		hands[i] = hire(&f.loop.queue.delivery);
}

static void done(void)
{
	for (int i = 0; i < HANDS; i++)
		dismiss(hands[i]);
	fixture_close();
}

/* The hand that gets the next job, or NULL. *job is its job. */
static struct hand *taker(struct wire_job_smtp *job)
{
	struct span text;
	for (int i = 0; i < HANDS; i++) {
		if (next_job(hands[i], &text) != WIRE_job_smtp)
			continue;
		ck_assert(wire_decode_job_smtp(text, job));
		ck_assert(span_copy(job->id, id, sizeof(id)));
		return hands[i];
	}
	return NULL;
}

static void mail_for(const char *rcpt)
{
	char fresh[MSGID_LEN + 1];
	accept_message(fresh, 0, "app@example.net", rcpt);
}

/* HAND has sent ID, which took TRANSACTIONS. */
static void delivered(struct hand *hand, unsigned transactions)
{
	const struct wire_verdict verdict = {.id = span_of(id),
					     .worker = hand->number,
					     .last = ENVELOPE_RCPT_MAX - 1,
					     .event = JOURNAL_DELIVERED,
					     .code = 250,
					     .enhanced = SPAN("2.0.0"),
					     .host = SPAN("host.test[192.0.2.1]:25"),
					     .text = SPAN("taken"),
					     .last_of_job = true,
					     .transactions = transactions,
					     .reached = SPAN("192.0.2.1 25")};
	send_verdict(&verdict);
	let_go(hand);
	turn();
}

/* Two next hops with different TLS settings lead to one provider, which counts their mail together. */
START_TEST(counted_together_if_written_once)
{
	struct wire_job_smtp job;
	open_with(
		"smart_host [192.0.2.1]\n outbound { rate 2/1m }\n remote_domain a.test { outbound { use_helo yes } }");
	mail_for("u@a.test");
	mail_for("u@b.test");
	mail_for("u@c.test");
	for (int i = 0; i < 2; i++) {
		struct hand *hand = taker(&job);
		ck_assert_ptr_nonnull(hand);
		ck_assert(!job.patient);
		delivered(hand, 1);
	}
	ck_assert_ptr_null(taker(&job));
	pass(MINUTE - 1);
	ck_assert_ptr_null(taker(&job));
	pass(2);
	ck_assert_ptr_nonnull(taker(&job));
	done();
}
END_TEST

/* A block with limits of its own is counted by itself. */
START_TEST(counted_apart_if_written_apart)
{
	struct wire_job_smtp job;
	open_with("smart_host [192.0.2.1]\n outbound { rate 1/1m }\n"
		  " connector a { address_space a.test; route [192.0.2.1]; outbound { rate 1/1m } }");
	mail_for("u@a.test");
	mail_for("u@b.test");
	mail_for("u@a.test");
	ck_assert_ptr_nonnull(taker(&job));
	ck_assert_ptr_nonnull(taker(&job));
	ck_assert_ptr_null(taker(&job));
	done();
}
END_TEST

START_TEST(every_transaction_counts)
{
	struct wire_job_smtp job;
	open_with("smart_host [192.0.2.1]\n outbound { rate 3/1m }");
	mail_for("u@a.test");
	delivered(taker(&job), 3);
	mail_for("u@a.test");
	ck_assert_ptr_null(taker(&job));
	pass(MINUTE + 1);
	ck_assert_ptr_nonnull(taker(&job));
	done();
}
END_TEST

START_TEST(worker_waits_for_the_close_where_connections_are_counted)
{
	struct wire_job_smtp job;
	open_with("smart_host [192.0.2.1]\n outbound { max_connections 1 }");
	mail_for("u@a.test");
	ck_assert_ptr_nonnull(taker(&job));
	ck_assert(job.patient);
	done();
}
END_TEST

/* Otherwise each reload would allow too many messages. */
START_TEST(a_reload_forgets_nothing)
{
	struct wire_job_smtp job;
	open_with("smart_host [192.0.2.1]\n outbound { rate 2/1m; max_connections 3 }");
	mail_for("u@a.test");
	delivered(taker(&job), 1);
	pass(1000);
	ck_assert(reload_take(&f.loop.queue,
			      canonical("smart_host [192.0.2.1]\n outbound { max_connections 3; rate 1/1m }")));
	mail_for("u@a.test");
	ck_assert_ptr_null(taker(&job));
	pass(MINUTE - 1000 - 1);
	ck_assert_ptr_null(taker(&job));
	pass(2);
	ck_assert_ptr_nonnull(taker(&job));
	mail_for("u@a.test");
	ck_assert_ptr_null(taker(&job));
	ck_assert(reload_take(&f.loop.queue, canonical("smart_host [192.0.2.1]")));
	ck_assert_ptr_nonnull(taker(&job));
	done();
}
END_TEST

/* A machine with a share keeps to its own part, and people see both. */
START_TEST(a_share_is_the_limit)
{
	struct wire_job_smtp job;
	char why[128];
	open_with("smart_host [192.0.2.1]\n outbound { rate 5/1m share 2/5 }");
	for (int i = 0; i < 3; i++)
		mail_for("u@a.test");
	delivered(taker(&job), 1);
	delivered(taker(&job), 1);
	ck_assert_ptr_null(taker(&job));
	const struct provider *p = f.loop.queue.destinations.providers.table;
	provider_describe(p, f.loop.queue.mono_ms, why, sizeof(why));
	ck_assert_str_eq(why, "rate 2/1m (5/1m share 2/5): next in 61 s");
	ck_assert(reload_take(&f.loop.queue, canonical("smart_host [192.0.2.1]\n outbound { rate 6/1m share 1/3 }")));
	ck_assert_ptr_null(taker(&job));
	ck_assert(reload_take(&f.loop.queue, canonical("smart_host [192.0.2.1]\n outbound { rate 6/1m share 1/2 }")));
	ck_assert_ptr_nonnull(taker(&job));
	done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		counted_together_if_written_once, counted_apart_if_written_apart,
		every_transaction_counts,         worker_waits_for_the_close_where_connections_are_counted,
		a_reload_forgets_nothing,         a_share_is_the_limit,
	};
	return run_tests("queue limits", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
