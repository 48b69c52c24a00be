#include "common/dkim/sign.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/language.h"
#include "common/mail/dot.h"

enum { PIECE = 16 * 1024 };

struct dkim_sign {
	const struct dkim_params *params;
	EVP_MD_CTX *header; /* has the fields of h= */
	EVP_MD_CTX *body;
	bool broken;     /* a hash failed: no memory */
	struct str text; /* the header as it is sent; fields points into it */
	struct dkim_fields fields;
	struct dot_writer lines; /* of the body, as it is sent */
	size_t separator;        /* octets of the empty line in front of the body so far */
	bool no_separator;       /* what follows the header is no empty line */
	struct dkim_canon_body canon;
	uint8_t body_hash[DKIM_HASH];
	bool body_done;
	char sent[2 * PIECE + 2]; /* a piece of the body as it is sent */
};

/* A canonical text that is hashed. */
struct hashed {
	EVP_MD_CTX *ctx;
	bool *broken;
};

static void hash_text(void *context, struct span text)
{
	const struct hashed *to = context;
	if (EVP_DigestUpdate(to->ctx, text.at, text.len) != 1)
		*to->broken = true;
}

static EVP_MD_CTX *new_hash(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

bool dkim_sign_prepare(void)
{
	EVP_MD_CTX *ctx = new_hash();
	EVP_MD_CTX_free(ctx);
	return ctx != NULL;
}

struct dkim_sign *dkim_sign_begin(const struct dkim_params *params)
{
	struct dkim_sign *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct dkim_sign){
		.params = params,
		.header = new_hash(),
		.body = new_hash(),
		.lines = {.line_max = params->line_max, .plain = true},
		.canon = {.how = params->body},
	};
	str_init(&s->text, 2 * DKIM_HEADER_MAX);
	if (s->header && s->body)
		return s;
	dkim_sign_end(s);
	return NULL;
}

void dkim_sign_end(struct dkim_sign *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->header);
	EVP_MD_CTX_free(s->body);
	str_free(&s->text);
	free(s);
}

/* HEADER as it is sent, to s->text. */
static bool take_header(struct dkim_sign *s, struct span header)
{
	struct dot_writer lines = {.line_max = s->params->line_max, .plain = true};
	char end[5];
	while (header.len) {
		struct span piece = {header.at, header.len < PIECE ? header.len : PIECE};
		str_append(&s->text, (struct span){s->sent, dot_write(&lines, piece, s->sent)});
		header = span_skip(header, piece.len);
	}
	return str_append(&s->text, (struct span){end, dot_write_end(&lines, end)});
}

static void hash_fields(struct dkim_sign *s)
{
	struct hashed to = {s->header, &s->broken};
	const struct dkim_canon_sink sink = {hash_text, &to};
	for (size_t i = 0; i < s->fields.n; i++) {
		if (!s->fields.at[i].whole.len)
			continue;
		dkim_canon_field(s->params->header, s->fields.at[i].whole, &sink);
		hash_text(&to, SPAN("\r\n"));
	}
}

bool dkim_sign_header(struct dkim_sign *s, struct span header, const char **why)
{
	if (header.len > DKIM_HEADER_MAX) {
		*why = N_("its header has more than 262144 octets");
		return false;
	}
	if (!take_header(s, header)) {
		*why = NULL;
		return false;
	}
	if (!dkim_fields_select(str_span(&s->text), s->params->names, s->params->oversign, &s->fields, why))
		return false;
	hash_fields(s);
	return true;
}

/* Takes the empty line off the front of *text. */
static void skip_separator(struct dkim_sign *s, struct span *text)
{
	const char *separator = "\r\n";
	while (text->len && s->separator < 2 && !s->no_separator) {
		s->no_separator = text->at[0] != separator[s->separator++];
		*text = span_skip(*text, 1);
	}
}

static void hash_body(struct dkim_sign *s, struct span sent)
{
	struct hashed to = {s->body, &s->broken};
	skip_separator(s, &sent);
	dkim_canon_body(&s->canon, sent, &(struct dkim_canon_sink){hash_text, &to});
}

void dkim_sign_body(struct dkim_sign *s, struct span piece)
{
	while (piece.len) {
		struct span part = {piece.at, piece.len < PIECE ? piece.len : PIECE};
		hash_body(s, (struct span){s->sent, dot_write(&s->lines, part, s->sent)});
		piece = span_skip(piece, part.len);
	}
}

static void end_body(struct dkim_sign *s)
{
	struct hashed to = {s->body, &s->broken};
	if (s->body_done)
		return;
	hash_body(s, (struct span){s->sent, dot_write_end(&s->lines, s->sent)});
	dkim_canon_body_end(&s->canon, &(struct dkim_canon_sink){hash_text, &to});
	if (EVP_DigestFinal_ex(s->body, s->body_hash, NULL) != 1)
		s->broken = true;
	s->body_done = true;
}

void dkim_sign_field(const struct dkim_sign *s, size_t which, struct span signature, struct str *to)
{
	const struct dkim_params *p = s->params;
	const struct dkim_signature field = {
		.algorithm = p->selectors[which].algorithm,
		.header = p->header,
		.body = p->body,
		.domain = span_of(p->domain),
		.selector = span_of(p->selectors[which].name),
		.time_s = p->now_s,
		.expire_s = p->expire_s ? p->now_s + p->expire_s : 0,
		.fields = &s->fields,
		.body_hash = s->body_hash,
	};
	dkim_signature_write(&field, signature, to);
}

/* The hash of all fields of h= and of the DKIM-Signature field itself. */
static void hash_header(struct dkim_sign *s, size_t which, uint8_t hash[DKIM_HASH])
{
	struct str field;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct hashed to = {ctx, &s->broken};
	str_init(&field, DKIM_SIGNATURE_FIELD_MAX);
	dkim_sign_field(s, which, (struct span){0}, &field);
	if (field.failed || !ctx || EVP_MD_CTX_copy_ex(ctx, s->header) != 1)
		s->broken = true;
	else
		dkim_canon_field(s->params->header, str_span(&field), &(struct dkim_canon_sink){hash_text, &to});
	if (!s->broken && EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		s->broken = true;
	EVP_MD_CTX_free(ctx);
	str_free(&field);
}

bool dkim_sign_hash(struct dkim_sign *s, size_t which, uint8_t hash[DKIM_HASH], const char **why)
{
	end_body(s);
	if (s->no_separator || s->separator == 1) {
		*why = N_("no empty line ends its header");
		return false;
	}
	hash_header(s, which, hash);
	if (s->broken)
		*why = NULL;
	return !s->broken;
}
