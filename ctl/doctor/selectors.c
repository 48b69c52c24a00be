#include "ctl/doctor/selectors.h"

#include <stdio.h>

#include "common/base/language.h"
#include "ctl/doctor/texts.h"

/* A key that does not exist: only a wildcard has a record for it. */
#define NO_SELECTOR "mailroot-asks-for-no-such-key"

const char *const selectors_usual[] = {"default", "mail", "dkim", "selector1", "selector2", "google",
				       "s1",      "s2",   "k1",   "mta",       NULL};

const char *selectors_word(enum selector_state state)
{
	static const char *const words[] = {
		[SELECTOR_UNKNOWN] = N_("DNS gives no answer"),      [SELECTOR_ABSENT] = N_("not published"),
		[SELECTOR_UNUSABLE] = N_("published, but unusable"), [SELECTOR_REVOKED] = N_("revoked"),
		[SELECTOR_OTHER] = N_("published, but another key"), [SELECTOR_GOOD] = N_("published")};
	return words[state];
}

bool selectors_accepted(const struct selector *found)
{
	const struct dkim_record *key = &found->record;
	return found->state == SELECTOR_GOOD && found->count == 1 && !key->not_email && !key->sha1_only &&
	       (key->ed25519 || key->bits >= DKIM_RECORD_RSA_MIN);
}

/* What one record means. */
static enum selector_state judge(struct span text, const struct dkim_record *ours, struct dkim_record *record,
				 char *why)
{
	if (!dkim_record_parse(text, record, why))
		return SELECTOR_UNUSABLE;
	if (record->revoked)
		return SELECTOR_REVOKED;
	return !ours || dkim_record_same(record, ours) ? SELECTOR_GOOD : SELECTOR_OTHER;
}

/* Of several records the best one counts. */
static void judge_all(const struct texts *texts, const struct dkim_record *ours, struct selector *out)
{
	char why[DKIM_RECORD_WHY_MAX];
	struct dkim_record record;
	for (size_t i = 0; i < texts->n && i < TEXTS_KEPT; i++) {
		enum selector_state state = judge(texts_at(texts, i), ours, &record, why);
		if (state <= out->state)
			continue;
		out->state = state;
		out->record = record;
		if (state == SELECTOR_UNUSABLE)
			snprintf(out->why, sizeof(out->why), "%s", why);
	}
}

static bool has_wildcard(struct ask *ask, const char *domain)
{
	char name[SELECTORS_NAME_MAX];
	struct texts texts;
	snprintf(name, sizeof(name), NO_SELECTOR "._domainkey.%s", domain);
	texts_ask(ask, name, NULL, &texts);
	texts_free(&texts);
	return texts.n > 0;
}

void selectors_ask(struct ask *ask, const char *selector, const char *domain, const struct dkim_record *ours,
		   struct selector *out)
{
	struct texts texts;
	*out = (struct selector){.state = SELECTOR_UNKNOWN};
	snprintf(out->name, sizeof(out->name), "%s._domainkey.%s", selector, domain);
	texts_ask(ask, out->name, NULL, &texts);
	out->count = texts.n;
	if (texts.answered)
		out->state = SELECTOR_ABSENT;
	judge_all(&texts, ours, out);
	texts_free(&texts);
	if (out->state == SELECTOR_UNUSABLE || out->state == SELECTOR_OTHER)
		out->wildcard = has_wildcard(ask, domain);
}
