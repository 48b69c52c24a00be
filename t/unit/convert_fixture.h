/* Imports a metabase, and looks into the configuration and the report that come out. */
#ifndef T_UNIT_CONVERT_FIXTURE_H
#define T_UNIT_CONVERT_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ctl/import/convert.h"
#include "t/unit/suite.h"

enum { TEXT_MAX = 100000 };

static struct convert_result result;
static struct take_choices choices;

static inline void setup(void)
{
	choices = (struct take_choices){0};
}

static inline void teardown(void)
{
	convert_free(&result);
}

/* As --map-path WINDOWS=OURS. */
static inline void map_path(const char *windows, const char *ours)
{
	choices.maps[0].windows = windows;
	choices.maps[0].ours = ours;
	choices.map_count = 1;
}

/* Imports a metabase with these KEYS. */
static inline void import(const char *keys)
{
	char text[TEXT_MAX];
	snprintf(text, sizeof(text), "<configuration><MBProperty>%s</MBProperty></configuration>", keys);
	convert_free(&result);
	ck_assert_msg(convert(span_of(text), "MetaBase.xml", &choices, &result), "%s", result.fault.text);
}

/* Imports one virtual server with these ATTRIBUTES and DOMAINS. */
static inline void import_server(const char *attributes, const char *domains)
{
	char keys[TEXT_MAX / 2];
	snprintf(keys, sizeof(keys),
		 "<IIsSmtpServer Location=\"/LM/SmtpSvc/1\" FullyQualifiedDomainName=\"mail.example.com\" %s/>%s",
		 attributes, domains);
	import(keys);
}

static inline bool is_in(const char *line, const struct str *text)
{
	return strstr(str_text(text), line) != NULL;
}

/* Whether the configuration has LINE, neither longer nor as a comment. */
static inline bool has(const char *line)
{
	struct span rest = str_span(&result.config), at;
	while (span_line(&rest, &at)) {
		at = span_trim(at);
		if (span_equal(at, span_of(line)))
			return true;
		struct span tail = span_skip(at, strlen(line));
		if (span_starts(at, span_of(line)) && span_starts(span_trim(tail), SPAN("#")) &&
		    span_starts(tail, SPAN(" ")))
			return true;
	}
	return false;
}

#define HAS(line)   ck_assert_msg(has(line), "no line: %s\n%s", line, str_text(&result.config))
#define LACKS(line) ck_assert_msg(!has(line), "line: %s\n%s", line, str_text(&result.config))
#define TELLS(text) ck_assert_msg(is_in(text, &result.report), "not told: %s\n%s", text, str_text(&result.report))
#define GOOD()      ck_assert_msg(!result.errors, "%s\n%s", str_text(&result.findings), str_text(&result.config))

#endif
