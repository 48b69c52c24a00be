#include "ctl/exporter/negotiate.h"

/* "0", "0.0", "0.000": the scraper refuses it. */
static bool is_zero(struct span weight)
{
	for (size_t i = 0; i < weight.len; i++) {
		if (weight.at[i] != '0' && weight.at[i] != '.')
			return false;
	}
	return weight.len;
}

/* RANGE: "application/openmetrics-text; version=1.0.0; q=0.5". */
static bool wants_openmetrics(struct span range)
{
	if (!span_equal_nocase(span_trim(span_take(&range, ';')), SPAN("application/openmetrics-text")))
		return false;
	while (range.len) {
		struct span parameter = span_trim(span_take(&range, ';'));
		struct span name = span_trim(span_take(&parameter, '='));
		if (span_equal_nocase(name, SPAN("q")) && is_zero(span_trim(parameter)))
			return false;
	}
	return true;
}

enum exposition_format negotiate(struct span accept)
{
	while (accept.len) {
		if (wants_openmetrics(span_take(&accept, ',')))
			return EXPOSITION_OPENMETRICS;
	}
	return EXPOSITION_PROMETHEUS;
}
