#include "ctl/doctor/dkim.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/language.h"
#include "common/base/str.h"

enum { KEY_MAX = 4096, ED25519_OCTETS = 32, TAGS = 6 };

/* The tags of a record; of two with one name the last one counts. */
struct tags {
	struct span v, h, k, p, s, t;
	bool has_p;
};

static bool fault(char *why, const char *what, struct span value)
{
	char clean[60];
	span_clean(value, clean, sizeof(clean));
	snprintf(why, DKIM_WHY_MAX, "%s: \"%s\"", what, clean);
	return false;
}

static void take_tag(struct span name, struct span value, struct tags *out)
{
	const struct {
		const char *name;
		struct span *value;
	} known[TAGS] = {{"v", &out->v}, {"h", &out->h}, {"k", &out->k},
			 {"p", &out->p}, {"s", &out->s}, {"t", &out->t}};
	for (size_t i = 0; i < TAGS; i++)
		if (span_equal(name, span_of(known[i].name)))
			*known[i].value = value;
	out->has_p |= span_equal(name, SPAN("p"));
}

/* Whether the list "a : b" has WORD. */
static bool lists(struct span list, struct span word)
{
	while (list.len)
		if (span_equal_nocase(span_trim(span_take(&list, ':')), word))
			return true;
	return false;
}

/* The octets of base64 with white space in it; their number, 0 = it is none. */
static size_t decode(struct span text, char to[KEY_MAX])
{
	struct str packed;
	size_t n = 0;
	str_init(&packed, 2 * KEY_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (!memchr(" \t\r\n", text.at[i], 4))
			str_append_c(&packed, text.at[i]);
	bool good = !packed.failed && base64_decode(str_span(&packed), to, KEY_MAX, &n);
	str_free(&packed);
	return good ? n : 0;
}

/* A SubjectPublicKeyInfo, or, as many records have it, the RSAPublicKey alone. */
static unsigned rsa_bits(struct span key)
{
	const unsigned char *at = (const unsigned char *)key.at;
	EVP_PKEY *parsed = d2i_PUBKEY(NULL, &at, (long)key.len);
	if (!parsed) {
		at = (const unsigned char *)key.at;
		parsed = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)key.len);
	}
	int bits = parsed && EVP_PKEY_get_base_id(parsed) == EVP_PKEY_RSA ? EVP_PKEY_get_bits(parsed) : 0;
	EVP_PKEY_free(parsed);
	return bits > 0 ? (unsigned)bits : 0;
}

static bool judge_key(struct span text, struct dkim_key *out, char *why)
{
	char key[KEY_MAX];
	size_t n = decode(text, key);
	if (n && !out->ed25519)
		out->bits = rsa_bits((struct span){key, n});
	if (out->ed25519 ? n == ED25519_OCTETS : out->bits != 0)
		return true;
	return fault(why, _("p is no public key; was it cut when it was published?"), text);
}

bool dkim_parse(struct span text, struct dkim_key *out, char *why)
{
	struct tags tags = {.has_p = false};
	struct span rest = text;
	*out = (struct dkim_key){.bits = 0};
	while (rest.len) {
		struct span value = span_take(&rest, ';'), name = span_trim(span_take(&value, '='));
		take_tag(name, span_trim(value), &tags);
	}
	if (tags.v.len && !span_equal(tags.v, SPAN("DKIM1")))
		return fault(why, _("v is not DKIM1"), tags.v);
	if (!tags.has_p)
		return fault(why, _("there is no p, the key"), text);
	out->ed25519 = span_equal_nocase(tags.k, SPAN("ed25519"));
	if (tags.k.len && !out->ed25519 && !span_equal_nocase(tags.k, SPAN("rsa")))
		return fault(why, _("k is neither rsa nor ed25519"), tags.k);
	out->testing = lists(tags.t, SPAN("y"));
	out->sha1_only = tags.h.len && !lists(tags.h, SPAN("sha256"));
	out->not_email = tags.s.len && !lists(tags.s, SPAN("*")) && !lists(tags.s, SPAN("email"));
	out->revoked = !tags.p.len;
	return out->revoked || judge_key(tags.p, out, why);
}
