/*
 * A host that may say anything. The first octet chooses the message and the requirements; the rest are its lines, and
 * the results of handshakes. Commands stay within their bound, no recipient is decided twice or lost, `delivered` needs
 * a sent message, mail is sent only over a connection that meets the requirements, and so are credentials.
 */
#include <string.h>

#include "delivery/smtp/dialogue.h"
#include "t/fuzz/must.h"

enum { RCPTS = 5 };

static void check(const struct outcomes *o, const struct recipient *before, bool sent)
{
	for (size_t i = 0; i < RCPTS; i++) {
		const struct outcome *now = o->rcpts[i].outcome;
		MUST(!before[i].outcome || before[i].outcome == now);
		MUST(sent || !now || (now->event != JOURNAL_DELIVERED && now->event != JOURNAL_RELAYED));
	}
}

static bool begin(void *context, struct span mechanisms, struct str *to, const char **why)
{
	(void)context;
	*why = "no";
	return span_starts(mechanisms, SPAN("PLAIN")) && str_append_text(to, "PLAIN SECRET");
}

static bool answer(void *context, struct span challenge, struct str *to, const char **why)
{
	(void)context;
	*why = "wrong";
	return !span_equal(challenge, SPAN("no")) && str_append_text(to, "SECRET") && str_append(to, challenge);
}

static bool finish(void *context, const char **why)
{
	*why = "unproved";
	return context != NULL;
}

static enum dialogue_next shake_hands(struct dialogue *d, struct span *text)
{
	struct span line = {0};
	MUST(d->security.tls != CONFIG_TLS_OFF && !d->security.secured);
	bool verified = span_line(text, &line) && span_starts(line, SPAN("v"));
	if (!line.len || (d->security.tls == CONFIG_TLS_VERIFY && !verified))
		return dialogue_broken(d, DIALOGUE_UNTRUSTED, line);
	return dialogue_secured(d, verified, SPAN("TLS"));
}

static void check_security(const struct dialogue *d, enum dialogue_next next)
{
	const struct dialogue_security *s = &d->security;
	bool proved = s->secured && s->verified;
	MUST(next != DIALOGUE_IDLE || s->secured || s->tls <= CONFIG_TLS_OPPORTUNISTIC);
	MUST(next != DIALOGUE_IDLE || proved || s->tls < CONFIG_TLS_VERIFY);
	if (d->out.len && memmem(d->out.at, d->out.len, "SECRET", 6))
		MUST(s->sasl && (proved || s->auth_unverified));
	MUST(d->can.auth_len < sizeof(d->can.auth) && d->can.auth[d->can.auth_len] == '\0');
}

static void converse(struct dialogue *d, struct outcomes *o, const struct dialogue_mail *mail, struct span text,
		     bool helo)
{
	struct recipient before[RCPTS];
	struct span line;
	bool sent = false;
	size_t size = text.len;
	enum dialogue_next next = dialogue_start(d, SPAN("mx"), helo);
	for (size_t steps = 0; next != DIALOGUE_HANG_UP; steps++) {
		for (size_t i = 0; i < RCPTS; i++)
			before[i] = o->rcpts[i];
		MUST(!d->out.failed && steps <= size + 100);
		check_security(d, next);
		str_clear(&d->out);
		if (next == DIALOGUE_IDLE && !outcomes_open(o))
			break;
		if (next == DIALOGUE_IDLE)
			next = dialogue_begin(d, mail, o);
		else if (next == DIALOGUE_HANDSHAKE)
			next = shake_hands(d, &text);
		else if (next == DIALOGUE_SEND_BODY && (sent = true))
			next = dialogue_sent(d);
		else if (span_line(&text, &line))
			next = dialogue_line(d, line);
		else
			next = dialogue_broken(d, DIALOGUE_LOST, (struct span){0});
		check(o, before, sent);
	}
	outcomes_decide_open(o, false, &d->failure);
	MUST(outcomes_open(o) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 64 * 1024)
		return 0;
	struct address rcpts[RCPTS] = {{.text = SPAN("b@example.net")}};
	struct dsn_rcpt dsn[RCPTS] = {{.notify = DSN_SUCCESS | DSN_FAILURE, .orcpt = SPAN("rfc822;b@example.net")},
				      {.notify = DSN_NEVER}};
	struct envelope envelope = {.rcpts = rcpts, .rcpt_count = RCPTS, .dsn_rcpts = dsn};
	struct dialogue_mail mail = {.sender = SPAN("a@example.com"),
				     .size = 1000,
				     .eight_bit = data[0] & 1,
				     .return_eight_bit = data[0] & 128,
				     .dsn = {DSN_RET_FULL, SPAN("QQ")}};
	struct dialogue d;
	struct outcomes o;
	struct arena arena;
	arena_init(&arena, OUTCOME_ARENA_MAX);
	dialogue_init(&d, SPAN("relay.example.com"));
	struct sasl sasl = {&d, begin, answer, finish, 0, ""};
	d.security = (struct dialogue_security){.tls = (enum config_tls)(data[0] >> 2 & 3),
						.implicit = (data[0] >> 2 & 3) && data[0] & 16,
						.sasl = data[0] & 32 ? &sasl : NULL,
						.auth_unverified = data[0] & 64};
	MUST(outcomes_select(&o, &arena, &envelope, (struct span){0}));
	converse(&d, &o, &mail, (struct span){(const char *)data + 1, size - 1}, data[0] & 2);
	dialogue_free(&d);
	arena_free(&arena);
	return 0;
}
