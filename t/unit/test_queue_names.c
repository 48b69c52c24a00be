/* Our names for other hosts in jobs: the name in EHLO, the source address, the domain of the sender. */
#include "common/base/ascii.h"
#include "queue/model/job.h"
#include "queue/model/loaded.h"
#include "t/unit/queue_fixture.h"

static struct hand *hand;

static void open_with(const char *extra)
{
	fixture_open(extra);
	hand = hire(&f.loop.queue.delivery);
}

static void done(void)
{
	dismiss(hand);
	fixture_close();
}

/* The worker gets mail from SENDER to RCPT; the job has HELO, SOURCE and MASQUERADE. */
static void expect_job(const char *sender, const char *rcpt, const char *helo, const char *source,
		       const char *masquerade)
{
	char id[MSGID_LEN + 1];
	struct wire_job_smtp job;
	accept_message(id, 0, sender, rcpt);
	expect_smtp(hand, &job);
	ck_assert_msg(span_equal(job.helo, span_of(helo)), "%s: helo %.*s", rcpt, SPAN_ARGS(job.helo));
	ck_assert_msg(span_equal(job.source, span_of(source)), "%s: source %.*s", rcpt, SPAN_ARGS(job.source));
	ck_assert_msg(span_equal(job.masquerade, span_of(masquerade)), "from %s: masquerade %.*s", sender,
		      SPAN_ARGS(job.masquerade));
	report(hand, id, 0, 0, JOURNAL_DELIVERED, 250, true);
}

/* A block inherits from that of the virtual server what it does not set; of a route, the block that applies. */
START_TEST(by_server_domain_and_connector)
{
	open_with("smart_host [192.0.2.1]\n"
		  "outbound { helo_name all.example.com; source_address 192.0.2.10 2001:db8::10 }\n"
		  "remote_domain a.test { outbound { helo_name a.example.com } }\n"
		  "remote_domain b.test { route [192.0.2.2]; outbound { source_address 2001:db8::b } }\n"
		  "remote_domain none.test { outbound { source_address none } }\n"
		  "connector c { address_space *.net; route [192.0.2.3]\n"
		  "outbound { helo_name c.example.com; source_address 192.0.2.12 } }\n");
	expect_job("u@x.test", "u@other.test", "all.example.com", "192.0.2.10 2001:db8::10", "");
	expect_job("u@x.test", "u@a.test", "a.example.com", "192.0.2.10 2001:db8::10", "");
	expect_job("u@x.test", "u@b.test", "all.example.com", "2001:db8::b", "");
	expect_job("u@x.test", "u@none.test", "all.example.com", "", "");
	expect_job("u@x.test", "u@x.net", "c.example.com", "192.0.2.12", "");
	done();
}
END_TEST

START_TEST(by_default_jobs_have_no_names)
{
	open_with("smart_host [192.0.2.1]");
	expect_job("u@example.com", "u@other.test", "", "", "");
	done();
}
END_TEST

START_TEST(a_reload_acts_on_the_next_job)
{
	open_with("smart_host [192.0.2.1]\noutbound { helo_name old.example.com; source_address 192.0.2.10 }");
	expect_job("u@example.com", "u@a.test", "old.example.com", "192.0.2.10", "");
	ck_assert(reload_take(&f.loop.queue,
			      canonical("smart_host [192.0.2.1]\nmasquerade_domain example.net\n"
					"outbound { helo_name new.example.com; source_address 192.0.2.11 }")));
	expect_job("u@example.com", "u@a.test", "new.example.com", "192.0.2.11", "example.net");
	done();
}
END_TEST

/* Only senders in local and alias domains, as in the Windows service; relayed mail keeps its sender. */
START_TEST(masquerade_of_our_own_domains)
{
	static const struct {
		const char *sender, *masquerade;
	} cases[] = {
		{"u@example.com", "example.net"},
		{"u@EXAMPLE.com", "example.net"},
		{"u", "example.net"},
		{"u@sales.example.com", "example.net"},
		{"u@alias.test", "example.net"},
		{"u@xsales.example.com", ""},
		{"u@sub.alias.test", ""},
		{"u@partner.test", ""},
		{"u@[192.0.2.1]", ""},
		{"", ""},
	};
	open_with("masquerade_domain example.net\nsmart_host [192.0.2.1]\nlocal_domain sales.example.com\n"
		  "alias_domain alias.test\nremote_domain partner.test { route [192.0.2.2] }");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_job(cases[i].sender, "u@other.test", "", "", cases[i].masquerade);
	done();
}
END_TEST

/* --- each message goes as its own mailbox --- */

#define BY_SENDER(more)                                                                                                \
	"local_domain sales.example.com\nalias_domain alias.test\n"                                                    \
	"connector c { address_space far.test; route [192.0.2.3]\n"                                                    \
	"outbound { tls verify; auth xoauth2; username sender; send_as relay@example.com; " more                       \
	" oauth { token_url https://i.test/; client_id c; client_secret_file /s } } }\n"

static void expect_mailbox(const char *sender, const char *mailbox, const char *named)
{
	char id[MSGID_LEN + 1], end[400];
	struct wire_job_smtp job;
	accept_message(id, 0, sender, "u@far.test");
	expect_smtp(hand, &job);
	snprintf(end, sizeof(end), " as connector c from %s", named);
	ck_assert_msg(span_equal(job.send_as, span_of(mailbox)), "%s: %.*s", sender, SPAN_ARGS(job.send_as));
	ck_assert_msg(span_ends_nocase(job.destination, span_of(end)) && job.send_as_header, "%s: %.*s", sender,
		      SPAN_ARGS(job.destination));
	for (size_t i = job.destination.len - strlen(named); i < job.destination.len; i++)
		ck_assert(job.destination.at[i] == ascii_lower(job.destination.at[i]));
	report(hand, id, 0, 0, JOURNAL_DELIVERED, 250, true);
}

START_TEST(mailbox_of_the_sender)
{
	open_with(BY_SENDER(""));
	expect_mailbox("ann@example.com", "ann@example.com", "ann@example.com");
	expect_mailbox("Ann@Sales.example.com", "Ann@Sales.example.com", "ann@sales.example.com");
	expect_mailbox("ann@alias.test", "ann@alias.test", "ann@alias.test");
	expect_mailbox("copier@old.example", "relay@example.com", "relay@example.com");
	expect_mailbox("ann@xexample.com", "relay@example.com", "relay@example.com");
	expect_mailbox("ann", "relay@example.com", "relay@example.com");
	expect_mailbox("", "relay@example.com", "relay@example.com");
	done();
	open_with(BY_SENDER("notice_sender alerts@example.com;"));
	expect_mailbox("", "alerts@example.com", "alerts@example.com");
	expect_mailbox("copier@old.example", "relay@example.com", "relay@example.com");
	done();
}
END_TEST

static void taken(const char *id)
{
	const struct wire_verdict verdict = {.id = span_of(id),
					     .worker = hand->number,
					     .event = JOURNAL_DELIVERED,
					     .code = 250,
					     .enhanced = SPAN("2.0.0"),
					     .host = SPAN("host.test[192.0.2.3]:25"),
					     .last_of_job = true,
					     .transactions = 1,
					     .reached = SPAN("192.0.2.3 25")};
	send_verdict(&verdict);
	let_go(hand);
	turn();
}

/* Exchange counts each mailbox by itself. */
START_TEST(limits_of_each_mailbox)
{
	char id[MSGID_LEN + 1];
	struct wire_job_smtp job;
	open_with(BY_SENDER("rate 1/1m;"));
	static const char *const senders[] = {"ann@example.com", "ann@example.com", "bob@example.com"};
	for (int i = 0; i < 3; i++)
		accept_message(id, 0, senders[i], "u@far.test");
	for (int i = 0; i < 2; i++) {
		expect_smtp(hand, &job);
		ck_assert(span_equal(job.send_as, span_of(senders[2 * i])));
		ck_assert(span_copy(job.id, id, sizeof(id)));
		taken(id);
	}
	expect_nothing(hand);
	pass(MINUTE + 1);
	expect_smtp(hand, &job);
	ck_assert(span_equal(job.send_as, SPAN("ann@example.com")));
	done();
}
END_TEST

/* Nobody fills our memory with senders: those beyond the bound share a mailbox, until others are done. */
START_TEST(a_bound_on_mailboxes)
{
	char id[MSGID_LEN + 1], sender[64];
	const struct destinations *all = &f.loop.queue.destinations;
	fixture_open(BY_SENDER(""));
	for (int i = 0; i < DESTINATION_MAILBOXES_MAX + 5; i++) {
		snprintf(sender, sizeof(sender), "u%d@example.com", i);
		accept_message(id, 0, sender, "u@far.test");
	}
	ck_assert_uint_eq(all->mailboxes, DESTINATION_MAILBOXES_MAX);
	const struct destination *shared = TAILQ_FIRST(&known(id)->loaded->jobs)->destination;
	ck_assert(!shared->of_mailbox && !strcmp(shared->send_as, "relay@example.com") && shared->queued == 5);
	accept_message(id, 0, "u0@example.com", "u@far.test"); /* one that has its next hop already */
	ck_assert_str_eq(TAILQ_FIRST(&known(id)->loaded->jobs)->destination->send_as, "u0@example.com");
	hand = hire(&f.loop.queue.delivery);
	struct wire_job_smtp job;
	expect_smtp(hand, &job);
	ck_assert(span_copy(job.id, id, sizeof(id)));
	bool of_mailbox =
		!span_equal(job.send_as, SPAN("relay@example.com")) && !span_equal(job.send_as, SPAN("u0@example.com"));
	report(hand, id, 0, 0, JOURNAL_DELIVERED, 250, true);
	ck_assert_uint_eq(all->mailboxes, DESTINATION_MAILBOXES_MAX - of_mailbox);
	done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		by_server_domain_and_connector, by_default_jobs_have_no_names, a_reload_acts_on_the_next_job,
		masquerade_of_our_own_domains,  mailbox_of_the_sender,         limits_of_each_mailbox,
		a_bound_on_mailboxes,
	};
	return run_tests("queue names", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
