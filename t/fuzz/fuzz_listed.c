/*
 * A session whose client DNS lists may have: the first line is what the resolver answers, the rest is the text of the
 * list. Whatever they are, RCPT gets one well-formed line; it is a refusal exactly if the answers can be read and their
 * scores suffice; postmaster is never refused; and no reply has the key of the customer.
 */
#include "common/base/log_level.h"
#include "smtpd/session/listed.h"
#include "t/fuzz/must.h"
#include "t/unit/smtpd_memory.h"

#define KEY "abcdefghij0123456789"

static struct span answers, text;

static void begin(void *context, const struct wire_listed_of *question, int *fd)
{
	(void)context;
	MUST(!question->text);
	*fd = -1;
}

static bool finish(void *context, const struct wire_listed_of *question, int *fd, int64_t until, char *to)
{
	(void)context;
	(void)until;
	*fd = -1;
	return span_copy(question->text ? text : answers, to, DNSBL_ANSWERS_MAX + 1);
}

static const struct lists lists = {NULL, begin, finish};

static int say(struct session *s, const char *line)
{
	str_clear(&s->out);
	session_line(s, span_of(line), false);
	struct span out = str_span(&s->out);
	MUST(!s->out.failed && out.len > 6 && out.len < 1024 && span_find(out, '\r') == out.len - 2);
	for (size_t i = 0; i < out.len - 2; i++)
		MUST(out.at[i] >= ' ' && out.at[i] <= '~');
	MUST(!memmem(out.at, out.len, KEY, strlen(KEY)));
	return atoi(out.at);
}

static bool should_refuse(const struct config_connect *connect)
{
	struct dnsbl_answer found[3];
	struct listing_verdict verdict;
	if (answers.len > DNSBL_ANSWERS_MAX || memchr(answers.at, 0, answers.len) ||
	    !dnsbl_answers_parse(answers, found, 3))
		return false;
	listing_judge(connect, found, &verdict);
	return verdict.refused;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	struct span rest = {(const char *)data, size};
	struct memory_store memory;
	struct store store = memory_store_init(&memory);
	struct ipaddr client = {{0x20, 0x01, 0x0d, 0xb8}};
	struct session s;
	log_set_level(LOG_LEVEL_ERROR);
	if (!config.server_count)
		memory_config("connect { dnsbl " KEY ".test 127.0.0.2-11 score 3\ndnsbl b.test 127.0.0.2\n"
			      "dnsbl_allow c.test 127.0.0-255.1-3 score -2\ndnsbl_reject 3 }",
			      &config);
	const struct config_server *server = &config.servers[0];
	answers = span_take(&rest, '\n');
	text = rest;
	if (!answers.at)
		answers = text = SPAN("");
	MUST(session_init(&s, server, &store, &client));
	s.lists = &lists;
	listed_begin(&s);
	session_greet(&s);
	say(&s, "HELO c.test");
	MUST(say(&s, "MAIL FROM:<a@example.org>") == 250);
	MUST(say(&s, "RCPT TO:<u@example.com>") == (should_refuse(&server->connect) ? 550 : 250));
	MUST(say(&s, "RCPT TO:<postmaster@example.com>") == 250);
	session_free(&s);
	memory_store_free(&memory);
	return 0;
}
