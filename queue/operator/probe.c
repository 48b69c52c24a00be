#include "queue/operator/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/mail/address.h"
#include "common/mail/envelope.h"
#include "common/spool/spool.h"

enum { TEXT_MAX = 8192 };

struct probe {
	struct address from, rcpt;
	char rcpt_text[ADDRESS_MAX + 1]; /* the text of `rcpt` when the default domain was appended */
};

static bool parse(const struct config_server *server, struct span sender, struct span recipient, struct probe *out,
		  char *why)
{
	const char *fault = N_("it is empty");
	if (!sender.len)
		sender = span_of(server->postmaster ? server->postmaster : "postmaster");
	if (span_equal(sender, SPAN("<>")))
		sender.len = 0;
	bool ok = address_parse(sender, &out->from, &fault) && address_parse(recipient, &out->rcpt, &fault) &&
		  out->rcpt.text.len;
	if (ok && !out->rcpt.domain.len) {
		int len = snprintf(out->rcpt_text, sizeof(out->rcpt_text), "%.*s@%s", SPAN_ARGS(recipient),
				   server->default_domain);
		ok = len <= ADDRESS_MAX && address_parse(span_of(out->rcpt_text), &out->rcpt, &fault);
	}
	if (!ok)
		snprintf(why, PROBE_WHY_MAX, N_("not a valid address: %s"), fault);
	return ok;
}

static void write_text(const struct queue *q, const struct probe *p, const char *id, struct str *to)
{
	const struct config_server *server = queue_server(q);
	struct span from = p->from.text.len ? p->from.text : SPAN("postmaster");
	char date[CLOCK_TEXT_MAX];
	clock_rfc5322(q->wall_ms, date);
	envelope_write_sender(to, p->from.text);
	envelope_write_rcpt(to, p->rcpt.text);
	str_printf(to, "Received: by %s with id %s; %s\r\n", server->fqdn, id, date);
	str_printf(to, "Date: %s\r\nFrom: <", date);
	address_append(to, from);
	str_append_text(to, ">\r\nTo: <");
	address_append(to, p->rcpt.text);
	str_append_text(to, ">\r\n");
	str_printf(to, "Subject: Test message of %s\r\nMessage-ID: <%s@%s>\r\n", server->fqdn, id, server->fqdn);
	str_append_text(to, "Auto-Submitted: auto-generated\r\n\r\n");
	str_printf(to,
		   "The administrator of %s sent this message with `mailrootctl test` to see\r\n"
		   "how mail to this address goes. Nothing needs to be done about it.\r\n",
		   server->fqdn);
}

/* Accepts the message as smtpd does. The caller frees FILE. */
static int commit(struct queue *q, const struct probe *p, struct spool_file *file, struct str *text)
{
	struct spool spool;
	int err = spool_probe(q->store.new_fd, &spool);
	if (!err)
		err = spool_begin(&spool, NULL, file);
	if (err)
		return err;
	write_text(q, p, file->id, text);
	err = text->failed ? -EMSGSIZE : spool_write(file, str_span(text));
	return err ? err : spool_commit(file);
}

bool probe_begin(struct queue *q, struct span sender, struct span recipient, char *id, char *why)
{
	struct spool_file file = {.text.fd = -1};
	struct msgname name;
	struct probe probe = {.rcpt_text = ""};
	struct str text;
	if (!parse(queue_server(q), sender, recipient, &probe, why))
		return false;
	str_init(&text, TEXT_MAX);
	int err = commit(q, &probe, &file, &text);
	str_free(&text);
	struct message *m = !err && msgname_parse(span_of(file.name), &name) ? message_add(&q->messages, &name) : NULL;
	if (m) {
		memcpy(id, file.id, MSGID_LEN + 1);
		m->has_file = m->watched = true;
		message_move(&q->messages, m, MESSAGE_READY);
		log_info("id=%s from=<%.*s> to=<%.*s> nrcpt=1 size=%llu status=accepted by=operator", m->id,
			 SPAN_ARGS(probe.from.text), SPAN_ARGS(probe.rcpt.text), (unsigned long long)m->size);
	} else {
		snprintf(why, PROBE_WHY_MAX, N_("can't write the message: %s"), strerror(err ? -err : ENOMEM));
		spool_unlink(&file);
	}
	spool_file_free(&file);
	return m != NULL;
}
