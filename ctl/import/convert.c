#include "ctl/import/convert.h"

#include <stdio.h>

#include "common/base/installed.h"
#include "common/base/language.h"

enum { TEXT_MAX = 256 * 1024 * 1024 };

static bool fail(struct convert_result *out, const char *why)
{
	out->fault = (struct xml_fault){0};
	snprintf(out->fault.text, sizeof(out->fault.text), "%s", why);
	return false;
}

/* The configuration's own checks, as mailrootctl check has them. */
static void check(const char *file, struct convert_result *out)
{
	struct config_report report = {0};
	struct config config;
	str_init(&report.text, TEXT_MAX);
	struct config_tree *tree = config_read_text(file, str_span(&out->config), &report);
	if (tree) {
		config_build(tree, "this-machine.example", &config, &report);
		config_free(&config);
	}
	config_tree_free(tree);
	str_clear(&out->findings);
	str_append(&out->findings, str_span(&report.text));
	out->errors = tree ? report.errors : 1;
	str_free(&report.text);
}

static void write_head(struct str *to, const char *file)
{
	str_append_text(to, "# The configuration of Mailroot, made by mailrootctl import-iis (version " MAILROOT_VERSION
			    ")\n# of ");
	str_append_clean(to, span_of(file));
	str_append_text(
		to,
		".\n#\n# Beside each line is the property of the metabase that it comes from. A line behind # needs something\n"
		"# before it can hold; the report of the import says what. mailroot.conf(5) explains the settings, and\n"
		"# `mailrootctl check` finds errors in this file.\n\n");
}

static bool write_all(struct take *t, const char *file, struct convert_result *out)
{
	str_clear(&out->config);
	write_head(&out->config, file);
	return plan_write(&t->plan, &out->config);
}

static bool take(const struct metabase *metabase, const char *file, struct take_choices *choices, struct take *t,
		 struct convert_result *out)
{
	if (!take_metabase(t, metabase, choices))
		return fail(
			out,
			_("there is no virtual SMTP server in it (no key /LM/SmtpSvc/1): was the SMTP service installed, and is this the whole file?"));
	if (!write_all(t, file, out))
		return fail(out, _("out of memory, or too much for one configuration"));
	check(file, out);
	return true;
}

bool convert(struct span text, const char *file, struct take_choices *choices, struct convert_result *out)
{
	struct metabase metabase;
	struct take t;
	*out = (struct convert_result){0};
	str_init(&out->config, TEXT_MAX);
	str_init(&out->report, TEXT_MAX);
	str_init(&out->todos, TEXT_MAX);
	str_init(&out->findings, TEXT_MAX);
	choices->strict = false;
	if (!metabase_read(text, &metabase, &out->fault)) {
		metabase_free(&metabase);
		return false;
	}
	out->servers = metabase.servers;
	bool good = take(&metabase, file, choices, &t, out);
	if (good && out->errors) {
		take_free(&t);
		choices->strict = true;
		good = take(&metabase, file, choices, &t, out);
	}
	if (good && out->errors)
		report_todo(&t.report,
			    _("`mailrootctl check` finds errors in the configuration: mend them before the start."));
	if (good) {
		report_write_todos(&t.report, &out->todos);
		out->todo_count = t.report.todo_count;
		good = report_write(&t.report, file, &out->report) || fail(out, _("out of memory"));
	}
	take_free(&t);
	metabase_free(&metabase);
	return good;
}

void convert_free(struct convert_result *result)
{
	str_free(&result->config);
	str_free(&result->report);
	str_free(&result->todos);
	str_free(&result->findings);
}
