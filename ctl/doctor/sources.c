#include "ctl/doctor/sources.h"

#include <stdio.h>
#include <string.h>

#include "ctl/doctor/ways.h"

enum { SENDER_MAX = 320 };

static int ask_spf(void *context, const char *name, enum dns_type type, void (*take)(void *to, struct span rdata),
		   void *to)
{
	struct ask_answer answer;
	ask_name(context, name, type, &answer);
	int rcode = answer.answer.rcode;
	for (size_t i = 0; i < answer.answer.n; i++)
		take(to, answer.rdata[i]);
	ask_free(&answer);
	return rcode;
}

void sources_spf(struct ask *ask, const struct config_server *server, const char *domain, const struct ipaddr *ip,
		 struct spf_verdict *out)
{
	char sender[SENDER_MAX];
	const struct spf_dns dns = {.ask = ask_spf, .context = ask};
	const struct spf_query query = {.ip = *ip, .domain = domain, .sender = sender, .helo = server->fqdn};
	snprintf(sender, sizeof(sender), "postmaster@%s", domain);
	spf_evaluate(&dns, &query, out);
}

static void add_hop(struct ask *ask, const struct ways_hop *hop, struct sources *out)
{
	struct ask_addresses found = {.n = 0};
	if (hop->host->kind == CONFIG_HOST_IP)
		found.at[found.n++] = hop->host->ip;
	else
		ask_addresses(ask, hop->host->name, &found);
	for (size_t i = 0; i < found.n && out->n < SOURCES_MAX; i++)
		if (!ipaddr_is_private(&found.at[i]))
			out->at[out->n++] = (struct source){found.at[i], hop->host->name};
}

void sources_find(struct ask *ask, const struct config_server *server, struct sources *out)
{
	struct ipaddr ours[WAYS_SOURCES_MAX];
	struct ways_hop hops[WAYS_HOPS_MAX];
	bool behind;
	*out = (struct sources){.n = 0};
	if (ways_direct(server)) {
		size_t n = ways_public(server, ask, ours, &behind);
		for (size_t i = 0; i < n; i++)
			out->at[out->n++] = (struct source){ours[i], NULL};
	}
	size_t n = ways_hops(server, hops);
	for (size_t i = 0; i < n; i++)
		if (strcmp(hops[i].setting, "smart_host") == 0)
			add_hop(ask, &hops[i], out);
}
