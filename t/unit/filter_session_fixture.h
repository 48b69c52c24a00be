/* Sessions with filters: a client, filter "one" (filter_fixture.h) and a store in memory. */
#ifndef T_UNIT_FILTER_SESSION_FIXTURE_H
#define T_UNIT_FILTER_SESSION_FIXTURE_H

#include "common/base/log_level.h"
#include "t/unit/filter_fixture.h"
#include "t/unit/smtpd_memory.h"
#include "t/unit/suite.h"

#define HELLO   "EHLO client.test\r\n"
#define MAIL    "MAIL FROM:<a@client.test>\r\n"
#define RCPT    "RCPT TO:<b@example.com>\r\n"
#define TEXT    "Subject: one\r\nX-Old: yes\r\n\r\nhello\r\n"
#define DATA    "DATA\r\n" TEXT ".\r\n"
#define QUIT    "QUIT\r\n"
#define MESSAGE MAIL RCPT DATA
#define FILTER  "filter one { address inet:127.0.0.1:1; "

static struct config config;
static struct memory_store memory;
static struct store store;
static struct session session;
static struct filters filters;
static struct str replies;
static struct fake *one;

static inline void setup(void)
{
	one = fake_begin(0, "one");
}

static inline void teardown(void)
{
	fake_free();
	memory_store_free(&memory);
	str_free(&replies);
	config_free(&config);
}

static inline void begin(const char *lines)
{
	struct ipaddr client = memory_address("10.1.2.3");
	memory_config(lines, &config);
	store = memory_store_init(&memory);
	str_init(&replies, MEMORY_MAX);
	ck_assert(session_init(&session, &config.servers[0], &store, &client));
	filters_init(&filters, &fake_services, SOURCE_SMTP);
	session.filters = &filters;
	session.ends = (struct session_ends){4711, "10.0.0.1", 25};
	session_greet(&session);
}

static inline void say(const char *text)
{
	memory_feed(&session, span_of(text), SIZE_MAX, &replies);
}

static inline void finish(void)
{
	str_append(&replies, str_span(&session.out));
	session_free(&session);
	filters_end(&filters);
	fake_join();
	ck_assert(!memory.open);
}

static inline void run(const char *lines, const char *text)
{
	begin(lines);
	say(text);
	finish();
}

/* The code of reply N, counted from 0, the greeting; 0 = there is none. */
static inline int code(size_t n)
{
	struct span rest = str_span(&replies), line;
	while (span_line(&rest, &line))
		if (line.len > 3 && line.at[3] == ' ' && n-- == 0)
			return atoi(line.at);
	return 0;
}

static inline int last_code(void)
{
	int last = 0;
	for (size_t n = 0; code(n); n++)
		last = code(n);
	return last;
}

/* The message that was stored, from its own Received on. */
static inline const char *own_header(void)
{
	const char *date = strstr(str_text(&memory.last), ";\r\n\t");
	ck_assert_ptr_nonnull(date);
	return strchr(date + 4, '\n') + 1;
}

struct filter_test {
	const TTest *const *test;
	int n; /* of a loop; 0 = none */
};

static inline int run_filter_tests(const char *name, const struct filter_test *tests, size_t count)
{
	log_set_level(LOG_LEVEL_ERROR);
	Suite *suite = suite_create(name);
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	for (size_t i = 0; i < count; i++)
		if (tests[i].n)
			tcase_add_loop_test(all, *tests[i].test, 0, tests[i].n);
		else
			tcase_add_test(all, *tests[i].test);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}

#endif
