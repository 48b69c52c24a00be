#include "ctl/doctor/hop.h"

#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "common/tls/client.h"

enum { SUBMISSIONS_PORT = 465 };

static enum hop_fault refuses(const struct talk *t, const char *to, char *why)
{
	if (t->code)
		snprintf(why, TALK_WHY_MAX, _("it answers %s with \"%s\""), to, t->said);
	else
		snprintf(why, TALK_WHY_MAX, _("it gives no reply of SMTP to %s within %d s"), to, TALK_MS / 1000);
	return HOP_REFUSES;
}

/* With tls opportunistic, mail goes in clear to a host that offers no TLS. */
static enum hop_fault start_tls(struct talk *t, const struct hop *hop, char *why)
{
	enum config_tls level = config_outbound_tls(hop->outbound);
	if (!t->starttls && level > CONFIG_TLS_OPPORTUNISTIC) {
		snprintf(why, TALK_WHY_MAX, _("it offers no STARTTLS, which the configuration requires"));
		return HOP_WITHOUT_TLS;
	}
	if (!t->starttls || level == CONFIG_TLS_OFF)
		return HOP_GOOD;
	if (!talk_say(t, "STARTTLS") || t->code != 220)
		return refuses(t, "STARTTLS", why);
	if (!talk_secure(t, hop->tls, hop->outbound, hop->name, &hop->ip, why))
		return HOP_TLS_FAILS;
	return talk_hello(t, hop->hello, hop->outbound->use_helo) ? HOP_GOOD : refuses(t, _("EHLO in TLS"), why);
}

static enum hop_fault examine_auth(const struct talk *t, const struct hop *hop, char *why)
{
	static const char *const names[] = {[CONFIG_AUTH_PLAIN] = "PLAIN",
					    [CONFIG_AUTH_LOGIN] = "LOGIN",
					    [CONFIG_AUTH_SCRAM_SHA_256] = "SCRAM-SHA-256",
					    [CONFIG_AUTH_CRAM_MD5] = "CRAM-MD5",
					    [CONFIG_AUTH_GSSAPI] = "GSSAPI",
					    [CONFIG_AUTH_XOAUTH2] = "XOAUTH2",
					    [CONFIG_AUTH_OAUTHBEARER] = "OAUTHBEARER"};
	char wanted[40], clean[TALK_SAID_MAX];
	enum config_auth auth = hop->outbound->auth;
	if (auth == CONFIG_AUTH_OFF)
		return HOP_GOOD;
	snprintf(wanted, sizeof(wanted), " %s ", names[auth]);
	if (strcasestr(t->mechanisms, wanted))
		return HOP_GOOD;
	span_clean(span_trim(span_of(t->mechanisms)), clean, sizeof(clean));
	snprintf(why, TALK_WHY_MAX, _("it does not offer AUTH %s, which the configuration wants; it offers: %s"),
		 names[auth], clean[0] ? clean : _("no AUTH"));
	return HOP_WITHOUT_AUTH;
}

bool hop_prepare(struct hop *hop, char *why)
{
	char reason[TLS_CLIENT_WHY_MAX] = "";
	if (config_outbound_tls(hop->outbound) == CONFIG_TLS_OFF)
		return true;
	hop->tls = tls_channel_prepare() ? tls_client_context(hop->outbound, reason) : NULL;
	if (!hop->tls)
		snprintf(why, TALK_WHY_MAX, _("TLS can't be set up: %s"),
			 reason[0] ? reason : _("OpenSSL can't be used"));
	return hop->tls;
}

static bool is_implicit(const struct hop *hop)
{
	return hop->outbound && config_outbound_tls(hop->outbound) != CONFIG_TLS_OFF &&
	       (hop->outbound->implicit == CONFIG_YES ||
		(hop->outbound->implicit == CONFIG_AUTO && hop->port == SUBMISSIONS_PORT));
}

static enum hop_fault converse(struct talk *t, const struct hop *hop, char *why)
{
	bool implicit = is_implicit(hop);
	if (implicit && !talk_secure(t, hop->tls, hop->outbound, hop->name, &hop->ip, why))
		return HOP_TLS_FAILS;
	if (!talk_read(t) || t->code != 220)
		return refuses(t, _("the connection"), why);
	if (!hop->outbound)
		return HOP_GOOD;
	if (!talk_hello(t, hop->hello, hop->outbound->use_helo))
		return refuses(t, "EHLO", why);
	enum hop_fault fault = implicit ? HOP_GOOD : start_tls(t, hop, why);
	return fault == HOP_GOOD ? examine_auth(t, hop, why) : fault;
}

/* The address of source_address in the family of the host. False: there is none. */
static bool find_source(const struct hop *hop, struct ipaddr *out)
{
	const struct config_words *sources = hop->outbound ? &hop->outbound->source_address : NULL;
	for (size_t i = 0; sources && i < sources->n; i++)
		if (ipaddr_parse(span_of(sources->at[i]), out) && ipaddr_is_v4(out) == ipaddr_is_v4(&hop->ip))
			return true;
	return false;
}

enum hop_fault hop_examine(struct hop *hop, char *why)
{
	struct talk t;
	struct ipaddr source;
	enum hop_fault fault = HOP_UNREACHABLE;
	int err = talk_open(&t, find_source(hop, &source) ? &source : NULL, &hop->ip, hop->port);
	if (err)
		snprintf(why, TALK_WHY_MAX, _("it can't be reached: %s"), strerror(-err));
	else
		fault = converse(&t, hop, why);
	hop->size = t.size;
	if (fault == HOP_GOOD)
		talk_say(&t, "QUIT");
	talk_close(&t);
	return fault;
}
