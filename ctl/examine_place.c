#include "ctl/examine_place.h"

#include "common/base/language.h"

void place_say(void *context, enum certificate_grade grade, const char *text)
{
	static const char *const words[] = {[CERTIFICATE_NOTE] = N_("note"),
					    [CERTIFICATE_WARNING] = N_("warning"),
					    [CERTIFICATE_ERROR] = N_("error")};
	struct place *place = context;
	place->said |= 1U << grade;
	place->report->errors += grade == CERTIFICATE_ERROR;
	place->report->warnings += grade == CERTIFICATE_WARNING;
	if (place->at->line)
		str_printf(&place->report->text, "%s:%u: ", place->at->file, place->at->line);
	str_printf(&place->report->text, "%s: %s\n", _(words[grade]), text);
	if (place->how->say)
		place->how->say(place->how->context, place->at, grade, text);
}
