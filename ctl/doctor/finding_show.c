#include "ctl/doctor/finding_show.h"

#include <stdio.h>

#include "common/base/language.h"

void finding_show(const char *check, const struct finding *f)
{
	printf("%s: ", _(finding_word(f->severity)));
	if (check)
		printf("%s: ", check);
	if (f->where.len && !span_equal(f->where, span_of(check)))
		printf("%.*s: ", SPAN_ARGS(f->where));
	printf("%.*s\n", SPAN_ARGS(f->what));
	if (f->remedy.len)
		printf(_("    remedy: %.*s\n"), SPAN_ARGS(f->remedy));
}

void finding_show_json(struct json *json, const char *check, const struct finding *f)
{
	const struct {
		const char *key;
		struct span value;
	} members[] = {{"check", span_of(check)},
		       {"severity", span_of(finding_word(f->severity))},
		       {"where", f->where},
		       {"what", f->what},
		       {"remedy", f->remedy}};
	json_object(json);
	for (size_t i = check ? 0 : 1; i < sizeof(members) / sizeof(members[0]); i++) {
		json_key(json, members[i].key);
		json_string(json, members[i].value);
	}
	json_end_object(json);
}
