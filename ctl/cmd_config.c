#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "ctl/cmd.h"
#include "ctl/examine.h"
#include "ctl/json.h"
#include "ctl/loaded.h"

enum { TEXT_MAX = 16 << 20, DOC_NAME_MAX = 500 };

static void count_json(struct json *json, const struct loaded *loaded)
{
	json_key(json, "good");
	json_bool(json, loaded->good);
	json_key(json, "errors");
	json_number(json, loaded->report.errors);
	json_key(json, "warnings");
	json_number(json, loaded->report.warnings);
	json_key(json, "report");
	json_string(json, str_span(&loaded->report.text));
}

/* A correct file may name other files that can't be used. */
static void look_at_files(struct loaded *loaded)
{
	const struct examine how = {.guest = geteuid() != 0, .now_s = clock_wall_ms() / 1000};
	examine_files(&how, &loaded->config, &loaded->report);
	loaded->good = !loaded->report.errors;
}

static void say_good(const char *file, const struct loaded *loaded)
{
	size_t servers = loaded->config.server_count;
	unsigned warnings = loaded->report.warnings;
	printf(ngettext("%s is good: %zu virtual server, ", "%s is good: %zu virtual servers, ", servers), file,
	       servers);
	printf(ngettext("%u warning\n", "%u warnings\n", warnings), warnings);
}

static void say_bad(const char *file, unsigned errors, bool taken)
{
	cmd_fail(taken ? ngettext("%s has %u error; the service would accept it, but not all of it would work",
				  "%s has %u errors; the service would accept it, but not all of it would work", errors)
		       : ngettext("%s has %u error; the service would refuse it",
				  "%s has %u errors; the service would refuse it", errors),
		 file, errors);
}

int cmd_check(struct ctl *ctl)
{
	const char *file = ctl->arg_count ? ctl->args[0] : ctl->options.file;
	struct loaded loaded;
	loaded_read(file, &loaded);
	bool taken = loaded.good;
	if (taken)
		look_at_files(&loaded);
	if (ctl->options.given & OPTION_JSON) {
		struct json json;
		json_init(&json, stdout);
		json_object(&json);
		json_key(&json, "file");
		json_string(&json, span_of(file));
		count_json(&json, &loaded);
		json_end_object(&json);
		json_finish(&json);
	} else {
		fputs(str_text(&loaded.report.text), loaded.good ? stdout : stderr);
		if (loaded.good)
			say_good(file, &loaded);
		else
			say_bad(file, loaded.report.errors, taken);
	}
	bool good = loaded.good;
	loaded_free(&loaded);
	return good ? EXIT_DONE : EXIT_FAILED;
}

/* Prints text as a JSON array of its lines. */
static void print_lines_json(const char *key, struct span text)
{
	struct span line;
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, key);
	json_array(&json);
	while (span_line(&text, &line))
		json_string(&json, line);
	json_end_array(&json);
	json_end_object(&json);
	json_finish(&json);
}

int cmd_config_show(struct ctl *ctl)
{
	struct loaded loaded;
	struct str text;
	loaded_read(ctl->options.file, &loaded);
	str_init(&text, TEXT_MAX);
	if (!loaded.good)
		fputs(str_text(&loaded.report.text), stderr);
	else if (ctl->options.given & OPTION_JSON)
		config_show_json(&loaded.config, &text);
	else
		config_show(&loaded.config, &text);
	bool good = loaded.good && !text.failed;
	if (good)
		fputs(str_text(&text), stdout);
	else
		cmd_fail(ngettext("%s has %u error", "%s has %u errors", loaded.report.errors), ctl->options.file,
			 loaded.report.errors);
	str_free(&text);
	loaded_free(&loaded);
	return good ? EXIT_DONE : EXIT_FAILED;
}

int cmd_config_doc(struct ctl *ctl)
{
	const char *name = NULL;
	char both[DOC_NAME_MAX], meant[DOC_NAME_MAX];
	struct str text;
	if (ctl->arg_count) {
		snprintf(both, sizeof(both), "%s%s%s", ctl->args[0], ctl->arg_count > 1 ? "." : "",
			 ctl->arg_count > 1 ? ctl->args[1] : "");
		name = both;
	}
	str_init(&text, TEXT_MAX);
	bool good = config_doc_text(name, &text) && !text.failed;
	if (good && ctl->options.given & OPTION_JSON)
		print_lines_json("doc", str_span(&text));
	else if (good)
		fputs(str_text(&text), stdout);
	else if (config_doc_meant(name, meant, sizeof(meant)))
		cmd_fail(_("there is no setting %s; did you mean %s?"), name, meant);
	else
		cmd_fail(_("there is no setting %s; `mailrootctl config doc` lists all"), name ? name : "");
	str_free(&text);
	return good ? EXIT_DONE : EXIT_FAILED;
}
