/* mailrootctl dkim sign */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/dkim/dkim_block.h"
#include "common/dkim/key.h"
#include "common/mail/dot.h"
#include "common/mail/fields.h"
#include "ctl/dkim/dkim.h"
#include "ctl/doctor/ownkeys.h"
#include "ctl/message_file.h"
#include "ctl/translate.h"

enum { SIGNATURES_MAX = DKIM_SELECTORS_MAX * DKIM_SIGNATURE_FIELD_MAX };

/* The message as it would be sent: each line end is CRLF, and the last line has one. */
struct message {
	const char *file;
	struct str text;
	struct span header; /* without the empty line */
	struct span rest;   /* that line, and the body */
};

static void split(struct message *m)
{
	struct span text = str_span(&m->text);
	size_t end = 0;
	fields_end(text, true, &end);
	m->header = (struct span){text.at, end};
	m->rest = span_skip(text, end);
}

/* False: the reason was printed. */
static bool read_message(struct message *m)
{
	if (!message_file_read(m->file, &m->text))
		return false;
	split(m);
	return true;
}

/* Folds long lines as delivery does: with its dots, which are taken out again. False: no memory. */
static bool fold(struct message *m)
{
	struct dot_writer writer = {.line_max = DOT_LINE_MAX};
	struct dot_reader reader = {.state = 0};
	size_t in = m->text.len, len = 0;
	char *dots = malloc(2 * in + 16), *folded = malloc(4 * in + 64);
	if (dots && folded) {
		size_t n = dot_write(&writer, str_span(&m->text), dots);
		n += dot_write_end(&writer, dots + n);
		dot_read(&reader, (struct span){dots, n}, folded, &len);
		str_clear(&m->text);
		str_append(&m->text, (struct span){folded, len});
		split(m);
	}
	free(dots);
	free(folded);
	return reader.ended && !m->text.failed;
}

/* The block that signs for DOMAIN, of the server that is asked for, or of the first that has one. */
static const struct config_dkim *find_block(const struct ctl *ctl, const struct config *config, struct span domain,
					    bool *folds)
{
	const char *name = ctl->options.server;
	const struct config_dkim *dkim = NULL;
	for (size_t i = 0; i < config->server_count && !dkim; i++) {
		const struct config_server *server = &config->servers[i];
		if (name[0] ? span_equal_nocase(span_of(server->name), span_of(name)) : server->enabled)
			dkim = config_dkim_find(server, domain);
		*folds = server->outbound.fold_lines;
	}
	return dkim;
}

static const struct config_dkim *choose(const struct ctl *ctl, const struct config *config, const struct message *m,
					bool *folds)
{
	const char *why;
	const struct config_dkim *dkim = NULL;
	struct str domain;
	str_init(&domain, DOMAIN_MAX);
	if (ctl->options.server[0] && !config_server_find(config, span_of(ctl->options.server)))
		cmd_fail(_("there is no virtual server %s in %s"), ctl->options.server, ctl->options.file);
	else if (!dkim_fields_from(m->header, &domain, &why))
		cmd_fail(_("%s can't be signed: %s"), m->file, _(why));
	else if (!(dkim = find_block(ctl, config, str_span(&domain), folds)))
		cmd_fail(
			_("%s is not signed: no block dkim has %s, the domain in From; `mailrootctl dkim keygen %s` begins"),
			m->file, str_text(&domain), str_text(&domain));
	str_free(&domain);
	return dkim;
}

/* The keys of DKIM, which the caller frees. False: the reason was printed. */
static bool load_keys(const struct config_dkim *dkim, uid_t owner, struct dkim_key *keys[DKIM_SELECTORS_MAX],
		      struct dkim_selector selectors[DKIM_SELECTORS_MAX])
{
	char why[DKIM_KEY_WHY_MAX];
	for (size_t i = 0; i < dkim->selector.n; i++) {
		const struct config_selector *selector = &dkim->selector.at[i];
		keys[i] = dkim_key_load(selector->file, owner, why);
		if (!keys[i]) {
			cmd_fail(_("%s:%u: the key %s can't be used: %s"), selector->origin.file, selector->origin.line,
				 selector->file, translate_text(span_of(why)).at);
			return false;
		}
		selectors[i] = (struct dkim_selector){selector->name, dkim_key_algorithm(keys[i])};
	}
	return true;
}

/* Appends the fields DKIM-Signature. NULL, or why there are none. */
static const char *sign(const struct config_dkim *dkim, struct dkim_key *const *keys, struct dkim_sign *s,
			const struct message *m, struct str *fields)
{
	uint8_t hash[DKIM_HASH], signature[DKIM_SIGNATURE_MAX];
	const char *why;
	size_t len;
	if (!dkim_sign_header(s, m->header, &why))
		return why ? why : N_("out of memory");
	dkim_sign_body(s, m->rest);
	for (size_t i = 0; i < dkim->selector.n; i++) {
		if (!dkim_sign_hash(s, i, hash, &why))
			return why ? why : N_("out of memory");
		if (!dkim_key_sign(keys[i], hash, signature, &len))
			return N_("OpenSSL can't sign with the key");
		dkim_sign_field(s, i, (struct span){(const char *)signature, len}, fields);
	}
	return fields->failed ? N_("out of memory") : NULL;
}

static int print(const struct str *fields, const struct message *m)
{
	int err = fd_write_all(STDOUT_FILENO, str_span(fields));
	if (!err)
		err = fd_write_all(STDOUT_FILENO, str_span(&m->text));
	return err ? cmd_fail(_("standard output: %s"), strerror(-err)) : EXIT_DONE;
}

static int sign_by(const struct config_dkim *dkim, uid_t owner, const struct message *m)
{
	struct dkim_key *keys[DKIM_SELECTORS_MAX] = {NULL};
	struct dkim_selector selectors[DKIM_SELECTORS_MAX];
	struct str fields;
	int status = EXIT_FAILED;
	str_init(&fields, SIGNATURES_MAX);
	if (load_keys(dkim, owner, keys, selectors)) {
		const struct dkim_params params = dkim_block_params(dkim, selectors, 0);
		struct dkim_sign *s = dkim_sign_begin(&params);
		const char *why = s ? sign(dkim, keys, s, m, &fields) : N_("out of memory");
		dkim_sign_end(s);
		status = why ? cmd_fail(_("%s can't be signed: %s"), m->file, _(why)) : print(&fields, m);
	}
	for (size_t i = 0; i < DKIM_SELECTORS_MAX; i++)
		dkim_key_free(keys[i]);
	str_free(&fields);
	return status;
}

int dkim_sign_file(const struct ctl *ctl, const struct config *config)
{
	struct message m = {.file = ctl->args[0]};
	bool folds = false;
	const struct config_dkim *dkim = read_message(&m) ? choose(ctl, config, &m, &folds) : NULL;
	int status = EXIT_FAILED;
	if (dkim && folds && !fold(&m))
		cmd_fail(_("out of memory"));
	else if (dkim)
		status = sign_by(dkim, ownkeys_owner(config), &m);
	str_free(&m.text);
	return status;
}
