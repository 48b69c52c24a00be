#include "ctl/doctor/ask.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

struct dns_settings ask_settings(const struct config *config, const struct config_server *server)
{
	return (struct dns_settings){.servers = server->dns_server.n ? &server->dns_server : &config->dns_server,
				     .dnssec = config->dnssec,
				     .trust_anchor = config->trust_anchor};
}

void ask_open(struct ask *a, const struct config *config, const struct config_server *server, int64_t until)
{
	struct dns_settings settings = ask_settings(config, server);
	if (!dns_checks(&settings))
		settings.dnssec = CONFIG_NO; /* diagnose_resolver tells that */
	*a = (struct ask){.context = dns_context(&settings), .until = until};
}

void ask_open_unsigned(struct ask *a, const struct config *config, const struct config_server *server, int64_t until)
{
	struct dns_settings settings = ask_settings(config, server);
	settings.dnssec = CONFIG_NO;
	*a = (struct ask){.context = dns_context(&settings), .until = until};
}

static void arrive(void *data, int err, struct ub_result *result)
{
	struct ask_answer *out = data;
	out->err = err;
	out->result = result;
	out->arrived = true;
}

void ask_name(struct ask *a, const char *name, enum dns_type type, struct ask_answer *out)
{
	int id = 0;
	int64_t now = clock_mono_ms(), until = now + ASK_MS < a->until ? now + ASK_MS : a->until;
	*out = (struct ask_answer){.arrived = false};
	bool asked = dns_ask(a->context, name, type, out, arrive, &id);
	while (asked && !out->arrived && (now = clock_mono_ms()) < until) {
		struct pollfd ready = {.fd = ub_fd(a->context), .events = POLLIN};
		if (poll(&ready, 1, (int)(until - now)) > 0)
			ub_process(a->context);
	}
	if (asked && !out->arrived)
		dns_cancel(a->context, id);
	dns_answer(out->err, out->result, out->rdata, &out->answer);
}

void ask_free(struct ask_answer *out)
{
	ub_resolve_free(out->result);
	out->result = NULL;
}

static void add_addresses(struct ask_addresses *out, const struct ask_answer *one, size_t size)
{
	for (size_t i = 0; i < one->answer.n && out->n < ASK_ADDRESSES_MAX; i++) {
		struct ipaddr ip = {{[10] = 0xff, [11] = 0xff}};
		if (one->rdata[i].len != size)
			continue;
		memcpy(ip.octets + 16 - size, one->rdata[i].at, size);
		out->at[out->n++] = ip;
	}
}

void ask_addresses(struct ask *a, const char *name, struct ask_addresses *out)
{
	struct ask_answer v4, v6;
	*out = (struct ask_addresses){.n = 0};
	ask_name(a, name, DNS_A, &v4);
	ask_name(a, name, DNS_AAAA, &v6);
	add_addresses(out, &v4, 4);
	add_addresses(out, &v6, 16);
	dane_name(v4.answer.expanded.len ? v4.answer.expanded : v6.answer.expanded, name, out->alias_of);
	out->rcode = v4.answer.rcode == LOOKUP_NOERROR || out->n ? LOOKUP_NOERROR : v4.answer.rcode;
	if (out->rcode == LOOKUP_NOERROR && !out->n && v6.answer.rcode != LOOKUP_NOERROR)
		out->rcode = v6.answer.rcode;
	ask_free(&v4);
	ask_free(&v6);
}
