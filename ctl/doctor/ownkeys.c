#include "ctl/doctor/ownkeys.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/language.h"

bool ownkeys_text(const struct dkim_key *key, struct str *to)
{
	struct str p;
	str_init(&p, 2 * DKIM_RECORD_KEY_MAX);
	bool good = dkim_key_public(key, &p) &&
		    str_printf(to, "v=DKIM1; k=%s; p=%s",
			       dkim_key_algorithm(key) == DKIM_ED25519_SHA256 ? "ed25519" : "rsa", str_text(&p));
	str_free(&p);
	return good;
}

uid_t ownkeys_owner(const struct config *config)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(config->user) : NULL;
	return user ? user->pw_uid : geteuid();
}

bool ownkeys_read(const char *file, uid_t owner, struct dkim_record *out, char *why)
{
	char fault[DKIM_RECORD_WHY_MAX];
	struct str text;
	struct dkim_key *key = dkim_key_load(file, owner, why);
	if (!key)
		return false;
	str_init(&text, 2 * DKIM_RECORD_KEY_MAX);
	bool good = ownkeys_text(key, &text) && dkim_record_parse(str_span(&text), out, fault);
	dkim_key_free(key);
	str_free(&text);
	if (!good)
		snprintf(why, DKIM_KEY_WHY_MAX, "%s", _("its public half can't be written"));
	return good;
}

static void add_block(const struct config_dkim *dkim, struct ownkeys *out)
{
	for (size_t i = 0; i < dkim->selector.n; i++) {
		const struct config_selector *selector = &dkim->selector.at[i];
		struct ownkey *key = &out->at[out->n++];
		*key = (struct ownkey){
			.dkim = dkim, .selector = selector->name, .file = selector->file, .at = &selector->origin};
		key->readable = ownkeys_read(key->file, out->owner, &key->record, key->why);
	}
}

void ownkeys_load(const struct config *config, struct ownkeys *out)
{
	size_t n = 0;
	for (size_t i = 0; i < config->server_count; i++)
		for (size_t j = 0; j < config->servers[i].dkim_count; j++)
			n += config->servers[i].dkims[j].selector.n;
	*out = (struct ownkeys){.at = calloc(n + 1, sizeof(*out->at)), .owner = ownkeys_owner(config)};
	for (size_t i = 0; out->at && i < config->server_count; i++)
		for (size_t j = 0; j < config->servers[i].dkim_count; j++)
			add_block(&config->servers[i].dkims[j], out);
}

void ownkeys_free(struct ownkeys *keys)
{
	free(keys->at);
	*keys = (struct ownkeys){.n = 0};
}
