#include "ctl/metrics/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {
	[EXPOSITION_COUNTER] = "counter",
	[EXPOSITION_GAUGE] = "gauge",
	[EXPOSITION_HISTOGRAM] = "histogram",
};

static const char total[] = "_total";

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
						: "text/plain; version=0.0.4; charset=utf-8";
}

/* OpenMetrics names the family of a counter without "_total". */
static int family_length(const struct exposition *x, enum exposition_type type)
{
	size_t len = strlen(x->family);
	return (int)(type == EXPOSITION_COUNTER && x->format == EXPOSITION_OPENMETRICS ? len - strlen(total) : len);
}

void exposition_family(struct exposition *x, const char *name, enum exposition_type type, const char *help)
{
	x->family = name;
	int len = family_length(x, type);
	str_printf(x->to, "# HELP %.*s %s\n# TYPE %.*s %s\n", len, name, help, len, name, type_names[type]);
}

void exposition_sample(struct exposition *x, const char *suffix)
{
	str_printf(x->to, "%s%s", x->family, suffix);
	x->labelled = false;
}

static void append_escaped(struct str *to, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];
		if (c == '\n')
			str_append_text(to, "\\n");
		else if (c == '\\' || c == '"')
			str_printf(to, "\\%c", c);
		else
			str_append_c(to, c);
	}
}

static void open_label(struct exposition *x)
{
	str_append_c(x->to, x->labelled ? ',' : '{');
	x->labelled = true;
}

void exposition_label(struct exposition *x, const char *name, struct span value)
{
	open_label(x);
	str_printf(x->to, "%s=\"", name);
	append_escaped(x->to, value);
	str_append_c(x->to, '"');
}

void exposition_labels(struct exposition *x, const char *labels)
{
	if (!labels[0])
		return;
	open_label(x);
	str_append_text(x->to, labels);
}

static void close_labels(struct exposition *x)
{
	str_append_text(x->to, x->labelled ? "} " : " ");
}

void exposition_number(struct exposition *x, uint64_t value)
{
	close_labels(x);
	str_printf(x->to, "%" PRIu64 "\n", value);
}

void exposition_seconds(struct exposition *x, uint64_t ms)
{
	close_labels(x);
	str_printf(x->to, "%" PRIu64 ".%03u\n", ms / 1000, (unsigned)(ms % 1000));
}

const char *exposition_bound(uint64_t ms, char to[EXPOSITION_SECONDS_MAX])
{
	size_t len = (size_t)snprintf(to, EXPOSITION_SECONDS_MAX, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
	while (to[len - 1] == '0' && to[len - 2] != '.')
		to[--len] = '\0';
	return to;
}

void exposition_end(struct exposition *x)
{
	if (x->format == EXPOSITION_OPENMETRICS)
		str_append_text(x->to, "# EOF\n");
}
