/* Whose a certificate is: its hosts, its subject. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/tls/certificate.h"

enum { NAME_SHOWN_MAX = 100, NAMES_SHOWN = 8 };

void certificate_subject(const X509 *certificate, struct str *to)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *at;
	if (memory && X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE) >= 0) {
		long len = BIO_get_mem_data(memory, &at);
		str_append(to, (struct span){at, len < NAME_SHOWN_MAX ? (size_t)len : NAME_SHOWN_MAX});
	}
	BIO_free(memory);
}

bool certificate_covers(const struct certificate *c, const char *name)
{
	bool covers = c->chain && X509_check_host(sk_X509_value(c->chain, 0), name, 0,
						  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	ERR_clear_error();
	return covers;
}

void certificate_names(const struct certificate *c, struct str *to)
{
	GENERAL_NAMES *names = NULL;
	int shown = 0;
	if (!c->chain)
		return;
	names = X509_get_ext_d2i(sk_X509_value(c->chain, 0), NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		struct span text = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
				    (size_t)ASN1_STRING_length(name->d.dNSName)};
		str_append_text(to, shown++ ? ", " : "");
		str_append_clean(to, (struct span){text.at, text.len < NAME_SHOWN_MAX ? text.len : NAME_SHOWN_MAX});
	}
	GENERAL_NAMES_free(names);
	if (!shown)
		certificate_subject(sk_X509_value(c->chain, 0), to);
	ERR_clear_error();
}
