#include "delivery/secure.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "common/tls/client.h"

enum { SUBMISSIONS_PORT = 465 /* RFC 8314 */ };

void secure_demand(struct client *c, const struct client_job *job, const struct host *host, bool plain)
{
	struct dialogue_security *security = &c->dialogue.security;
	const struct config_outbound *outbound = job->security ? &job->security->outbound : NULL;
	*security = (struct dialogue_security){0};
	if (job->credentials) {
		security->credentials = span_of(job->credentials->name);
		security->auth_unverified = job->credentials->outbound.auth_unverified;
	}
	if (!outbound)
		return;
	security->tls = tls_client_level(outbound);
	security->missing = outbound->tls_missing;
	security->implicit = security->tls != CONFIG_TLS_OFF &&
			     (outbound->implicit == CONFIG_YES ||
			      (outbound->implicit == CONFIG_AUTO && host->port == SUBMISSIONS_PORT));
	/* What failed may have been TLS of another block with the same host. */
	if (plain && security->tls == CONFIG_TLS_OPPORTUNISTIC && !security->implicit)
		security->tls = CONFIG_TLS_OFF;
}

static bool is_address(struct span name)
{
	struct ipaddr ip;
	return name.len && (name.at[0] == '[' || ipaddr_parse(name, &ip));
}

/* A name of the configuration goes before that of the host; a host without a name has only its address. */
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
	snprintf(c->tls, sizeof(c->tls), "%s:%s:%s", facts.version, facts.cipher, verified ? "verified" : "unverified");
}

enum dialogue_next secure_handshake(struct client *c, const struct client_job *job)
{
	const struct config_outbound *outbound = &job->security->outbound;
	struct tls_client_expect expect = expectation(c, outbound);
	char why[TLS_CLIENT_WHY_MAX] = "no memory", handshake[TLS_WHY_MAX] = "";
	if (stream_pending(&c->stream))
		return untrusted(c, "more came in clear behind the reply to STARTTLS, as if somebody had put it there");
	if (!job->security->tls)
		return untrusted(c, job->security->trouble ? job->security->trouble : "TLS is not set up");
	if (!tls_channel_init(&c->channel, job->security->tls, &c->stream) || !tls_client_name(&c->channel, &expect))
		return untrusted(c, why);
	if (tls_channel_connect(&c->channel, handshake) != TLS_OK)
		return untrusted(c, handshake);
	bool verified = false;
	if (c->dialogue.security.tls == CONFIG_TLS_VERIFY) {
		verified = tls_client_check(&c->channel, &expect, why);
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
