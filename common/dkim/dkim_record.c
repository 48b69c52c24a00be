#include "common/dkim/dkim_record.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/language.h"

enum { ED25519_OCTETS = 32, CLEAN_MAX = 60 };

enum tag { TAG_V, TAG_H, TAG_K, TAG_P, TAG_S, TAG_T, TAG_COUNT, TAG_UNKNOWN = TAG_COUNT };

struct tags {
	struct span value[TAG_COUNT];
	bool given[TAG_COUNT];
	size_t n; /* unknown ones included */
};

static bool fault(char *why, const char *what, struct span value)
{
	char clean[CLEAN_MAX];
	span_quotable(value, clean, sizeof(clean));
	snprintf(why, DKIM_RECORD_WHY_MAX, "%s: \"%s\"", what, clean);
	return false;
}

static enum tag tag_of(struct span name)
{
	static const char letters[] = "vhkpst";
	const char *at = name.len == 1 && name.at[0] ? strchr(letters, name.at[0]) : NULL;
	return at ? (enum tag)(at - letters) : TAG_UNKNOWN;
}

/* SPEC: what stands between two ';'. */
static bool take_tag(struct span spec, struct tags *out, char *why)
{
	struct span value = spec, name = span_trim(span_take(&value, '='));
	enum tag tag = tag_of(name);
	bool first = !out->n++;
	if (!name.len || name.len == span_trim(spec).len)
		return fault(why, _("there is something that is no tag of the form name=value"), spec);
	if (tag == TAG_UNKNOWN)
		return true;
	if (out->given[tag])
		return fault(why, _("a tag stands there twice, so the record is invalid"), name);
	if (tag == TAG_V && !first)
		return fault(why, _("v is not the first tag"), spec);
	out->given[tag] = true;
	out->value[tag] = span_trim(value);
	return true;
}

/* A form of a DNS provider keeps what only a zone file needs. */
static bool has_zone_marks(struct span text)
{
	return span_find(text, '"') < text.len || span_find(text, '\\') < text.len;
}

static bool read_tags(struct span text, struct tags *out, char *why)
{
	*out = (struct tags){.n = 0};
	if (has_zone_marks(text))
		return fault(
			why,
			_("it contains quotation marks or backslashes, which belong to a zone file and not to the record"),
			text);
	while (text.len) {
		struct span spec = span_trim(span_take(&text, ';'));
		if (spec.len && !take_tag(spec, out, why))
			return false;
	}
	return true;
}

/* Whether the list "a : b" has WORD. */
static bool lists(struct span list, struct span word)
{
	while (list.len)
		if (span_equal_nocase(span_trim(span_take(&list, ':')), word))
			return true;
	return false;
}

/* The octets of base64 with white space in it; their number, 0 = it is none, or too long. */
static size_t decode(struct span text, char to[DKIM_RECORD_KEY_MAX])
{
	struct str packed;
	size_t n = 0;
	str_init(&packed, 2 * DKIM_RECORD_KEY_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (!memchr(" \t\r\n", text.at[i], 4))
			str_append_c(&packed, text.at[i]);
	bool good = !packed.failed && base64_decode(str_span(&packed), to, DKIM_RECORD_KEY_MAX, &n);
	str_free(&packed);
	return good ? n : 0;
}

/* A SubjectPublicKeyInfo, or, as some records have it, the RSAPublicKey alone. NULL: it is none of RSA. */
static EVP_PKEY *parse_rsa(const char *octets, size_t n)
{
	const unsigned char *at = (const unsigned char *)octets;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)n);
	if (!key) {
		at = (const unsigned char *)octets;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)n);
	}
	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) > 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* Replaces the N octets of OUT's key by its SubjectPublicKeyInfo. */
static bool take_rsa(struct dkim_record *out, size_t n)
{
	EVP_PKEY *key = parse_rsa(out->key, n);
	int len = key ? i2d_PUBKEY(key, NULL) : 0;
	bool good = len > 0 && len <= DKIM_RECORD_KEY_MAX;
	if (good) {
		unsigned char *to = (unsigned char *)out->key;
		out->key_len = (size_t)i2d_PUBKEY(key, &to);
		out->bits = (unsigned)EVP_PKEY_get_bits(key);
	}
	EVP_PKEY_free(key);
	return good;
}

static bool take_key(struct span text, struct dkim_record *out, char *why)
{
	size_t n = decode(text, out->key);
	if (out->ed25519 && n == ED25519_OCTETS)
		out->key_len = n;
	if (out->key_len || (n && !out->ed25519 && take_rsa(out, n)))
		return true;
	return fault(why, _("p is no public key; was it cut when it was published?"), text);
}

bool dkim_record_parse(struct span text, struct dkim_record *out, char *why)
{
	struct tags tags;
	*out = (struct dkim_record){.key_len = 0};
	if (!read_tags(text, &tags, why))
		return false;
	const struct span *value = tags.value;
	if (tags.given[TAG_V] && !span_equal(value[TAG_V], SPAN("DKIM1")))
		return fault(why, _("v is not DKIM1"), value[TAG_V]);
	if (!tags.given[TAG_P])
		return fault(why, _("there is no p, the key"), text);
	out->ed25519 = span_equal_nocase(value[TAG_K], SPAN("ed25519"));
	if (value[TAG_K].len && !out->ed25519 && !span_equal_nocase(value[TAG_K], SPAN("rsa")))
		return fault(why, _("k is neither rsa nor ed25519"), value[TAG_K]);
	out->testing = lists(value[TAG_T], SPAN("y"));
	out->strict = lists(value[TAG_T], SPAN("s"));
	out->sha1_only = value[TAG_H].len && !lists(value[TAG_H], SPAN("sha256"));
	out->not_email = value[TAG_S].len && !lists(value[TAG_S], SPAN("*")) && !lists(value[TAG_S], SPAN("email"));
	out->revoked = !value[TAG_P].len;
	return out->revoked || take_key(value[TAG_P], out, why);
}

bool dkim_record_same(const struct dkim_record *a, const struct dkim_record *b)
{
	return a->key_len && a->ed25519 == b->ed25519 &&
	       span_equal((struct span){a->key, a->key_len}, (struct span){b->key, b->key_len});
}
