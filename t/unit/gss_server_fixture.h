/* The Kerberos of smtpd between a real KDC and a client that GSSAPI makes without our code. */
#ifndef T_UNIT_GSS_SERVER_FIXTURE_H
#define T_UNIT_GSS_SERVER_FIXTURE_H

#include "smtpd/auth/gss.h"
#include "t/unit/gss_peer.h"
#include "t/unit/suite.h"

static struct kdc kdc;

static inline struct gss_server *load(const char *keytab, const char *principal, char why[GSS_WHY_MAX])
{
	char path[128];
	kdc_path(&kdc, keytab, path);
	struct config_access access = {.keytab = path, .principal = principal};
	return gss_server_load(&access, why, GSS_WHY_MAX);
}

static inline struct gss_server *must_load(void)
{
	char why[GSS_WHY_MAX] = "";
	struct gss_server *server = load("service", NULL, why);
	ck_assert_msg(server != NULL, "%s", why);
	return server;
}

struct pair {
	struct gss_server *server;
	struct gss_peer peer;
	struct gss_exchange *x;
	struct str to_server, to_peer;
	enum gss_step last;
};

static inline void pair_init(struct pair *p, const char *client, const char *realm)
{
	*p = (struct pair){.server = must_load()};
	peer_init(&p->peer, &kdc, client, "smtp/mail.example.com");
	p->x = gss_begin(p->server, realm);
	str_init(&p->to_server, GSS_TOKEN_MAX);
	str_init(&p->to_peer, GSS_TOKEN_MAX);
}

static inline void pair_free(struct pair *p)
{
	gss_end(p->x);
	gss_server_free(p->server);
	peer_free(&p->peer);
	str_free(&p->to_server);
	str_free(&p->to_peer);
}

/* The exchange until both have a context and the server has offered its security layer. */
static inline enum gss_step establish(struct pair *p)
{
	p->last = GSS_MORE;
	while (!p->peer.complete && p->last == GSS_MORE) {
		ck_assert(peer_step(&p->peer, str_span(&p->to_peer), &p->to_server));
		p->last = gss_step(p->x, str_span(&p->to_server), &p->to_peer);
	}
	return p->last;
}

static inline enum gss_step finish(struct pair *p, char layer, const char *authzid)
{
	if (establish(p) != GSS_MORE)
		return p->last;
	peer_answer(&p->peer, str_span(&p->to_peer), layer, authzid, &p->to_server);
	return gss_step(p->x, str_span(&p->to_server), &p->to_peer);
}

static inline void start(void)
{
	kdc_start(&kdc);
}

static inline void stop(void)
{
	kdc_stop(&kdc);
}

#endif
