/* A GSSAPI client for tests of smtpd: plain Kerberos, or SPNEGO as in Windows. */
#ifndef T_UNIT_GSS_PEER_H
#define T_UNIT_GSS_PEER_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include "common/base/str.h"
#include "gss_kdc.h"

/* A client that has its keys in a key tab. */
struct gss_peer {
	gss_cred_id_t credential;
	gss_name_t target;
	gss_ctx_id_t context;
	gss_OID mechanism;
	OM_uint32 flags;
	bool complete;
};

static inline gss_name_t peer_name(const char *text, gss_OID type)
{
	OM_uint32 minor;
	gss_name_t name;
	gss_buffer_desc in = {strlen(text), (void *)(uintptr_t)text};
	ck_assert_uint_eq(gss_import_name(&minor, &in, type, &name), GSS_S_COMPLETE);
	return name;
}

static inline void peer_acquire(struct gss_peer *p, const char *principal, const char *service, const char *keytab,
				const char *cache)
{
	OM_uint32 minor;
	gss_key_value_element_desc elements[] = {{"ccache", cache}, {"client_keytab", keytab}};
	gss_key_value_set_desc store = {keytab ? 2 : 1, elements};
	gss_name_t name = peer_name(principal, GSS_KRB5_NT_PRINCIPAL_NAME);
	*p = (struct gss_peer){.mechanism = (gss_OID)(uintptr_t)gss_mech_krb5,
			       .flags = GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG};
	p->target = peer_name(service, GSS_KRB5_NT_PRINCIPAL_NAME);
	ck_assert_uint_eq(gss_acquire_cred_from(&minor, name, GSS_C_INDEFINITE, NULL, GSS_C_INITIATE, &store,
						&p->credential, NULL, NULL),
			  GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
}

/* Tickets of PRINCIPAL for SERVICE ("smtp/mail.example.com"). */
static inline void peer_init(struct gss_peer *p, const struct kdc *k, const char *principal, const char *service)
{
	char keytab[128], cache[128];
	kdc_path(k, "client", keytab);
	snprintf(cache, sizeof(cache), "MEMORY:%s", principal);
	peer_acquire(p, principal, service, keytab, cache);
}

static inline void peer_free(struct gss_peer *p)
{
	OM_uint32 minor;
	gss_delete_sec_context(&minor, &p->context, GSS_C_NO_BUFFER);
	gss_release_name(&minor, &p->target);
	gss_release_cred(&minor, &p->credential);
}

/* The next token to the server; false when the library refuses. */
static inline bool peer_step(struct gss_peer *p, struct span token, struct str *out)
{
	OM_uint32 minor;
	gss_buffer_desc in = {token.len, (void *)(uintptr_t)token.at}, made = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = gss_init_sec_context(&minor, p->credential, &p->context, p->target, p->mechanism, p->flags, 0,
					       NULL, &in, NULL, &made, NULL, NULL);
	str_clear(out);
	if (made.length)
		str_append(out, (struct span){made.value, made.length});
	gss_release_buffer(&minor, &made);
	p->complete = major == GSS_S_COMPLETE;
	return !GSS_ERROR(major);
}

/* Unwraps the offer of security layers in TOKEN, and answers with LAYER and AUTHZID. */
static inline void peer_answer(struct gss_peer *p, struct span token, char layer, const char *authzid, struct str *out)
{
	OM_uint32 minor;
	int sealed;
	gss_buffer_desc in = {token.len, (void *)(uintptr_t)token.at}, clear = GSS_C_EMPTY_BUFFER,
			made = GSS_C_EMPTY_BUFFER;
	ck_assert_uint_eq(gss_unwrap(&minor, p->context, &in, &clear, &sealed, NULL), GSS_S_COMPLETE);
	ck_assert_uint_eq(clear.length, 4);
	ck_assert_mem_eq(clear.value, "\1\0\0\0", 4);
	gss_release_buffer(&minor, &clear);
	str_clear(out);
	str_append(out, (struct span){(char[]){layer, 0, 0, 0}, 4});
	str_append_text(out, authzid);
	in = (gss_buffer_desc){out->len, out->at};
	ck_assert_uint_eq(gss_wrap(&minor, p->context, 0, GSS_C_QOP_DEFAULT, &in, NULL, &made), GSS_S_COMPLETE);
	str_clear(out);
	str_append(out, (struct span){made.value, made.length});
	gss_release_buffer(&minor, &made);
}

#endif
