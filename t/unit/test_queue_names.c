/* Our names for other hosts in jobs: the name in EHLO, the source address, the domain of the sender. */
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

int main(void)
{
	const TTest *const tests[] = {
		by_server_domain_and_connector,
		by_default_jobs_have_no_names,
		a_reload_acts_on_the_next_job,
		masquerade_of_our_own_domains,
	};
	return run_tests("queue names", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
