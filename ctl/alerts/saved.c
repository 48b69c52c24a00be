#include "ctl/alerts/saved.h"

#include <inttypes.h>
#include <string.h>

static const char first_line[] = "mailroot-alerts 1";

bool saved_write(const struct watch *w, const struct throttle *t, struct str *to)
{
	str_printf(to, "%s\n", first_line);
	for (size_t i = 0; i < w->n; i++) {
		const struct watch_alert *alert = &w->at[i];
		str_printf(to, "alert\t%s\t%d\t%d\t%" PRId64 "\t%" PRId64, watch_word(alert->kind), (int)alert->state,
			   (int)alert->told, alert->since_ms, alert->good_ms);
		str_printf(to, "\t%s\t%s\t%s\n", alert->server, alert->object, alert->detail);
	}
	for (size_t i = 0; i < t->n; i++)
		str_printf(to, "sent\t%" PRId64 "\n", t->sent_ms[i]);
	return !to->failed;
}

static bool read_number(struct span *line, uint64_t max, uint64_t *number)
{
	return span_to_u64(span_take(line, '\t'), max, number);
}

static bool read_alert(struct span line, struct watch *w)
{
	struct watch_alert alert = {0};
	uint64_t state, told, since, good;
	if (w->n == WATCH_MAX || !watch_kind(span_take(&line, '\t'), &alert.kind) ||
	    !read_number(&line, WATCH_OVER, &state) || !read_number(&line, 1, &told) ||
	    !read_number(&line, INT64_MAX, &since) || !read_number(&line, INT64_MAX, &good))
		return false;
	alert.state = (enum watch_state)state;
	alert.told = told;
	alert.since_ms = (int64_t)since;
	alert.good_ms = (int64_t)good;
	watch_text(span_take(&line, '\t'), alert.server, sizeof(alert.server));
	watch_text(span_take(&line, '\t'), alert.object, sizeof(alert.object));
	watch_text(span_take(&line, '\t'), alert.detail, sizeof(alert.detail));
	bool was_told = alert.state != WATCH_OVER || alert.told;
	bool can_be_told = alert.state != WATCH_BEGINS || !alert.told;
	if (!was_told || !can_be_told)
		return false;
	w->at[w->n++] = alert;
	return true;
}

static bool read_sent(struct span line, struct throttle *t)
{
	uint64_t when;
	if (t->n == THROTTLE_AN_HOUR || !span_to_u64(line, INT64_MAX, &when))
		return false;
	t->sent_ms[t->n++] = (int64_t)when;
	return true;
}

static bool read_lines(struct span text, struct watch *w, struct throttle *t)
{
	struct span line;
	if (!span_line(&text, &line) || !span_equal(line, span_of(first_line)))
		return false;
	while (span_line(&text, &line)) {
		struct span word = span_take(&line, '\t');
		bool valid = span_equal(word, SPAN("alert")) ? read_alert(line, w)
							     : span_equal(word, SPAN("sent")) && read_sent(line, t);
		if (!valid)
			return false;
	}
	return !text.len;
}

bool saved_read(struct span text, struct watch *w, struct throttle *t)
{
	memset(w, 0, sizeof(*w));
	memset(t, 0, sizeof(*t));
	if (read_lines(text, w, t))
		return true;
	memset(w, 0, sizeof(*w));
	memset(t, 0, sizeof(*t));
	return false;
}
