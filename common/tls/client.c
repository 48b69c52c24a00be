#include "common/tls/client.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/ipc/tlsa.h"
#include "common/tls/authorities.h"

enum {
	FINGERPRINT_OCTETS = 32,
	FINGERPRINT_TEXT = 2 * FINGERPRINT_OCTETS + 1,
	NAMES_SHOWN = 3,     /* names shown of a certificate that does not match */
	NAME_SHOWN_MAX = 60, /* octets of each */
	CHAIN_DEPTH_MAX = 10,
	DEMANDED_LEVEL = 1 /* OpenSSL's security level: at least 80 bits */
};

/* Also permitted for opportunistic TLS: an old cipher is better than no encryption. */
#define ANY_CIPHER "DEFAULT:!aNULL:!eNULL:!EXPORT:@SECLEVEL=0"

static bool has(const char *path)
{
	return path && *path;
}

static bool wants_authorities(const struct config_outbound *outbound)
{
	return config_outbound_tls(outbound) == CONFIG_TLS_VERIFY && outbound->tls_fingerprint.n == 0;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_certificates(const struct config_certificates *a, const struct config_certificates *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_text(a->at[i].certificate, b->at[i].certificate) || !same_text(a->at[i].key, b->at[i].key))
			return false;
	return true;
}

bool tls_client_same_context(const struct config_outbound *a, const struct config_outbound *b)
{
	return config_outbound_tls(a) == config_outbound_tls(b) && wants_authorities(a) == wants_authorities(b) &&
	       (!wants_authorities(a) || same_text(a->tls_ca, b->tls_ca)) &&
	       same_certificates(&a->client_certificate, &b->client_certificate);
}

/* The first error that OpenSSL kept; a file that can't be opened has its own error. */
static const char *reason(void)
{
	unsigned long first = ERR_get_error();
	const char *text =
		ERR_GET_LIB(first) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(first)) : ERR_reason_error_string(first);
	ERR_clear_error();
	return text ? text : N_("unknown error");
}

/*
 * A revocation list that is present counts; an authority without a list is not checked. All other results of OpenSSL
 * stay.
 */
static int without_list(int good, X509_STORE_CTX *context)
{
	if (good || X509_STORE_CTX_get_error(context) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return good;
	X509_STORE_CTX_set_error(context, X509_V_OK);
	return 1;
}

static bool has_lists(X509_STORE *store)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++)
		if (X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL)
			return true;
	return false;
}

static bool load_authorities(SSL_CTX *context, const char *path, char *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	bool named = has(path);
	if (!named)
		path = authorities_path();
	if (!path) {
		snprintf(why, TLS_CLIENT_WHY_MAX,
			 N_("the system has no file of authorities (%s); install ca-certificates or set tls_ca"),
			 authorities_usual());
		return false;
	}
	if (fd_may_hang(path)) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't read the authorities of %s: it is no regular file"), path);
		return false;
	}
	if (X509_STORE_load_file(store, path) != 1) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't read the authorities of %s: %s"), path, reason());
		return false;
	}
	/* Every listed authority is trusted, even one below an authority that is not listed. */
	if (named)
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	if (has_lists(store)) {
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
		X509_STORE_set_verify_cb(store, without_list);
	}
	return true;
}

static bool load_certificate(SSL_CTX *context, const struct config_certificate *pair, char *why)
{
	const char *odd = fd_may_hang(pair->certificate) ? pair->certificate : pair->key;
	if (fd_may_hang(odd)) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't use client_certificate: %s: it is no regular file"), odd);
		return false;
	}
	if (SSL_CTX_use_certificate_chain_file(context, pair->certificate) != 1) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't use client_certificate %s: %s"), pair->certificate,
			 reason());
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(context, pair->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't use the key %s of client_certificate %s: %s"), pair->key,
			 pair->certificate, reason());
		return false;
	}
	return true;
}

static bool set_up(SSL_CTX *context, const struct config_outbound *outbound, char *why)
{
	bool any = config_outbound_tls(outbound) == CONFIG_TLS_OPPORTUNISTIC;
	if (SSL_CTX_set_min_proto_version(context, any ? TLS1_VERSION : TLS1_2_VERSION) != 1 ||
	    (any && SSL_CTX_set_cipher_list(context, ANY_CIPHER) != 1)) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't set up TLS: %s"), reason());
		return false;
	}
	if (any)
		SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
	/* The handshake never fails because of the certificate: tls_client_check verifies it, with a better message. */
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_verify_depth(context, CHAIN_DEPTH_MAX);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_dane_enable(context) != 1) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("can't set up DANE: %s"), reason());
		return false;
	}
	if (wants_authorities(outbound) && !load_authorities(context, outbound->tls_ca, why))
		return false;
	for (size_t i = 0; i < outbound->client_certificate.n; i++)
		if (!load_certificate(context, &outbound->client_certificate.at[i], why))
			return false;
	return true;
}

struct ssl_ctx_st *tls_client_context(const struct config_outbound *outbound, char why[TLS_CLIENT_WHY_MAX])
{
	*why = '\0';
	if (outbound->tls == CONFIG_TLS_OFF)
		return NULL;
	ERR_clear_error();
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	if (!context) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("no memory for TLS"));
		return NULL;
	}
	if (set_up(context, outbound, why))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

bool tls_client_name(struct tls_channel *c, const struct tls_client_expect *expect)
{
	char name[TLS_PEER_MAX];
	if (!expect->name.len || !span_copy(expect->name, name, sizeof(name)))
		return true;
	return SSL_set_tlsext_host_name(c->ssl, name) == 1;
}

bool tls_client_demand(struct tls_channel *c)
{
	SSL_set_security_level(c->ssl, DEMANDED_LEVEL);
	return SSL_set_min_proto_version(c->ssl, TLS1_2_VERSION) == 1 &&
	       SSL_set_cipher_list(c->ssl, OSSL_default_cipher_list()) == 1;
}

bool tls_client_dane(struct tls_channel *c, struct span names, struct span records)
{
	char name[TLS_PEER_MAX];
	struct tlsa record;
	int got;
	if (!span_copy(span_take(&names, ','), name, sizeof(name)) || SSL_dane_enable(c->ssl, name) != 1)
		return false;
	while (names.len)
		if (!span_copy(span_take(&names, ','), name, sizeof(name)) || SSL_add1_host(c->ssl, name) != 1)
			return false;
	/* A host that is identified by its own certificate or key needs no name and no date (RFC 7672 3.1.1). */
	SSL_dane_set_flags(c->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_hostflags(c->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	while ((got = tlsa_next(&records, &record)) == 1)
		if (SSL_dane_tlsa_add(c->ssl, (uint8_t)record.usage, (uint8_t)record.selector, (uint8_t)record.matching,
				      record.digest, tlsa_len(&record)) != 1)
			return false;
	return got == 0;
}

bool tls_client_check_dane(const struct tls_channel *c, char why[TLS_CLIENT_WHY_MAX])
{
	long result = SSL_get_verify_result(c->ssl);
	*why = '\0';
	if (result == X509_V_OK && SSL_get0_dane_authority(c->ssl, NULL, NULL) >= 0)
		return true;
	const char *reason = result == X509_V_ERR_DANE_NO_MATCH || result == X509_V_OK
				     ? N_("it is none of those that its owner published")
				     : X509_verify_cert_error_string(result);
	snprintf(
		why, TLS_CLIENT_WHY_MAX,
		N_("certificate does not match the host's TLSA records in DNS (DANE): %s; its owner must update one of them, or set tls_fingerprint, which overrules the records"),
		reason);
	return false;
}

static bool fingerprint_of(const X509 *certificate, char out[FINGERPRINT_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1 || len != FINGERPRINT_OCTETS)
		return false;
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static bool pinned(const struct config_words *fingerprints, const char *fingerprint)
{
	for (size_t i = 0; i < fingerprints->n; i++)
		if (strcmp(fingerprints->at[i], fingerprint) == 0)
			return true;
	return false;
}

/* Appends untrusted text of a certificate, cleaned for a log. */
static void show_name(const unsigned char *at, int len, struct str *to)
{
	for (int i = 0; i < len && i < NAME_SHOWN_MAX; i++)
		str_printf(to, "%c", at[i] > ' ' && at[i] < 0x7f ? at[i] : '?');
}

/* Appends some names of the certificate. */
static void show_names(const X509 *certificate, struct str *to)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int shown = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		str_append_text(to, shown++ ? ", " : "");
		show_name(ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName), to);
	}
	GENERAL_NAMES_free(names);
	if (shown)
		return;
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *common = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	if (common)
		show_name(ASN1_STRING_get0_data(common), ASN1_STRING_length(common), to);
	else
		str_append_text(to, "nobody");
}

static bool holds(X509 *certificate, const struct tls_client_expect *expect)
{
	if (expect->name.len)
		return X509_check_host(certificate, expect->name.at, expect->name.len,
				       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	if (!expect->ip)
		return false;
	char text[IPADDR_TEXT_MAX];
	ipaddr_format(expect->ip, text);
	return X509_check_ip_asc(certificate, text, 0) == 1;
}

static void say_whose(const X509 *certificate, const struct tls_client_expect *expect, const char *fingerprint,
		      char *why)
{
	char ip[IPADDR_TEXT_MAX] = "the host";
	struct str names;
	if (expect->ip)
		ipaddr_format(expect->ip, ip);
	struct span wanted = expect->name.len ? expect->name : span_of(ip);
	if (wanted.len > NAME_SHOWN_MAX)
		wanted.len = NAME_SHOWN_MAX;
	str_init(&names, NAMES_SHOWN * (NAME_SHOWN_MAX + 2) + 1);
	show_names(certificate, &names);
	snprintf(why, TLS_CLIENT_WHY_MAX,
		 N_("certificate is for %.*s, not %.*s; set tls_name if that is the host, or tls_fingerprint %s"),
		 SPAN_ARGS(str_span(&names)), SPAN_ARGS(wanted), fingerprint);
	str_free(&names);
}

static void say_untrusted(long result, const char *fingerprint, char *why)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_REVOKED:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		snprintf(why, TLS_CLIENT_WHY_MAX, "%s; %s", X509_verify_cert_error_string(result),
			 result == X509_V_ERR_CRL_HAS_EXPIRED || result == X509_V_ERR_CRL_NOT_YET_VALID
				 ? N_("renew the list in tls_ca")
				 : N_("its owner must renew it"));
		return;
	default:
		snprintf(
			why, TLS_CLIENT_WHY_MAX,
			N_("certificate is from an unknown authority (%s); add its authority to tls_ca, or set tls_fingerprint %s"),
			X509_verify_cert_error_string(result), fingerprint);
	}
}

bool tls_client_check(const struct tls_channel *c, const struct tls_client_expect *expect, char why[TLS_CLIENT_WHY_MAX])
{
	X509 *certificate = SSL_get0_peer_certificate(c->ssl);
	char fingerprint[FINGERPRINT_TEXT];
	*why = '\0';
	if (!certificate || !fingerprint_of(certificate, fingerprint)) {
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("the host sent no certificate"));
		return false;
	}
	if (expect->fingerprints.n) {
		if (pinned(&expect->fingerprints, fingerprint))
			return true;
		snprintf(why, TLS_CLIENT_WHY_MAX, N_("certificate has another fingerprint than tls_fingerprint: %s"),
			 fingerprint);
		return false;
	}
	long result = SSL_get_verify_result(c->ssl);
	if (result != X509_V_OK) {
		say_untrusted(result, fingerprint, why);
		return false;
	}
	if (holds(certificate, expect))
		return true;
	say_whose(certificate, expect, fingerprint, why);
	return false;
}
