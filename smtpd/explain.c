#include "smtpd/explain.h"

#include "smtpd/replies.h"

void explain_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
		    struct explanation *out)
{
	out->client = client;
	policy_connect_decide(server, client, &out->connect);
	policy_relay_decide(server, client, domain, &out->relay);
	out->accepted = out->connect.accepted && out->relay.accepted;
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
	str_init(&stamped, 2 * ADDRESS_MAX);
	str_append(&stamped, e->relay.stamp ? rcpt->local : rcpt->text);
	if (e->relay.stamp)
		str_printf(&stamped, "@%s", e->relay.stamp);
	replies_append(to, e->accepted ? REPLY_RECIPIENT_OK : REPLY_CANNOT_RELAY, true, str_span(&stamped), nothing);
	str_free(&stamped);
}
