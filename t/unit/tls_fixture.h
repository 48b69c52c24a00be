/* Certificates and keys, made at run time in files of a private folder; and a client independent of our code. */
#ifndef T_UNIT_TLS_FIXTURE_H
#define T_UNIT_TLS_FIXTURE_H

#include <dirent.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/tls/server.h"

enum { TLS_FIXTURE_PATH = 64 };

struct tls_fixture {
	char folder[TLS_FIXTURE_PATH];
	struct config_certificate list[TLS_FIXTURE_PATH];
	struct config_access access;
};

static inline void tls_fixture_must(bool so, const char *what)
{
	if (so)
		return;
	perror(what);
	abort();
}

static inline EVP_PKEY *tls_fixture_key(const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "ec") == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen((unsigned)atol(kind));
	tls_fixture_must(key, "key");
	return key;
}

/* NAMES as in openssl.cnf: "DNS:a.example,DNS:*.b.example". */
static inline X509 *tls_fixture_sign(EVP_PKEY *key, const char *common, const char *names)
{
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1,
				   0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	if (names) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
		X509_add_ext(x, extension, -1);
		X509_EXTENSION_free(extension);
	}
	tls_fixture_must(X509_sign(x, key, EVP_sha256()) > 0, "X509_sign");
	return x;
}

static inline FILE *tls_fixture_create(const struct tls_fixture *f, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	tls_fixture_must(file, path);
	return file;
}

static inline void tls_fixture_init(struct tls_fixture *f)
{
	*f = (struct tls_fixture){.access = {.tls_min = CONFIG_TLS_1_2}};
	snprintf(f->folder, sizeof(f->folder), "/tmp/test_tls.XXXXXX");
	tls_fixture_must(mkdtemp(f->folder), "mkdtemp");
	f->access.tls_certificate.at = f->list;
}

/* One more tls_certificate: its files are NAME.pem and NAME.key. KIND: "ec" or the bits of an RSA key. */
static inline void tls_fixture_add(struct tls_fixture *f, const char *name, const char *kind, const char *names)
{
	char path[PATH_MAX], file[TLS_FIXTURE_PATH];
	EVP_PKEY *key = tls_fixture_key(kind);
	X509 *x = tls_fixture_sign(key, name, names);
	struct config_certificate *to = &f->list[f->access.tls_certificate.n++];
	snprintf(file, sizeof(file), "%s.pem", name);
	FILE *out = tls_fixture_create(f, file, path);
	PEM_write_X509(out, x);
	fclose(out);
	to->certificate = strdup(path);
	snprintf(file, sizeof(file), "%s.key", name);
	out = tls_fixture_create(f, file, path);
	PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
	to->key = strdup(path);
	X509_free(x);
	EVP_PKEY_free(key);
}

static inline void tls_fixture_free(struct tls_fixture *f)
{
	DIR *dir = opendir(f->folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(f->folder);
	for (size_t i = 0; i < f->access.tls_certificate.n; i++) {
		free((char *)f->list[i].certificate);
		free((char *)f->list[i].key);
	}
}

#endif
