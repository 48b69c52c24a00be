#include "smtpd/policy/listing.h"

static bool is_excepted(const struct config_clients *list, const struct policy_client *client)
{
	for (size_t i = 0; i < list->n; i++)
		if (policy_client_match(&list->at[i], client))
			return true;
	return false;
}

enum listing_skip listing_skip(const struct config_server *server, const struct policy_client *client, bool *wants_name)
{
	struct policy_decision relay;
	*wants_name = false;
	if (client->user)
		return LISTING_AUTHENTICATED;
	if (is_excepted(&server->connect.dnsbl_except, client))
		return LISTING_EXCEPTED;
	policy_relay_from(server, client, (struct span){0}, POLICY_RELAY_LISTED, &relay);
	*wants_name = relay.wants_name;
	return relay.accepted ? LISTING_MAY_RELAY : LISTING_STRANGER;
}

bool listing_spares(const struct address *rcpt)
{
	return span_equal_nocase(rcpt->local, SPAN("postmaster"));
}

size_t listing_count(const struct config_connect *connect)
{
	return connect->dnsbl.n + connect->dnsbl_allow.n;
}

const struct config_dnsbl *listing_at(const struct config_connect *connect, size_t i)
{
	return i < connect->dnsbl.n ? &connect->dnsbl.at[i] : &connect->dnsbl_allow.at[i - connect->dnsbl.n];
}

void listing_zones(const struct config_connect *connect, struct str *to)
{
	for (size_t i = 0; i < listing_count(connect); i++)
		str_printf(to, "%s%s", i ? " " : "", listing_at(connect, i)->zone);
}

static bool is_in(const struct config_answers *answers, const unsigned char octets[4])
{
	for (size_t i = 0; i < 4; i++)
		if (octets[i] < answers->from[i] || octets[i] > answers->to[i])
			return false;
	return true;
}

const unsigned char *listing_record(const struct config_dnsbl *list, const struct dnsbl_answer *answer)
{
	if (!answer->answered || dnsbl_answer_sense(answer) != DNSBL_LISTING)
		return NULL;
	for (size_t record = 0; record < answer->n; record++)
		for (size_t i = 0; i < list->n; i++)
			if (is_in(&list->answers[i], answer->at[record]))
				return answer->at[record];
	return NULL;
}

void listing_judge(const struct config_connect *connect, const struct dnsbl_answer *answers,
		   struct listing_verdict *out)
{
	int64_t highest = 0;
	*out = (struct listing_verdict){0};
	for (size_t i = 0; i < listing_count(connect); i++) {
		const struct config_dnsbl *list = listing_at(connect, i);
		if (!listing_record(list, &answers[i]))
			continue;
		out->total += list->score;
		if (list->score > highest) {
			highest = list->score;
			out->worst = i;
		}
	}
	out->refused = out->total >= connect->dnsbl_reject;
}
