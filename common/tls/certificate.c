#include "common/tls/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/accounts/secret.h"
#include "common/base/fd.h"
#include "common/base/language.h"

enum {
	TEXT_MAX = 16384, /* two paths of 4,096 octets, each of which may become four */
	RSA_BITS_MIN = 2048,
	DAY_S = 86400,
	DATE_MAX = 16
};

/* The listener of one call, and whether it got an error. */
struct report {
	const struct certificate_listener *to;
	bool failed;
};

__attribute__((format(printf, 3, 4))) static void say(struct report *report, enum certificate_grade grade,
						      const char *format, ...)
{
	struct str text, clean;
	va_list args;
	str_init(&text, TEXT_MAX);
	str_init(&clean, (size_t)4 * TEXT_MAX);
	va_start(args, format);
	str_vprintf(&text, format, args);
	va_end(args);
	str_append_clean(&clean, str_span(&text));
	report->failed |= grade == CERTIFICATE_ERROR;
	report->to->say(report->to->context, grade, str_text(&clean));
	str_free(&text);
	str_free(&clean);
}

/* Whether the sandbox of the service is likely to hide PATH. */
static bool is_private(const char *path)
{
	static const char *const folders[] = {"/home/", "/root/", "/tmp/", "/var/tmp/"};
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

static void say_unreadable(struct report *report, const char *what, const char *path, int err)
{
	if (report->to->guest && err == EACCES)
		say(report, CERTIFICATE_NOTE, _("%s %s was not examined: you may not read it; run the command as root"),
		    what, path);
	else
		say(report, CERTIFICATE_ERROR, _("%s %s can't be read: %s%s"), what, path, strerror(err),
		    is_private(path)
			    ? _(". The systemd unit hides /home, /root and the files of others in /tmp from the service: put it into /etc")
			    : "");
}

/* Reads a regular file of at most MAX; 0 or -errno. The caller owns *OUT and wipes it. */
static int read_whole(const char *path, size_t max, struct stat *file, struct str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int err = fd < 0 || fstat(fd, file) ? -errno : 0;
	str_init(out, max);
	if (!err && !S_ISREG(file->st_mode))
		err = S_ISDIR(file->st_mode) ? -EISDIR : -EINVAL;
	if (!err && file->st_size > (off_t)max)
		err = -EFBIG;
	/* Reserved at once: a buffer that grows would leave pieces of a key behind. */
	if (!err && file->st_size) {
		out->at = calloc(1, (size_t)file->st_size + 1);
		out->cap = (size_t)file->st_size + 1;
		ssize_t got = out->at ? pread(fd, out->at, (size_t)file->st_size, 0) : -1;
		err = got < 0 ? -errno : 0;
		out->len = got < 0 ? 0 : (size_t)got;
	}
	fd_close(&fd);
	return err;
}

static BIO *over(struct span text)
{
	return BIO_new_mem_buf(text.len ? text.at : "", (int)text.len);
}

/* Reports why TEXT has no certificate, with the remedy. */
static void say_no_pem(struct report *report, const char *what, const char *path, struct span text)
{
	bool binary = text.len > 2 && (unsigned char)text.at[0] == 0x30 && (unsigned char)text.at[1] >= 0x80;
	if (!text.len)
		say(report, CERTIFICATE_ERROR, _("%s %s is empty"), what, path);
	else if (memmem(text.at, text.len, "PRIVATE KEY-----", 16))
		say(report, CERTIFICATE_ERROR,
		    _("%s %s holds a private key and no certificate: were the two files exchanged?"), what, path);
	else if (binary)
		say(report, CERTIFICATE_ERROR,
		    _("%s %s is not PEM but binary, maybe a PFX of Windows; openssl pkcs12 -in FILE -nokeys -out mail.pem extracts the certificates of one, and -nocerts -noenc -out mail.key the key"),
		    what, path);
	else
		say(report, CERTIFICATE_ERROR, _("%s %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
		    what, path);
}

/* Reads all certificates in TEXT, at most MAX. NULL when there is none or one is broken, which is reported. */
static STACK_OF(X509) * read_chain(struct report *report, const char *what, const char *path, struct span text, int max)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = over(text);
	X509 *one;
	ERR_clear_error();
	while (chain && bio && sk_X509_num(chain) < max && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!sk_X509_push(chain, one))
			X509_free(one);
	}
	unsigned long error = ERR_peek_last_error();
	bool end = !error || ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
	int n = chain ? sk_X509_num(chain) : 0;
	if (!end)
		say(report, CERTIFICATE_ERROR,
		    _("%s %s is broken: its certificate number %d can't be read; copy the file again"), what, path,
		    n + 1);
	else if (!n)
		say_no_pem(report, what, path, text);
	ERR_clear_error();
	BIO_free(bio);
	if (n && end)
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

/* OpenSSL's callback for the passphrase of a key: there is none. */
static int no_passphrase(char *to, int size, int writing, void *asked)
{
	(void)to;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* NULL when it can't be used, which is reported. */
static EVP_PKEY *read_key(struct report *report, const char *path, struct span text)
{
	bool asked = false;
	BIO *bio = over(text);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;
	ERR_clear_error();
	BIO_free(bio);
	if (asked)
		say(report, CERTIFICATE_ERROR,
		    _("key %s is encrypted with a passphrase, which nobody can type at the start of a service: openssl pkey -in FILE -out NEWFILE removes it"),
		    path);
	else if (!key && !text.len)
		say(report, CERTIFICATE_ERROR, _("key %s is empty"), path);
	else if (!key)
		say(report, CERTIFICATE_ERROR,
		    _("key %s holds no readable private key in PEM (-----BEGIN PRIVATE KEY-----)"), path);
	return asked ? (EVP_PKEY_free(key), NULL) : key;
}

static void judge_fit(struct report *report, const struct certificate *c, const char *key_path, EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(c->chain); i++) {
		if (X509_check_private_key(sk_X509_value(c->chain, i), key) != 1)
			continue;
		if (i > 0)
			say(report, CERTIFICATE_ERROR,
			    _("key %s belongs to certificate number %d in %s: the server's own certificate must come first, then its issuer's, and so on"),
			    key_path, i + 1, c->path);
		ERR_clear_error();
		return;
	}
	ERR_clear_error();
	say(report, CERTIFICATE_ERROR,
	    _("key %s does not fit certificate %s: they were not made together; name the key with which the certificate was requested"),
	    key_path, c->path);
}

static void judge_strength(struct report *report, const struct certificate *c)
{
	X509 *own = sk_X509_value(c->chain, 0);
	const EVP_PKEY *key = X509_get0_pubkey(own);
	int digest = NID_undef;
	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		say(report, CERTIFICATE_WARNING,
		    _("certificate %s has an RSA key of %d bits, which others refuse as too short: create one of %d bits, or an ECDSA key"),
		    c->path, EVP_PKEY_get_bits(key), RSA_BITS_MIN);
	if (X509_get_signature_info(own, &digest, NULL, NULL, NULL) && (digest == NID_md5 || digest == NID_sha1))
		say(report, CERTIFICATE_WARNING,
		    _("certificate %s is signed with %s, which others refuse: request a new one"), c->path,
		    OBJ_nid2sn(digest));
	ERR_clear_error();
}

static void judge_purpose(struct report *report, const struct certificate *c, enum certificate_use use)
{
	static const struct {
		int purpose;
		const char *word;
	} uses[] = {
		[CERTIFICATE_SERVER] = {X509_PURPOSE_SSL_SERVER, "serverAuth"},
		[CERTIFICATE_CLIENT] = {X509_PURPOSE_SSL_CLIENT, "clientAuth"},
	};
	if (X509_check_purpose(sk_X509_value(c->chain, 0), uses[use].purpose, 0) != 1)
		say(report, CERTIFICATE_WARNING,
		    _("certificate %s was not issued for this use (its extended key usage lacks %s): others may refuse it"),
		    c->path, uses[use].word);
	ERR_clear_error();
}

static void judge_order(struct report *report, const struct certificate *c)
{
	struct str name;
	for (int i = 1; i < sk_X509_num(c->chain); i++) {
		X509 *lower = sk_X509_value(c->chain, i - 1), *upper = sk_X509_value(c->chain, i);
		if (X509_check_issued(upper, lower) == X509_V_OK)
			continue;
		str_init(&name, TEXT_MAX);
		certificate_subject(upper, &name);
		say(report, CERTIFICATE_WARNING,
		    _("certificate %s: number %d in it (%s) did not issue number %d: the server's own certificate comes first, and each one is followed by its issuer's"),
		    c->path, i + 1, str_text(&name), i);
		str_free(&name);
		break;
	}
	ERR_clear_error();
}

static void judge_key(struct report *report, const struct certificate *c, const char *path, struct span text)
{
	EVP_PKEY *key = read_key(report, path, text);
	if (key && c->chain)
		judge_fit(report, c, path, key);
	EVP_PKEY_free(key);
}

static void judge_certificate(struct report *report, struct certificate *c, struct span text, enum certificate_use use)
{
	c->chain = read_chain(report, _("certificate"), c->path, text, CERTIFICATE_CHAIN_MAX);
	if (!c->chain)
		return;
	judge_strength(report, c);
	judge_purpose(report, c, use);
	judge_order(report, c);
}

bool certificate_judge(const char *path, struct span certificate, const char *key_path, struct span key,
		       enum certificate_use use, const struct certificate_listener *to, struct certificate *out)
{
	struct report report = {.to = to};
	*out = (struct certificate){.path = strdup(path)};
	if (!out->path)
		return false;
	judge_certificate(&report, out, certificate, use);
	judge_key(&report, out, key_path, key);
	return !report.failed;
}

bool certificate_examine(const char *path, const char *key_path, enum certificate_use use,
			 const struct certificate_listener *to, struct certificate *out)
{
	struct report report = {.to = to};
	struct stat file;
	struct str text;
	char who[SECRET_WHO_MAX];
	*out = (struct certificate){.path = strdup(path)};
	if (!out->path)
		return false;
	int err = read_whole(path, CERTIFICATE_FILE_MAX, &file, &text);
	if (err)
		say_unreadable(&report, _("certificate"), path, -err);
	else
		judge_certificate(&report, out, str_span(&text), use);
	str_wipe(&text);
	err = read_whole(key_path, CERTIFICATE_FILE_MAX, &file, &text);
	if (err)
		say_unreadable(&report, _("key"), key_path, -err);
	else
		judge_key(&report, out, key_path, str_span(&text));
	if (!err && secret_is_open(&file, false, who))
		say(&report, CERTIFICATE_WARNING, _("key %s may be read by %s: chmod 600 %s"), key_path, who, key_path);
	str_wipe(&text);
	return !report.failed;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
	struct tm tm;
	if (!ASN1_TIME_to_tm(time, &tm))
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

static void date_text(int64_t s, char to[DATE_MAX])
{
	time_t time = (time_t)s;
	struct tm tm;
	if (!gmtime_r(&time, &tm) || !strftime(to, DATE_MAX, "%Y-%m-%d", &tm))
		to[0] = '\0';
}

/* WHAT is "certificate /etc/ssl/mail.pem". */
static void judge_dates(struct report *report, const char *what, X509 *certificate, int64_t now_s)
{
	const char *remedy = _("renew it, then: mailrootctl reload");
	char date[DATE_MAX];
	int64_t from, until;
	if (!seconds_of(X509_get0_notBefore(certificate), &from) ||
	    !seconds_of(X509_get0_notAfter(certificate), &until)) {
		say(report, CERTIFICATE_WARNING, _("%s has an invalid date: %s"), what, remedy);
		return;
	}
	int64_t days = (until - now_s) / DAY_S;
	date_text(until, date);
	if (now_s > until)
		say(report, CERTIFICATE_WARNING, _("%s expired on %s: %s"), what, date, remedy);
	else if (until - now_s <= (int64_t)CERTIFICATE_SOON_DAYS * DAY_S)
		say(report, CERTIFICATE_WARNING,
		    ngettext("%s expires on %s, in %lld day: %s", "%s expires on %s, in %lld days: %s",
			     (unsigned long)days),
		    what, date, (long long)days, remedy);
	date_text(from, date);
	if (now_s < from)
		say(report, CERTIFICATE_WARNING, _("%s is not valid before %s: is the clock of this host right?"), what,
		    date);
}

void certificate_dates(const struct certificate *c, int64_t now_s, const struct certificate_listener *to)
{
	struct report report = {.to = to};
	struct str what;
	for (int i = 0; i < (c->chain ? sk_X509_num(c->chain) : 0); i++) {
		str_init(&what, TEXT_MAX);
		str_printf(&what, _("certificate %s"), c->path);
		if (i) {
			str_printf(&what, _(": number %d in it ("), i + 1);
			certificate_subject(sk_X509_value(c->chain, i), &what);
			str_append_c(&what, ')');
		}
		judge_dates(&report, str_text(&what), sk_X509_value(c->chain, i), now_s);
		str_free(&what);
	}
	ERR_clear_error();
}

int64_t certificate_until(const struct certificate *c)
{
	int64_t first = 0, until;
	for (int i = 0; i < (c->chain ? sk_X509_num(c->chain) : 0); i++) {
		if (seconds_of(X509_get0_notAfter(sk_X509_value(c->chain, i)), &until) && (!first || until < first))
			first = until;
	}
	ERR_clear_error();
	return first;
}

void certificate_name_missing(const struct certificate *all, size_t n, const char *name,
			      const struct certificate_listener *to)
{
	struct report report = {.to = to};
	struct str held;
	size_t readable = 0;
	str_init(&held, TEXT_MAX);
	for (size_t i = 0; i < n && !certificate_covers(&all[i], name); i++) {
		if (all[i].chain && readable++)
			str_append_text(&held, ", ");
		certificate_names(&all[i], &held);
		if (i + 1 == n && readable)
			say(&report, CERTIFICATE_WARNING,
			    _("no tls_certificate has the name %s (fqdn), only %s: clients that verify names refuse it, unless they use another name; request a certificate with this name"),
			    name, str_text(&held));
	}
	str_free(&held);
}

void certificate_free(struct certificate *c)
{
	sk_X509_pop_free(c->chain, X509_free);
	free(c->path);
	*c = (struct certificate){0};
}

bool certificate_authorities(const char *what, const char *path, const struct certificate_listener *to)
{
	struct report report = {.to = to};
	struct stat file;
	struct str text;
	int err = read_whole(path, CERTIFICATE_AUTHORITIES_MAX, &file, &text);
	if (err)
		say_unreadable(&report, what, path, -err);
	else
		sk_X509_pop_free(read_chain(&report, what, path, str_span(&text), INT_MAX), X509_free);
	str_wipe(&text);
	return !report.failed;
}
