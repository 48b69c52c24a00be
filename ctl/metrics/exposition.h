/*
 * Writes metrics as text for Prometheus: its own format 0.0.4, or OpenMetrics 1.0. A family comes first, then all of
 * its samples:
 *
 *	exposition_family(x, "mailroot_sessions", EXPOSITION_GAUGE, "Sessions.");
 *	exposition_sample(x, "");
 *	exposition_label(x, "server", SPAN("default"));
 *	exposition_number(x, 7);
 *
 * Pure. A text that does not fit, or for which there is no memory, sets `failed` of the buffer.
 */
#ifndef CTL_METRICS_EXPOSITION_H
#define CTL_METRICS_EXPOSITION_H

#include "common/base/str.h"

enum exposition_format { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };
enum exposition_type { EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM };

struct exposition {
	struct str *to;
	enum exposition_format format;
	const char *family; /* name of the present family; borrowed */
	bool labelled;      /* the present sample has a label */
};

/* The value of Content-Type (HTTP). */
const char *exposition_content_type(enum exposition_format format);

/* Begins family NAME, which is borrowed until the next one. A counter's name ends with "_total". HELP: one line. */
void exposition_family(struct exposition *x, const char *name, enum exposition_type type, const char *help);

/* Begins a sample of the family; SUFFIX follows the name: "", "_bucket", "_sum", "_count". */
void exposition_sample(struct exposition *x, const char *suffix);

/* Adds a label to the sample. VALUE is UTF-8, and is escaped here. */
void exposition_label(struct exposition *x, const char *name, struct span value);

/* Adds labels that are written already: `door="smtp"`; "" = none. */
void exposition_labels(struct exposition *x, const char *labels);

/* Ends the sample with its value: a number, or MS milliseconds as seconds. */
void exposition_number(struct exposition *x, uint64_t value);
void exposition_seconds(struct exposition *x, uint64_t ms);

/* MS milliseconds in seconds as OpenMetrics writes a bound: "0.1", "1.0". TO holds EXPOSITION_SECONDS_MAX. */
enum { EXPOSITION_SECONDS_MAX = 32 };
const char *exposition_bound(uint64_t ms, char to[EXPOSITION_SECONDS_MAX]);

/* Ends the text. */
void exposition_end(struct exposition *x);

#endif
