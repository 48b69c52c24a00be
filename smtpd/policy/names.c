#include "smtpd/policy/names.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/ipc/ask.h"
#include "smtpd/protocol/limits.h"

enum { ANSWER_MAX = 1024 };

static void unconfirmed(struct policy_client *client, const char *why)
{
	client->name_state = POLICY_NAME_UNCONFIRMED;
	client->name[0] = '\0';
	snprintf(client->why, sizeof(client->why), "%s", why);
}

void names_take(struct span packet, struct policy_client *client)
{
	struct wire_named named;
	unconfirmed(client, N_("the resolver sent a malformed answer"));
	if (!wire_admit(WIRE_LINK_names, WIRE_DOWN, packet) || !wire_decode_named(packet, &named))
		return;
	if (!named.name.len) {
		span_copy(named.why, client->why, sizeof(client->why));
		return;
	}
	if (!domain_valid(named.name) || !span_copy(named.name, client->name, sizeof(client->name)))
		return;
	ascii_lower_text(client->name);
	client->name_state = POLICY_NAME_CONFIRMED;
	client->why[0] = '\0';
}

static int ask_resolver(int link, struct policy_client *client)
{
	char address[IPADDR_TEXT_MAX], buffer[ANSWER_MAX];
	struct str question;
	struct ipc_packet answer;
	ipaddr_format(&client->ip, address);
	const struct wire_name_of wire = {.address = span_of(address)};
	str_init(&question, ANSWER_MAX);
	int err = wire_encode_name_of(&wire, &question)
			  ? ask_link(link, str_span(&question), clock_mono_ms() + LIMIT_NAME_MS, buffer, sizeof(buffer),
				     &answer)
			  : -ENOMEM;
	str_free(&question);
	if (err)
		return err;
	names_take(answer.text, client);
	ipc_packet_close(&answer);
	return 0;
}

static void look_up(void *context, struct policy_client *client)
{
	int err = ask_resolver(*(const int *)context, client);
	if (err == -ETIMEDOUT)
		unconfirmed(client, N_("the resolver did not answer in time"));
	else if (err)
		unconfirmed(client, N_("can't ask the resolver"));
}

struct names names_of_resolver(const int *link)
{
	return (struct names){(void *)link, look_up};
}
