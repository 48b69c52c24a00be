#include "delivery/smtp/secure.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/tls/client.h"

enum { SUBMISSIONS_PORT = 465 /* RFC 8314 */ };

static bool heeds_dane(const struct client_job *job)
{
	return job->security && config_outbound_dane(&job->security->outbound);
}

bool secure_must_wait(const struct client_job *job, const struct host *host)
{
	return host->dane == HOST_DANE_LATER && heeds_dane(job);
}

static void demand_dane(struct client *c, const struct client_job *job, const struct host *host)
{
	struct dialogue_security *security = &c->dialogue.security;
	c->dane_names = c->dane_records = (struct span){0};
	if (host->dane == HOST_DANE_NONE || !heeds_dane(job))
		return;
	security->dane = true;
	security->tls = CONFIG_TLS_ENCRYPT;
	if (host->dane != HOST_DANE_MATCH)
		return;
	security->tls = CONFIG_TLS_VERIFY;
	c->dane_names = host->names;
	c->dane_records = host->records;
}

void secure_demand(struct client *c, const struct client_job *job, const struct host *host, bool plain)
{
	struct dialogue_security *security = &c->dialogue.security;
	const struct config_outbound *outbound = job->security ? &job->security->outbound : NULL;
	*security = (struct dialogue_security){0};
	if (job->credentials) {
		security->credentials = span_of(job->credentials->user_name);
		security->auth_unverified = job->credentials->outbound.auth_unverified;
	}
	if (!outbound)
		return;
	security->tls = config_outbound_tls(outbound);
	security->missing = outbound->tls_missing;
	demand_dane(c, job, host);
	security->implicit = security->tls != CONFIG_TLS_OFF &&
			     (outbound->implicit == CONFIG_YES ||
			      (outbound->implicit == CONFIG_AUTO && host->port == SUBMISSIONS_PORT));
	/* The TLS that failed may have been that of another block with the same host. */
	if (plain && security->tls == CONFIG_TLS_OPPORTUNISTIC && !security->implicit)
		security->tls = CONFIG_TLS_OFF;
}

static bool is_address(struct span name)
{
	struct ipaddr ip;
	return name.len && (name.at[0] == '[' || ipaddr_parse(name, &ip));
}

/* A name of the configuration precedes that of the host; a host without a name has only its address. */
static struct tls_client_expect expectation(const struct client *c, const struct config_outbound *outbound)
{
	struct tls_client_expect expect = {.name = span_of(outbound->tls_name),
					   .fingerprints = outbound->tls_fingerprint};
	if (!expect.name.len && is_address(span_of(c->host_name)))
		expect.ip = &c->ip;
	else if (!expect.name.len)
		expect.name = span_of(c->host_name);
	return expect;
}

static enum dialogue_next untrusted(struct client *c, const char *why)
{
	return dialogue_broken(&c->dialogue, DIALOGUE_UNTRUSTED, span_of(why));
}

static void describe(struct client *c, bool verified)
{
	struct tls_facts facts;
	tls_channel_facts(&c->channel, &facts);
	snprintf(c->tls, sizeof(c->tls), "%s:%s:%s", facts.version, facts.cipher,
		 !verified             ? "unverified"
		 : c->dane_records.len ? "dane"
				       : "verified");
}

/* Sets what the handshake needs: the server name, and the names that the certificate must match. */
static bool prepare(struct client *c, const struct client_job *job, const struct tls_client_expect *expect)
{
	if (!tls_channel_init(&c->channel, job->security->tls, &c->stream))
		return false;
	if (c->dialogue.security.dane && !tls_client_demand(&c->channel))
		return false;
	return c->dane_records.len ? tls_client_dane(&c->channel, c->dane_names, c->dane_records)
				   : tls_client_name(&c->channel, expect);
}

static bool is_the_one(const struct client *c, const struct tls_client_expect *expect, char *why)
{
	return c->dane_records.len ? tls_client_check_dane(&c->channel, why)
				   : tls_client_check(&c->channel, expect, why);
}

enum dialogue_next secure_handshake(struct client *c, const struct client_job *job)
{
	const struct config_outbound *outbound = &job->security->outbound;
	struct tls_client_expect expect = expectation(c, outbound);
	char why[TLS_CLIENT_WHY_MAX] = N_("no memory"), handshake[TLS_WHY_MAX] = "";
	if (stream_pending(&c->stream))
		return untrusted(
			c, N_("data came in clear behind the reply to STARTTLS: this may be an injection attack"));
	if (!job->security->tls)
		return untrusted(c, job->security->trouble ? job->security->trouble : N_("TLS is not set up"));
	if (!prepare(c, job, &expect))
		return untrusted(c, why);
	if (tls_channel_connect(&c->channel, handshake) != TLS_OK)
		return untrusted(c, handshake);
	bool verified = false;
	if (c->dialogue.security.tls == CONFIG_TLS_VERIFY) {
		verified = is_the_one(c, &expect, why);
		if (!verified)
			return untrusted(c, why);
	}
	describe(c, verified);
	return dialogue_secured(&c->dialogue, verified, span_of(c->tls));
}

const char *secure_reason(const struct client *c, int err)
{
	const char *text = c->channel.ssl && err == EPROTO ? ERR_reason_error_string(ERR_peek_error()) : NULL;
	return text ? text : strerror(err);
}

void secure_close(struct client *c)
{
	tls_channel_close(&c->channel);
}
