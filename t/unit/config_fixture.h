/* Reads the text of a configuration and checks the report: the place and the words of a message. */
#ifndef T_UNIT_CONFIG_FIXTURE_H
#define T_UNIT_CONFIG_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "t/unit/suite.h"

#define SERVER(inside) "virtual_server default {\n" inside "\n}\n"
#define COUNT(list)    ((int)(sizeof(list) / sizeof((list)[0])))

/* The report on TEXT has a message at LINE and COLUMN, with the words SAYS. */
struct wrong {
	const char *text;
	unsigned line, column;
	const char *says;
};

static struct config_report report;
static struct config config;

/* Reads TEXT as the file test.conf; done() frees report and config. */
static inline void build(const char *text)
{
	report = (struct config_report){0};
	str_init(&report.text, 1 << 20);
	struct config_tree *tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_ptr_nonnull(tree);
	bool good = config_build(tree, "host.example.com", &config, &report);
	ck_assert_int_eq(good, report.errors == 0);
	config_tree_free(tree);
}

static inline void done(void)
{
	config_free(&config);
	str_free(&report.text);
}

/* Reads the text of ROW and expects its message in the report. KIND is "error" or "warning". done() comes next. */
static inline void expect_message(const struct wrong *row, const char *kind)
{
	char place[64];

	build(row->text);
	const char *text = str_text(&report.text);
	snprintf(place, sizeof(place), "test.conf:%u:%u: %s: ", row->line, row->column, kind);
	const char *at = strstr(text, place);
	ck_assert_msg(at, "no %s at %s of\n%s\nbut\n%s", kind, place, row->text, text);
	size_t len = strcspn(at, "\n");
	const char *says = strstr(at, row->says);
	ck_assert_msg(says && says < at + len, "wanted \"%s\" but got\n%s", row->says, text);
}

#endif
