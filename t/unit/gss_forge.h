/*
 * A forged ticket that no KDC would issue, sealed with a key that both the service and the forger know.
 * krb5_encrypt_tkt_part and encode_krb5_ticket are declared here, because krb5.h lacks them; the library exports them
 * for KDCs.
 */
#ifndef T_UNIT_GSS_FORGE_H
#define T_UNIT_GSS_FORGE_H

#include <check.h>
#include <krb5.h>
#include <string.h>
#include <time.h>

krb5_error_code krb5_encrypt_tkt_part(krb5_context context, const krb5_keyblock *key, krb5_ticket *ticket);
krb5_error_code encode_krb5_ticket(const krb5_ticket *ticket, krb5_data **to);

struct forge {
	const char *client, *service; /* principals with realms */
	int starts, ends;             /* seconds from now, inside the ticket */
	krb5_flags flags;
};

static inline krb5_keyblock forge_key(krb5_octet fill, krb5_octet octets[32])
{
	memset(octets, fill, 32);
	return (krb5_keyblock){.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96, .length = 32, .contents = octets};
}

/* A key tab of FORGE->service at PATH. */
static inline void forge_keytab(const struct forge *forge, const char *path)
{
	krb5_context context;
	krb5_keytab keytab;
	krb5_octet octets[32];
	krb5_keytab_entry entry = {.vno = 1, .key = forge_key(0x11, octets)};
	ck_assert_int_eq(krb5_init_context(&context), 0);
	ck_assert_int_eq(krb5_parse_name(context, forge->service, &entry.principal), 0);
	ck_assert_int_eq(krb5_kt_resolve(context, path, &keytab), 0);
	ck_assert_int_eq(krb5_kt_add_entry(context, keytab, &entry), 0);
	krb5_kt_close(context, keytab);
	krb5_free_principal(context, entry.principal);
	krb5_free_context(context);
}

static inline void forge_seal(krb5_context context, const struct forge *forge, krb5_creds *creds)
{
	krb5_octet octets[32];
	krb5_keyblock service = forge_key(0x11, octets);
	krb5_data *sealed;
	krb5_timestamp now = (krb5_timestamp)time(NULL);
	krb5_enc_tkt_part part = {.flags = forge->flags,
				  .session = &creds->keyblock,
				  .client = creds->client,
				  .transited = {.tr_type = KRB5_DOMAIN_X500_COMPRESS},
				  .times = {now + forge->starts, now + forge->starts, now + forge->ends, 0}};
	krb5_ticket ticket = {.server = creds->server, .enc_part.kvno = 1, .enc_part2 = &part};
	ck_assert_int_eq(krb5_encrypt_tkt_part(context, &service, &ticket), 0);
	ck_assert_int_eq(encode_krb5_ticket(&ticket, &sealed), 0);
	creds->ticket = *sealed;
	free(sealed);
	krb5_free_data_contents(context, &ticket.enc_part.ciphertext);
}

/* Puts the ticket into CACHE ("MEMORY:..."), from which a client uses it as a real one. */
static inline void forge_ticket(const struct forge *forge, const char *cache)
{
	krb5_context context;
	krb5_ccache to;
	krb5_octet octets[32];
	krb5_timestamp now = (krb5_timestamp)time(NULL);
	krb5_creds creds = {.keyblock = forge_key(0x22, octets), .times = {now - 60, now - 60, now + 3600, 0}};
	ck_assert_int_eq(krb5_init_context(&context), 0);
	ck_assert_int_eq(krb5_parse_name(context, forge->client, &creds.client), 0);
	ck_assert_int_eq(krb5_parse_name(context, forge->service, &creds.server), 0);
	forge_seal(context, forge, &creds);
	ck_assert_int_eq(krb5_cc_resolve(context, cache, &to), 0);
	ck_assert_int_eq(krb5_cc_initialize(context, to, creds.client), 0);
	ck_assert_int_eq(krb5_cc_store_cred(context, to, &creds), 0);
	krb5_cc_close(context, to);
	krb5_free_data_contents(context, &creds.ticket);
	krb5_free_principal(context, creds.client);
	krb5_free_principal(context, creds.server);
	krb5_free_context(context);
}

#endif
