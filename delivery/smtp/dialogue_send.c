/* What a transaction sends, and what is decided before anything is sent. */
#include <stdio.h>

#include "delivery/smtp/dialogue.h"

#include "common/base/language.h"

static void say_path(struct dialogue *d, const char *verb, struct span address)
{
	str_printf(&d->out, "%s:<", verb);
	address_append(&d->out, address);
	str_append_c(&d->out, '>');
}

void dialogue_say_mail(struct dialogue *d)
{
	say_path(d, "MAIL FROM", d->mail->sender);
	if (d->can.size)
		str_printf(&d->out, " SIZE=%llu", (unsigned long long)d->mail->size);
	if (d->mail->eight_bit && d->can.eight_bit)
		str_append_text(&d->out, " BODY=8BITMIME");
	if (d->can.dsn && d->mail->dsn.ret)
		str_printf(&d->out, " RET=%s", dsn_ret_text(d->mail->dsn.ret));
	if (d->can.dsn && d->mail->dsn.envid.len)
		str_printf(&d->out, " ENVID=%.*s", SPAN_ARGS(d->mail->dsn.envid));
	str_append_text(&d->out, "\r\n");
}

static void say_rcpt(struct dialogue *d, const struct recipient *r)
{
	char notify[DSN_NOTIFY_TEXT_MAX];
	dsn_notify_text(r->dsn.notify, notify);
	say_path(d, "RCPT TO", r->address);
	if (d->can.dsn && *notify)
		str_printf(&d->out, " NOTIFY=%s", notify);
	if (d->can.dsn && r->dsn.orcpt.len)
		str_printf(&d->out, " ORCPT=%.*s", SPAN_ARGS(r->dsn.orcpt));
	str_append_text(&d->out, "\r\n");
}

/* The next open recipient not sent yet, or NULL. */
static struct recipient *next_unsent(struct dialogue *d)
{
	while (d->sent < d->outcomes->n && d->outcomes->rcpts[d->sent].outcome)
		d->sent++;
	return d->sent < d->outcomes->n ? &d->outcomes->rcpts[d->sent] : NULL;
}

/* Sends what may be sent now: with PIPELINING ahead of the replies, otherwise one command at a time. */
void dialogue_send_ahead(struct dialogue *d)
{
	unsigned window = d->can.pipelining ? DIALOGUE_WINDOW : 1;
	struct recipient *r;
	while (!d->refused && d->outstanding < window && (r = next_unsent(d))) {
		say_rcpt(d, r);
		d->sent++;
		d->outstanding++;
	}
	bool in_turn = d->can.pipelining || !d->outstanding;
	bool hopeful = d->accepted || (d->can.pipelining && d->outstanding);
	if (!d->data_sent && !d->refused && in_turn && hopeful && !next_unsent(d)) {
		str_append_text(&d->out, "DATA\r\n");
		d->data_sent = true;
	}
}

/* Decides before anything is sent; true when all recipients are decided. */
bool dialogue_decided_locally(struct dialogue *d)
{
	struct outcome outcome = {.event = JOURNAL_FAILED, .host = d->host, .tls = d->tls};
	char text[128];
	if (d->can.size && d->can.size_max && d->mail->size > d->can.size_max) {
		outcome.enhanced = (struct enhanced){5, 3, 4};
		snprintf(text, sizeof(text),
			 N_("the message of %llu octets is larger than the %llu that the host takes"),
			 (unsigned long long)d->mail->size, (unsigned long long)d->can.size_max);
	} else if (d->mail->eight_bit && !d->can.eight_bit && d->mail->return_eight_bit) {
		outcome.enhanced = (struct enhanced){5, 6, 3};
		snprintf(text, sizeof(text), N_("the message has 8-bit text and the host does not offer 8BITMIME"));
	} else {
		return false;
	}
	outcome.text = span_of(text);
	outcomes_decide_open(d->outcomes, false, &outcome);
	return true;
}
