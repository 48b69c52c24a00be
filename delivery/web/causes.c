#include "delivery/web/causes.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/language.h"

enum { CLOCK_TOLERANCE_S = 60 };

static const struct cause causes[] = {
#define CAUSE(number, error, words, remedy) {number, error, words, remedy},
#include "common/mail/causes.def"
#undef CAUSE
};

const struct cause *causes_find(const struct answer_error *error)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		const struct cause *c = &causes[i];
		if (c->number ? c->number == error->number : !strcmp(c->error, error->error))
			return c;
	}
	return NULL;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

enum grant_class causes_class(long status, const char *error, bool person)
{
	static const char *const signs_in[] = {"invalid_grant", "interaction_required", "login_required",
					       "consent_required", NULL};
	if (status >= 500 || status == 429 || !error[0] || !strcmp(error, "temporarily_unavailable"))
		return GRANT_PASSING;
	return person && is_one_of(error, signs_in) ? GRANT_PERSON : GRANT_OURS;
}

void causes_append(const struct answer_error *error, struct str *to)
{
	const struct cause *c = causes_find(error);
	if (c)
		str_printf(to, "%s: %s", c->words, c->remedy);
	else
		str_append_text(to, "the provider refuses");
	str_printf(to, " (%s%s%s)", error->error, error->text[0] ? ": " : "", error->text);
}

void causes_append_clock(int64_t ours_s, int64_t theirs_s, struct str *to)
{
	char by[CLOCK_TEXT_MAX];
	int64_t fast = ours_s - theirs_s;
	if (!theirs_s || (fast <= CLOCK_TOLERANCE_S && fast >= -CLOCK_TOLERANCE_S))
		return;
	clock_duration((fast < 0 ? -fast : fast) * 1000, by);
	str_printf(to, "; the clock of this machine is %s %s", by, fast < 0 ? "slow" : "fast");
}
