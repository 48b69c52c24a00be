#include "smtpd/policy/explain.h"

void explain_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
		    struct explanation *out)
{
	out->client = client;
	policy_connect_decide(server, client, &out->connect);
	policy_mail_decide(server, client, &out->mail);
	policy_relay_decide(server, client, domain, &out->relay);
	out->accepted = out->connect.accepted && out->mail.accepted && out->relay.accepted;
}

enum reply_id explain_mail_reply(const struct policy_decision *mail)
{
	if (mail->accepted)
		return REPLY_NONE;
	return mail->steps[mail->step_count - 1].rule == POLICY_TLS_REQUIRED ? REPLY_TLS_FIRST : REPLY_AUTH_FIRST;
}

void explain_reply(const struct explanation *e, const struct address *rcpt, struct str *to)
{
	const struct span nothing = {NULL, 0};
	char address[IPADDR_TEXT_MAX];
	struct str stamped;
	if (!e->connect.accepted) {
		ipaddr_format(&e->client->ip, address);
		replies_append(to, REPLY_MAY_NOT_CONNECT, true, span_of(address), nothing);
		return;
	}
	if (!e->mail.accepted) {
		replies_append(to, explain_mail_reply(&e->mail), true, nothing, nothing);
		return;
	}
	str_init(&stamped, 2 * ADDRESS_MAX);
	str_append(&stamped, e->relay.stamp ? rcpt->local : rcpt->text);
	if (e->relay.stamp)
		str_printf(&stamped, "@%s", e->relay.stamp);
	replies_append(to, e->accepted ? REPLY_RECIPIENT_OK : REPLY_CANNOT_RELAY, true, str_span(&stamped), nothing);
	str_free(&stamped);
}
