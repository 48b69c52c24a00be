#include "smtpd/session/transaction.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/clock.h"

enum {
	HEAD_MAX = 2048, /* sender line and Received: an address, three names, a date */
	SLICE_ROOM = 2 * TRANSACTION_SLICE + DOT_READ_EXTRA
};

bool transaction_init(struct transaction *t, const struct store *store)
{
	*t = (struct transaction){.store = store};
	str_init(&t->sender, ADDRESS_MAX);
	str_init(&t->head, HEAD_MAX);
	str_init(&t->from, RULES_FROM_MAX);
	recipients_init(&t->rcpts);
	t->slice = malloc(SLICE_ROOM);
	return t->slice != NULL;
}

void transaction_free(struct transaction *t)
{
	transaction_reset(t);
	str_free(&t->sender);
	str_free(&t->head);
	str_free(&t->from);
	recipients_free(&t->rcpts);
	free(t->slice);
	t->slice = NULL;
}

void transaction_reset(struct transaction *t)
{
	if (t->open)
		t->store->abort(t->store->context);
	t->open = false;
	t->refusal = REPLY_NONE;
	t->octets = t->declared = t->mailbox_octets = 0;
	str_clear(&t->sender);
	t->ret = DSN_RET_UNSAID;
	t->envid[0] = '\0';
	recipients_reset(&t->rcpts);
}

void transaction_ask(struct transaction *t, const struct dsn_message *dsn)
{
	t->ret = dsn->ret;
	span_copy(dsn->envid, t->envid, sizeof(t->envid));
}

void transaction_mailbox(struct transaction *t, uint64_t most)
{
	if (most > t->mailbox_octets)
		t->mailbox_octets = most;
}

enum reply_id transaction_reply(int err)
{
	switch (err) {
	case 0:
		return REPLY_NONE;
	case -EROFS:
		return REPLY_READ_ONLY;
	case -ENOSPC:
	case -EDQUOT:
		return REPLY_NO_SPACE;
	case -ENOMEM:
		return REPLY_NO_MEMORY;
	default:
		return REPLY_STORE_FAILED;
	}
}

/*
 * The first reason counts. The store is freed at once, so that a refused message occupies no disk while the rest of it
 * comes in.
 */
void transaction_refuse(struct transaction *t, enum reply_id why)
{
	if (why == REPLY_NONE || t->refusal != REPLY_NONE)
		return;
	t->refusal = why;
	if (t->open)
		t->store->abort(t->store->context);
	t->open = false;
}

static void store_write(struct transaction *t, struct span text)
{
	int err = t->open ? t->store->write(t->store->context, text) : 0;
	if (err)
		transaction_refuse(t, transaction_reply(err));
}

static void store_head(struct transaction *t)
{
	if (t->head.failed)
		transaction_refuse(t, REPLY_NO_MEMORY);
	store_write(t, str_span(&t->head));
}

/* RFC 3848. */
static const char *protocol(const struct transaction_origin *origin)
{
	if (!origin->esmtp)
		return "SMTP";
	if (origin->authenticated)
		return origin->tls_version ? "ESMTPSA" : "ESMTPA";
	return origin->tls_version ? "ESMTPS" : "ESMTP";
}

/* In a comment (RFC 5322 3.2.2), which may hold any text. */
static void write_user(struct str *to, const char *user)
{
	if (!user)
		return;
	str_append_text(to, "\t(authenticated user ");
	for (; *user; user++) {
		if (*user == '(' || *user == ')' || *user == '\\')
			str_append_c(to, '\\');
		str_append_c(to, *user > ' ' && *user < 0x7f ? *user : '?');
	}
	str_append_text(to, ")\r\n");
}

static void write_head(struct transaction *t, const struct transaction_origin *origin)
{
	const char *tag = origin->client_is_v6 ? "IPv6:" : "";
	clock_rfc5322(t->store->wall_ms(t->store->context), t->date);

	str_clear(&t->head);
	envelope_write_sender(&t->head, str_span(&t->sender));
	envelope_write_dsn(&t->head, &(struct dsn_message){t->ret, span_of(t->envid)});
	if (t->limits.foreign)
		envelope_write_foreign(&t->head);
	store_head(t);
	store_write(t, str_span(&t->rcpts.lines));

	str_clear(&t->head);
	if (origin->helo[0] || origin->client_name)
		str_printf(&t->head, "Received: from %s (%s%s[%s%s])\r\n", origin->helo[0] ? origin->helo : "unknown",
			   origin->client_name ? origin->client_name : "", origin->client_name ? " " : "", tag,
			   origin->client);
	else
		str_printf(&t->head, "Received: from [%s%s]\r\n", tag, origin->client);
	if (origin->tls_version)
		str_printf(&t->head, "\t(using %s with cipher %s (%d bits))\r\n", origin->tls_version,
			   origin->tls_cipher, origin->tls_bits);
	write_user(&t->head, origin->user);
	str_printf(&t->head, "\tby %s with %s id %s;\r\n\t%s\r\n", origin->fqdn, protocol(origin), t->id, t->date);
	store_head(t);
}

enum reply_id transaction_open(struct transaction *t, const struct transaction_limits *limits,
			       const struct transaction_origin *origin)
{
	int err = t->store->begin(t->store->context, t->id);
	if (err)
		return transaction_reply(err);
	t->open = true;
	t->refusal = REPLY_NONE;
	t->limits = *limits;
	t->octets = 0;
	t->dot = (struct dot_reader){.repair = limits->repair, .lf = limits->lf, .plain = limits->chunked};
	t->header = (struct header){0};
	str_clear(&t->from);
	if (limits->complete) {
		span_copy(span_of(origin->fqdn), t->fqdn, sizeof(t->fqdn));
		span_copy(span_of(origin->domain), t->domain, sizeof(t->domain));
	}
	write_head(t, origin);
	return t->refusal;
}

static enum reply_id check_text(const struct transaction *t)
{
	if (t->octets > t->limits.message_octets)
		return t->limits.too_big;
	if (t->octets > t->mailbox_octets)
		return REPLY_MAILBOX_TOO_SMALL;
	if (t->octets > t->limits.session_octets)
		return REPLY_SESSION_TOO_BIG;
	if (t->header.received > t->limits.hops)
		return REPLY_TOO_MANY_HOPS;
	if (t->dot.bare && !t->limits.repair)
		return REPLY_BARE_NEWLINE;
	return REPLY_NONE;
}

static void put(void *context, struct span text)
{
	store_write(context, text);
}

/* Passes TEXT through the completion of the header while that is not finished. Without TEXT the message is over. */
static void pass_header(struct transaction *t, struct span text)
{
	const struct completion_values lacking = {str_text(&t->sender), t->domain, t->fqdn, t->id, t->date};
	const struct header_sink sink = {put, t, t->limits.complete ? &lacking : NULL, &t->head,
					 t->limits.from ? &t->from : NULL};
	if (text.len)
		header_pass(&t->header, text, &sink);
	else
		header_end(&t->header, &sink);
	if (t->head.failed)
		transaction_refuse(t, REPLY_NO_MEMORY);
}

static void keep(struct transaction *t, size_t len)
{
	struct span text = {t->slice, len};
	t->octets += len;
	if (t->header.done)
		store_write(t, text);
	else if (len)
		pass_header(t, text);
	transaction_refuse(t, check_text(t));
}

size_t transaction_text(struct transaction *t, struct span in)
{
	size_t taken = 0;
	while (taken < in.len && !t->dot.ended) {
		struct span slice = span_skip(in, taken);
		size_t len = 0;
		if (slice.len > TRANSACTION_SLICE)
			slice.len = TRANSACTION_SLICE;
		taken += dot_read(&t->dot, slice, t->slice, &len);
		keep(t, len);
	}
	return taken;
}

void transaction_end(struct transaction *t)
{
	if (t->limits.chunked)
		keep(t, dot_read_end(&t->dot, t->slice));
	pass_header(t, (struct span){0});
}

enum reply_id transaction_commit(struct transaction *t)
{
	if (t->refusal != REPLY_NONE)
		return t->refusal;
	t->open = false;
	int err = t->store->commit(t->store->context);
	return transaction_reply(err);
}
