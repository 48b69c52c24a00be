#include "common/process/trouble.h"

#include "common/base/log.h"
#include "common/process/child.h"

enum { DAY_S = 86400 };

void trouble_init(struct trouble *t)
{
	*t = (struct trouble){0};
	str_init(&t->told, TROUBLE_MAX);
}

void trouble_free(struct trouble *t)
{
	str_free(&t->told);
}

static void log_lines(struct span text)
{
	struct span line;
	while (span_line(&text, &line))
		log_warning("%.*s", SPAN_ARGS(line));
}

void trouble_tell(struct trouble *t, struct span text, int64_t now_s)
{
	bool news = !span_equal(text, str_span(&t->told));
	int64_t since_s = now_s - t->logged_s;
	/* A clock that was set back far must not stop the daily report. */
	if (!news && since_s < DAY_S && since_s > -DAY_S)
		return;
	t->logged_s = now_s;
	log_lines(text);
	if (!news)
		return;
	str_clear(&t->told);
	str_append(&t->told, text);
	child_trouble(str_text(&t->told));
}
