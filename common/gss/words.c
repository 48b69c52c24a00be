#include "common/gss/words.h"

#include <gssapi/gssapi.h>
#include <krb5.h>
#include <string.h>

#include "common/base/str.h"

/* The remedies for an administrator. */
static const struct {
	krb5_error_code code;
	const char *remedy;
} remedies[] = {
	{KRB5KRB_AP_ERR_SKEW, "set the clocks of this host and the other one (NTP)"},
	{KRB5KRB_AP_ERR_TKT_NYV, "set the clocks of this host and the other one (NTP)"},
	{KRB5KRB_AP_ERR_TKT_EXPIRED, "the other side has to get a new ticket"},
	{KRB5KRB_AP_WRONG_PRINC, "the key tab has no key for the name that the client uses for this host"},
	{KRB5KRB_AP_ERR_NOT_US, "the key tab has no key for the name that the client uses for this host"},
	{KRB5_KT_NOTFOUND, "the key tab has no key of this name"},
	{KRB5KRB_AP_ERR_BADKEYVER, "the key was changed on the KDC after the key tab was written: write it again"},
	{KRB5_KT_KVNONOTFOUND, "the key was changed on the KDC after the key tab was written: write it again"},
	{KRB5KRB_AP_ERR_MODIFIED, "the key in the key tab is not the one on the KDC: write it again"},
	{KRB5KRB_AP_ERR_BAD_INTEGRITY, "the key in the key tab is not the one on the KDC: write it again"},
	{KRB5KDC_ERR_PREAUTH_FAILED, "the key in the key tab is not the one on the KDC: write it again"},
	{KRB5KRB_AP_ERR_NOKEY, "the key tab has no key of the ticket's encryption type: write it again"},
	{KRB5_NO_TKT_IN_RLM, "name the realm of the host in domain_realm of krb5.conf"},
	{KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, "is username the principal, with its realm?"},
	{KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN,
	 "the realm has no service smtp of this host: is the host's name written in full?"},
	{KRB5_KDC_UNREACH, "is the KDC up, and port 88 open to it?"},
	{KRB5_REALM_UNKNOWN, "name a KDC of the realm in krb5.conf, or have it in DNS; then restart the service"},
	{KRB5_REALM_CANT_RESOLVE, "does the KDC's name in krb5.conf have an address?"},
	{KRB5_CONFIG_NODEFREALM, "set default_realm in krb5.conf, or write the principal with its realm"},
};

static void append_status(struct str *to, OM_uint32 status, int kind)
{
	OM_uint32 minor, more = 0;
	for (int lines = 0; lines < 4; lines++) {
		gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
		if (gss_display_status(&minor, status, kind, GSS_C_NO_OID, &more, &text) != GSS_S_COMPLETE)
			return;
		str_append_text(to, to->len ? ": " : "");
		str_append_clean(to, (struct span){text.value, text.length});
		gss_release_buffer(&minor, &text);
		if (!more)
			return;
	}
}

static const char *remedy_of(OM_uint32 minor)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if ((OM_uint32)remedies[i].code == minor)
			return remedies[i].remedy;
	return NULL;
}

/* The major code is unspecific ("Unspecified GSS failure") where there is a minor one. */
void gss_words(uint32_t major, uint32_t minor, char *to, size_t size)
{
	struct str words;
	const char *remedy = remedy_of(minor);
	str_init(&words, 4096);
	if (!minor || GSS_ROUTINE_ERROR(major) != GSS_S_FAILURE)
		append_status(&words, major, GSS_C_GSS_CODE);
	if (minor)
		append_status(&words, minor, GSS_C_MECH_CODE);
	if (remedy)
		str_printf(&words, "; %s", remedy);
	span_clean(str_span(&words), to, size);
	str_free(&words);
}

void gss_words_krb5(krb5_context context, krb5_error_code code, char *to, size_t size)
{
	const char *remedy = remedy_of((OM_uint32)code), *message = krb5_get_error_message(context, code);
	struct str words;
	str_init(&words, 4096);
	str_append_clean(&words, span_of(message));
	if (remedy)
		str_printf(&words, "; %s", remedy);
	span_clean(str_span(&words), to, size);
	str_free(&words);
	krb5_free_error_message(context, message);
}
