/* The Kerberos client of mailroot-delivery, between a real KDC and a host that GSSAPI makes without our code. */
#ifndef T_UNIT_GSS_CLIENT_FIXTURE_H
#define T_UNIT_GSS_CLIENT_FIXTURE_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include "delivery/auth/gss.h"
#include "t/unit/gss_kdc.h"
#include "t/unit/suite.h"

static struct kdc kdc;

static inline struct gss_client *load(const char *principal, const char *keytab, char why[GSS_WHY_MAX])
{
	char path[128];
	kdc_path(&kdc, keytab, path);
	return gss_client_load(principal, path, why, GSS_WHY_MAX);
}

static inline struct gss_client *must_load(void)
{
	char why[GSS_WHY_MAX] = "";
	struct gss_client *client = load("app/printer@EXAMPLE.COM", "client", why);
	ck_assert_msg(client != NULL, "%s", why);
	return client;
}

/* A host: smtp/mail.example.com, directly by GSSAPI. */
struct host {
	gss_cred_id_t credential;
	gss_ctx_id_t context;
	char client[128];
};

static inline void host_init(struct host *h)
{
	OM_uint32 minor;
	char keytab[128];
	kdc_path(&kdc, "service", keytab);
	gss_key_value_element_desc elements[] = {{"keytab", keytab}, {"rcache", "none:"}};
	gss_key_value_set_desc store = {2, elements};
	*h = (struct host){0};
	ck_assert_uint_eq(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, NULL, GSS_C_ACCEPT, &store,
						&h->credential, NULL, NULL),
			  GSS_S_COMPLETE);
}

static inline void host_free(struct host *h)
{
	OM_uint32 minor;
	gss_delete_sec_context(&minor, &h->context, GSS_C_NO_BUFFER);
	gss_release_cred(&minor, &h->credential);
}

static inline void take(gss_buffer_desc *from, struct str *to)
{
	OM_uint32 minor;
	str_clear(to);
	if (from->length)
		str_append(to, (struct span){from->value, from->length});
	gss_release_buffer(&minor, from);
}

static inline void host_accept(struct host *h, const struct str *token, struct str *reply)
{
	OM_uint32 minor;
	gss_name_t name;
	gss_buffer_desc in = {token->len, token->at}, out = GSS_C_EMPTY_BUFFER, text;
	OM_uint32 major = gss_accept_sec_context(&minor, &h->context, h->credential, &in, NULL, &name, NULL, &out, NULL,
						 NULL, NULL);
	ck_assert_uint_eq(major, GSS_S_COMPLETE);
	take(&out, reply);
	ck_assert_uint_eq(gss_display_name(&minor, name, &text, NULL), GSS_S_COMPLETE);
	snprintf(h->client, sizeof(h->client), "%.*s", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
}

static inline void host_offer(struct host *h, struct span layers, struct str *reply)
{
	OM_uint32 minor;
	gss_buffer_desc in = {layers.len, (void *)(uintptr_t)layers.at}, out = GSS_C_EMPTY_BUFFER;
	ck_assert_uint_eq(gss_wrap(&minor, h->context, 0, GSS_C_QOP_DEFAULT, &in, NULL, &out), GSS_S_COMPLETE);
	take(&out, reply);
}

static inline void host_check_choice(struct host *h, const struct str *token)
{
	OM_uint32 minor;
	gss_buffer_desc in = {token->len, token->at}, out = GSS_C_EMPTY_BUFFER;
	ck_assert_uint_eq(gss_unwrap(&minor, h->context, &in, &out, NULL, NULL), GSS_S_COMPLETE);
	ck_assert_uint_eq(out.length, 4);
	ck_assert_mem_eq(out.value, "\1\0\0\0", 4);
	gss_release_buffer(&minor, &out);
}

/* The exchange up to the choice of a layer from LAYERS. */
static inline enum gss_step talk(struct gss_client_exchange *x, struct span layers, char client[128])
{
	struct host h;
	struct str ours, theirs;
	host_init(&h);
	str_init(&ours, GSS_TOKEN_MAX);
	str_init(&theirs, GSS_TOKEN_MAX);
	enum gss_step last = gss_client_step(x, SPAN(""), &ours);
	if (last == GSS_MORE) {
		host_accept(&h, &ours, &theirs);
		last = gss_client_step(x, str_span(&theirs), &ours);
	}
	if (last == GSS_MORE) {
		ck_assert_uint_eq(ours.len, 0);
		host_offer(&h, layers, &theirs);
		last = gss_client_step(x, str_span(&theirs), &ours);
	}
	if (last == GSS_DONE)
		host_check_choice(&h, &ours);
	snprintf(client, 128, "%s", h.client);
	host_free(&h);
	str_free(&ours);
	str_free(&theirs);
	return last;
}

static inline void check_good_as(struct gss_client *client, const char *host, const char *principal)
{
	char name[128];
	struct gss_client_exchange *x = gss_client_begin(client, host);
	enum gss_step last = talk(x, SPAN("\1\0\0\0"), name);
	ck_assert_msg(last == GSS_DONE, "%s", gss_client_why(x));
	ck_assert_str_eq(name, principal);
	gss_client_end(x);
}

static inline void check_good(struct gss_client *client, const char *host)
{
	check_good_as(client, host, "app/printer@EXAMPLE.COM");
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
