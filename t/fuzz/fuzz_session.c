/*
 * A whole session on a string of octets. The client is in no list. For any input, replies are well formed and lead to
 * the states of session.h, exactly the acknowledged messages are stored, and they are for our own domains and have no
 * bare line end. After a first line with CRLF, a bare line end never ends a command.
 */
#include "common/base/log_level.h"
#include "common/mail/envelope.h"
#include "smtpd/session/command.h"
#include "t/fuzz/must.h"
#include "t/unit/auth_memory.h"
#include "t/unit/smtpd_memory.h"

enum { REPLY_LINE_LIMIT = 1024 };

struct dialogue {
	struct memory_store memory;
	struct session session;
	size_t piece;
	unsigned acknowledged;
};

static const char *const blocks[] = {
	"",
	"bare_newlines repair",
	("messages { max_message_size 1K; max_session_size 2K; max_recipients 2 }\nalias_domain example.org\n"
	 "client { messages 3/1h; recipients 5/1h; octets 1K/1h; errors 6/1h }"),
	"without chunking size enhancedstatuscodes",
	"access { auth plain login scram-sha-256 cram-md5; auth_requires_tls no }",
	"xclient_list 192.0.2.1; xclient_login yes",
	"client_rule a { list *; senders a.test; from_header yes; recipients u@example.com; max_message_size 1K }",
};
enum { BLOCK_LIMITS = 2, BLOCK_AUTH = 4, BLOCK_XCLIENT, BLOCK_RULE, BLOCK_COUNT };

static struct config *configuration(size_t i)
{
	static struct config configs[BLOCK_COUNT];
	if (!configs[i].server_count)
		memory_config(blocks[i], &configs[i]);
	return &configs[i];
}

/* The code of the last reply, 0 = none. */
static int check_replies(struct dialogue *d)
{
	struct span out = str_span(&d->session.out);
	int code = 0;
	MUST(!d->session.out.failed);
	while (out.len) {
		size_t end = span_find(out, '\r');
		MUST(end + 1 < out.len && out.at[end + 1] == '\n' && end >= 4 && end < REPLY_LINE_LIMIT);
		MUST(out.at[3] == ' ' || out.at[3] == '-');
		for (size_t i = 0; i < end; i++)
			MUST(out.at[i] >= ' ' && out.at[i] <= '~');
		code = atoi(out.at);
		d->acknowledged +=
			code == 250 && span_ends_nocase((struct span){out.at, end}, SPAN("> Queued mail for delivery"));
		out = span_skip(out, end + 2);
	}
	str_clear(&d->session.out);
	return code;
}

/* A client rule lets no other sender through, in the envelope and in what mail programs show. */
static void check_rule(const struct envelope *envelope, struct span text)
{
	struct field field;
	MUST(!envelope->sender.text.len || span_ends_nocase(envelope->sender.text, SPAN("@a.test")));
	MUST(envelope->rcpt_count == 1 && span_equal_nocase(envelope->rcpts[0].local, SPAN("u")));
	while (field_next(&text, &field))
		MUST(!field_is(&field, "from") || span_find(field.value, '@') < field.value.len);
}

static void check_message(const struct dialogue *d)
{
	struct envelope envelope;
	struct arena arena;
	const char *why;
	struct span text = str_span(&d->memory.last);
	arena_init(&arena, 1 << 20);
	MUST(envelope_parse(text, true, &arena, &envelope, &why) == ENVELOPE_OK && envelope.rcpt_count > 0);
	for (size_t i = 0; i < envelope.rcpt_count; i++)
		MUST(span_equal_nocase(envelope.rcpts[i].domain, SPAN("example.com")));
	MUST(span_starts(span_skip(text, envelope.body_at), SPAN("Received: from ")));
	if (d->session.config->client_rule_count)
		check_rule(&envelope, span_skip(text, envelope.body_at));
	for (size_t i = 0; i < text.len; i++) {
		MUST(text.at[i] != '\n' || (i && text.at[i - 1] == '\r'));
		MUST(text.at[i] != '\r' || (i + 1 < text.len && text.at[i + 1] == '\n'));
	}
	arena_free(&arena);
}

/* The table of session.h. */
/* The block BLOCK_AUTH has one account, whose password the input can't contain. */
static struct auth *authentication(void)
{
	static struct auth *auth;
	static struct auth_memory memory;
	static struct auth_users users;
	if (!auth) {
		users = auth_memory_users(&memory);
		auth_memory_add_secret(&memory, "user");
		auth = auth_new(&users, NULL, 10);
	}
	return auth;
}

static void check_refusal(enum command_verb verb, enum session_state before, enum session_state after)
{
	bool same = after == before;
	if (after == SESSION_CLOSED)
		return;
	if (before == SESSION_AUTH)
		MUST(after == SESSION_READY);
	else if (verb == COMMAND_MAIL || verb == COMMAND_RCPT)
		MUST(same);
	else if (verb == COMMAND_DATA)
		MUST(same || (before == SESSION_RCPT && after == SESSION_READY));
	else if (verb == COMMAND_BDAT)
		MUST(after == (before == SESSION_START ? SESSION_START : SESSION_READY));
	else
		MUST(same);
}

/* Input before it has no effect after it. */
static void shake_hands(struct dialogue *d)
{
	struct session *s = &d->session;
	if (session_wants(s) != SESSION_WANTS_HANDSHAKE)
		return;
	MUST(s->tls.offered && !s->tls.on);
	session_secured(s, &(struct session_tls){.on = true, .version = "TLSv1.3", .cipher = "X", .bits = 128});
	MUST(s->state == SESSION_START && !s->helo[0] && !s->tx.sender.len && !s->tx.rcpts.count && !s->tls.offered);
}

/* Nothing of the client before XCLIENT remains. */
static void become(struct dialogue *d)
{
	struct session *s = &d->session;
	if (session_wants(s) != SESSION_WANTS_GREETING)
		return;
	MUST(s->config->xclient_list.n && !s->out.len && !s->tx.sender.len && !s->tx.rcpts.count);
	memory_greet(s);
	MUST(s->state == (s->helo[0] ? SESSION_READY : SESSION_START) && check_replies(d) == 220);
}

static size_t step(struct dialogue *d, struct span rest)
{
	struct session *s = &d->session;
	enum session_state before = s->state;
	struct command command;
	unsigned stored = d->memory.stored;
	bool line = session_wants(s) == SESSION_WANTS_LINE, crlf = s->lines == SESSION_LINES_CRLF;
	if (rest.len > d->piece && !line)
		rest.len = d->piece;
	struct span said = {rest.at, span_find(rest, '\n')};
	command_parse((struct span){said.at, span_find(said, '\r')}, &command);
	if (s->auth)
		auth_memory_forget_failures(s->auth);
	size_t taken = line ? memory_feed_line(s, rest) : session_octets(s, rest);
	int code = check_replies(d);
	if (line && taken && (crlf || s->config->bare_newlines != CONFIG_BARE_REPAIR))
		MUST(s->state == SESSION_CLOSED || code == 500 || (taken >= 2 && rest.at[taken - 2] == '\r'));
	if (line && code >= 400)
		check_refusal(command.verb, before, s->state);
	if (!line && code >= 400)
		MUST(s->state == SESSION_READY || s->state == SESSION_START || s->state == SESSION_CLOSED);
	MUST(d->memory.stored == d->acknowledged);
	MUST((!s->client.user || s->config->xclient_login) && (s->state == SESSION_AUTH) == (s->exchange != NULL));
	if (d->memory.stored != stored)
		check_message(d);
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dialogue d = {0};
	struct ipaddr client = memory_address("192.0.2.1");
	struct store store = memory_store_init(&d.memory);
	size_t choice = size ? data[0] : 0, taken = 1;
	struct span rest = {(const char *)data, size};
	log_set_level(LOG_LEVEL_ERROR);
	bool auth = choice & 0x04;
	bool rule = !auth && (choice & 0x28) == 0x28, xclient = !auth && !rule && (choice & 0x51) == 0x50;
	size_t block = auth ? BLOCK_AUTH : rule ? BLOCK_RULE : xclient ? BLOCK_XCLIENT : choice % BLOCK_AUTH;
	d.piece = choice & 0x80 ? 1 + choice / BLOCK_AUTH % 16 : SIZE_MAX;
	MUST(session_init(&d.session, &configuration(block)->servers[0], &store, &client));
	d.session.auth = auth ? authentication() : NULL;
	d.session.usage = block == BLOCK_LIMITS ? usage_new() : NULL;
	session_greet(&d.session);
	MUST(check_replies(&d) == 220);
	d.session.tls.offered = choice & 0x40;
	for (rest = span_skip(rest, 1); taken && rest.len && d.session.state != SESSION_CLOSED;
	     rest = span_skip(rest, taken)) {
		taken = step(&d, rest);
		shake_hands(&d);
		become(&d);
	}
	usage_free(d.session.usage);
	session_free(&d.session);
	MUST(!d.memory.open && d.memory.stored == d.acknowledged && (block != BLOCK_LIMITS || d.memory.stored <= 3));
	memory_store_free(&d.memory);
	return 0;
}
