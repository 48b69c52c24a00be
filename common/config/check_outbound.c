/* Outbound blocks that would never send mail, or would send a password to a host that is not verified. */
#include <string.h>

#include "common/base/language.h"
#include "common/config/check.h"
#include "common/config/oauth.h"

/* An outbound block, and the hosts that are written in the same block as it. */
struct block {
	const struct config_outbound *o;
	const struct config_outbound
		*parent; /* the block whose values it inherits; NULL for that of the virtual server */
	const struct config_hosts *hosts;
	const char *hosts_name; /* the setting that names the hosts */
	bool to_smart_host;     /* its mail goes to the smart host of the virtual server */
};

struct check {
	struct config_build *b;
	const struct config_server *server;
	const struct block *block;
};

/* MEMBER is written in this block itself, not inherited. */
#define OWN(block, member)                                                                                             \
	((block)->o->member##_at.line &&                                                                               \
	 (!(block)->parent || (block)->o->member##_at.token != (block)->parent->member##_at.token))

#define REFUSE(c, origin, ...) config_error((c)->b->findings, config_build_at((c)->b, (c)->server, origin), __VA_ARGS__)

/* Block I of SERVER; the first is that of the virtual server. False after the last. */
static bool block_at(const struct config_server *server, size_t i, struct block *out)
{
	const struct config_outbound *whole = &server->outbound;
	if (i == 0) {
		*out = (struct block){.o = whole, .hosts = &server->smart_host, .hosts_name = "smart_host"};
		return true;
	}
	*out = (struct block){.parent = whole, .hosts_name = "route"};
	size_t remotes = server->remote_domain_count;
	const struct config_remote_domain *remote = i <= remotes ? &server->remote_domains[i - 1] : NULL;
	if (!remote && i > remotes + server->connector_count)
		return false;
	const struct config_route *route = remote ? &remote->route : &server->connectors[i - remotes - 1].route;
	out->o = remote ? &remote->outbound : &server->connectors[i - remotes - 1].outbound;
	out->hosts = &route->hosts;
	/* With connectors it is unknown which mail goes to the smart host. */
	out->to_smart_host =
		remote && !route->dns && !route->hosts.n && server->smart_host.n && !server->connector_count;
	return true;
}

/* Hosts must prove their identity to get mail. */
static bool verifies(const struct config_outbound *o)
{
	return config_outbound_tls(o) == CONFIG_TLS_VERIFY;
}

static bool requires_tls(const struct config_outbound *o)
{
	return o->tls == CONFIG_TLS_ENCRYPT || verifies(o);
}

static bool uses_tls(const struct config_outbound *o)
{
	return o->tls != CONFIG_TLS_OFF;
}

/* USES is true for one of the blocks that may inherit from that of SERVER. */
static bool any(const struct config_server *server, bool (*uses)(const struct config_outbound *))
{
	struct block block;
	for (size_t i = 0; block_at(server, i, &block); i++)
		if (uses(block.o))
			return true;
	return false;
}

/* Reports a setting that only some values of tls use if no block has such a value. */
static void check_use(const struct check *c, bool own, struct config_origin origin, const char *name,
		      bool (*uses)(const struct config_outbound *), const char *cure)
{
	const struct block *block = c->block;
	bool used = block->parent ? uses(block->o) : any(c->server, uses);
	if (own && !used && !config_build_failed(c->b, &block->o->tls))
		REFUSE(c, origin, _("%s has no effect here: %s"), name, cure);
}

static void check_tls(const struct check *c)
{
	const struct block *block = c->block;
	const struct config_outbound *o = block->o;
	bool named = OWN(block, tls_name) && o->auth != CONFIG_AUTH_GSSAPI;
	check_use(c, named, o->tls_name_at, "tls_name", verifies, _("only tls verify checks the name"));
	check_use(c, OWN(block, tls_ca), o->tls_ca_at, "tls_ca", verifies, _("only tls verify checks the authority"));
	check_use(c, OWN(block, tls_fingerprint) && o->tls_fingerprint.n, o->tls_fingerprint_at, "tls_fingerprint",
		  verifies, _("tls is off; write tls verify"));
	check_use(c, OWN(block, tls_missing) && o->tls_missing == CONFIG_TLS_MISSING_RETURN, o->tls_missing_at,
		  "tls_missing", requires_tls,
		  _("mail is sent in clear if TLS is missing; write tls encrypt or tls verify"));
	check_use(c, OWN(block, implicit) && o->implicit == CONFIG_YES, o->implicit_at, "implicit", uses_tls,
		  _("tls is off"));
	check_use(c, OWN(block, client_certificate) && o->client_certificate.n, o->client_certificate_at,
		  "client_certificate", uses_tls, _("tls is off"));
}

/* STARTTLS and AUTH are extensions, which a host does not offer after HELO. */
static void check_helo(const struct check *c)
{
	const struct block *block = c->block;
	const struct config_outbound *o = block->o;
	bool own = !block->parent || OWN(block, use_helo) || OWN(block, tls) || OWN(block, tls_fingerprint);
	if (!o->use_helo || (block->to_smart_host && c->server->outbound.auth != CONFIG_AUTH_OFF))
		return;
	if (o->auth != CONFIG_AUTH_OFF)
		REFUSE(c, o->auth_at, _("auth needs EHLO, and use_helo is yes: write use_helo no here"));
	else if (own && requires_tls(o) && o->implicit != CONFIG_YES)
		REFUSE(c, OWN(block, use_helo) ? o->use_helo_at : o->tls_at,
		       _("TLS is required here, which needs EHLO, and use_helo is yes: write use_helo no, or tls off"));
}

/* Credentials are for hosts that are written in the same block, not for hosts that DNS names. */
static void check_hosts(const struct check *c)
{
	const struct block *block = c->block;
	struct config_origin at = block->o->auth_at;
	if (!block->hosts->n) {
		REFUSE(c, at,
		       _("there are no hosts to authenticate to: credentials are sent only to the hosts of %s in the same block, never to hosts found by MX; write %s [HOST]"),
		       block->hosts_name, block->hosts_name);
		return;
	}
	for (size_t i = 0; i < block->hosts->n; i++) {
		const struct config_host *host = &block->hosts->at[i];
		if (host->kind == CONFIG_HOST_MX)
			REFUSE(c, host->origin,
			       _("%s would be looked up by MX, and credentials are not sent to hosts found by MX: write [%s]"),
			       host->name, host->name);
	}
}

static void check_password(const struct check *c)
{
	const struct config_outbound *o = c->block->o;
	bool kerberos = o->auth == CONFIG_AUTH_GSSAPI;
	if (!o->username && !config_build_failed(c->b, &o->username))
		REFUSE(c, o->auth_at, "%s",
		       kerberos ? _("auth needs username, the Kerberos principal")
				: _("auth needs username in the same block"));
	if (!o->password_file && !config_build_failed(c->b, &o->password_file))
		REFUSE(c, o->auth_at, "%s",
		       kerberos ? _("auth needs password_file, the path of the key tab of username")
				: _("auth needs password_file, the path of a file whose first line is the password"));
	if (!verifies(o) && !o->auth_unverified && !config_build_failed(c->b, &o->tls) &&
	    !config_build_failed(c->b, &o->tls_fingerprint))
		REFUSE(c, o->auth_at,
		       _("auth needs tls verify or tls_fingerprint: without them an impostor of the host would get the password; to accept this risk, write auth_unverified yes"));
}

/* check_oauth.c has what access tokens need instead of a password. */
static void check_auth(const struct check *c)
{
	if (!config_oauth_used(c->block->o))
		check_password(c);
	if (!config_build_failed(c->b, c->block->hosts))
		check_hosts(c);
}

static void check_no_auth(const struct check *c)
{
	const struct config_outbound *o = c->block->o;
	const char *cure = _(
		"there is no auth here; write auth login (or plain, scram-sha-256, cram-md5, gssapi, xoauth2, oauthbearer)");
	if (o->username)
		REFUSE(c, o->username_at, _("username has no effect: %s"), cure);
	if (o->password_file)
		REFUSE(c, o->password_file_at, _("password_file has no effect: %s"), cure);
	if (o->auth_unverified)
		REFUSE(c, o->auth_unverified_at, _("auth_unverified has no effect: %s"), cure);
}

/* ADDRESS, the value of NAME, is the sender for the hosts of the same block, so there must be some. */
static void check_sender(const struct check *c, const char *name, const char *address, struct config_origin at)
{
	const struct block *block = c->block;
	if (address && !block->hosts->n && !config_build_failed(c->b, block->hosts))
		REFUSE(c, at,
		       _("%s has no effect here: it applies to the hosts of %s in the same block, and there are none; write %s [HOST]"),
		       name, block->hosts_name, block->hosts_name);
}

static void check_send_as(const struct check *c)
{
	const struct config_outbound *o = c->block->o;
	const char *cure = _("there is no send_as here; write send_as ADDRESS, the mailbox that may send");
	check_sender(c, "send_as", o->send_as, o->send_as_at);
	check_sender(c, "notice_sender", o->notice_sender, o->notice_sender_at);
	if ((o->send_as || o->notice_sender) && !c->block->parent && c->server->direct_first)
		REFUSE(c, o->send_as ? o->send_as_at : o->notice_sender_at,
		       _("with direct_first yes the hosts of other domains would get this sender too: remove one of the two settings"));
	if (o->send_as || o->notice_sender)
		return;
	if (!o->send_as_header)
		REFUSE(c, o->send_as_header_at, _("send_as_header has no effect: %s"), cure);
	if (!o->send_as_keep_name)
		REFUSE(c, o->send_as_keep_name_at, _("send_as_keep_name has no effect: %s"), cure);
	if (!o->send_as_reply_to)
		REFUSE(c, o->send_as_reply_to_at, _("send_as_reply_to has no effect: %s"), cure);
}

/* If the smart host needs authentication and the settings of this block prevent it, its mail would never be sent. */
static void check_smart_host(const struct check *c)
{
	const struct block *block = c->block;
	const struct config_outbound *whole = &c->server->outbound;
	if (!block->to_smart_host || whole->auth == CONFIG_AUTH_OFF)
		return;
	if (OWN(block, use_helo) && block->o->use_helo)
		REFUSE(c, block->o->use_helo_at,
		       _("this mail goes to the smart host, and authentication there needs EHLO"));
	else if (OWN(block, tls) && !verifies(block->o) && verifies(whole) && !whole->auth_unverified)
		REFUSE(c, block->o->tls_at,
		       _("this mail goes to the smart host, and authentication there needs tls verify"));
}

void config_check_outbound(struct config_build *b, const struct config_server *server)
{
	struct block block;
	for (size_t i = 0; block_at(server, i, &block); i++) {
		const struct check c = {b, server, &block};
		check_tls(&c);
		check_helo(&c);
		check_smart_host(&c);
		if (!config_build_failed(b, &block.o->send_as))
			check_send_as(&c);
		if (config_build_failed(b, &block.o->auth))
			continue;
		if (block.o->auth == CONFIG_AUTH_OFF)
			check_no_auth(&c);
		else
			check_auth(&c);
	}
}
