/* What `mailrootctl check` finds, as findings. */
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/examine.h"

enum { REPORT_MAX = 1 << 20 };

static void say(void *context, const struct config_origin *at, enum certificate_grade grade, const char *text)
{
	static const enum finding_severity severities[] = {[CERTIFICATE_NOTE] = FINDING_NOTE,
							   [CERTIFICATE_WARNING] = FINDING_WARNING,
							   [CERTIFICATE_ERROR] = FINDING_ERROR};
	struct doctor *d = context;
	doctor_find(d, severities[grade], doctor_place(d, at), text,
		    grade == CERTIFICATE_NOTE ? _("run doctor as root")
					      : _("correct it, then `mailrootctl check` and `mailrootctl reload`"));
}

void diagnose_config(struct doctor *d)
{
	const struct examine how = {.guest = d->guest, .now_s = clock_wall_ms() / 1000, .say = say, .context = d};
	struct config_report report = {.errors = 0};
	str_init(&report.text, REPORT_MAX);
	examine_files(&how, d->config, &report);
	str_free(&report.text);
}
