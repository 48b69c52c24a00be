#include "ctl/doctor/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "ctl/cmd.h"
#include "ctl/doctor/checks.h"
#include "ctl/doctor/finding_show.h"
#include "ctl/json.h"
#include "ctl/loaded.h"

enum { COUNTS = FINDING_ERROR + 1, NAMES_MAX = 1024 };

const char *doctor_text(struct doctor *d, const char *format, ...)
{
	struct str text;
	va_list args;
	str_init(&text, 1 << 16);
	va_start(args, format);
	str_vprintf(&text, format, args);
	va_end(args);
	const char *copy = arena_copy(&d->arena, str_span(&text));
	str_free(&text);
	return copy ? copy : "";
}

const char *doctor_place(struct doctor *d, const struct config_origin *at)
{
	return at->line ? doctor_text(d, "%s:%u", at->file, at->line) : d->file;
}

void doctor_find(struct doctor *d, enum finding_severity severity, const char *where, const char *what,
		 const char *remedy)
{
	const struct finding f = {
		.severity = severity, .where = span_of(where), .what = span_of(what), .remedy = span_of(remedy)};
	finding_append(&f, &d->found);
}

/* Whether both checks were left out for one reason. */
static bool left_out_alike(const struct checks_result *a, const struct checks_result *b)
{
	return !a->complete && !b->complete && span_equal(str_span(&a->found), str_span(&b->found));
}

/* The names of the check and of later ones that were left out for the same reason. False: an earlier one named it. */
static bool name_checks(const struct checks_result *results, size_t which, struct str *to)
{
	for (size_t i = 0; i < which; i++)
		if (left_out_alike(&results[i], &results[which]))
			return false;
	str_append_text(to, results[which].id);
	for (size_t i = which + 1; i < CHECKS_COUNT; i++)
		if (left_out_alike(&results[i], &results[which]))
			str_printf(to, ", %s", results[i].id);
	return true;
}

static void print_findings(const struct checks_result *results, size_t which, unsigned counts[COUNTS])
{
	struct span rest = str_span(&results[which].found);
	struct finding f;
	struct str names;
	str_init(&names, NAMES_MAX);
	bool named = name_checks(results, which, &names);
	while (finding_take(&rest, &f)) {
		counts[f.severity]++;
		if (named)
			finding_show(str_text(&names), &f);
	}
	str_free(&names);
}

static void findings_json(struct json *json, const struct checks_result *result, unsigned counts[COUNTS])
{
	struct span rest = str_span(&result->found);
	struct finding f;
	while (finding_take(&rest, &f)) {
		counts[f.severity]++;
		finding_show_json(json, result->id, &f);
	}
}

static void checks_json(struct json *json, const struct checks_result *results)
{
	json_key(json, "checks");
	json_array(json);
	for (size_t i = 0; i < CHECKS_COUNT; i++) {
		json_object(json);
		json_key(json, "id");
		json_string(json, span_of(results[i].id));
		json_key(json, "title");
		json_string(json, span_of(results[i].title));
		json_key(json, "complete");
		json_bool(json, results[i].complete);
		json_end_object(json);
	}
	json_end_array(json);
}

static void print_json(const char *file, const struct checks_result *results, unsigned counts[COUNTS])
{
	static const char *const keys[COUNTS] = {
		[FINDING_NOTE] = "notes", [FINDING_WARNING] = "warnings", [FINDING_ERROR] = "errors"};
	struct json json;
	json_init(&json, stdout);
	json_object(&json);
	json_key(&json, "file");
	json_string(&json, span_of(file));
	checks_json(&json, results);
	json_key(&json, "findings");
	json_array(&json);
	for (size_t i = 0; i < CHECKS_COUNT; i++)
		findings_json(&json, &results[i], counts);
	json_end_array(&json);
	for (size_t i = 0; i < COUNTS; i++) {
		json_key(&json, keys[i]);
		json_number(&json, counts[i]);
	}
	json_end_object(&json);
	json_finish(&json);
}

static int report(const struct ctl *ctl, const struct checks_result *results)
{
	unsigned counts[COUNTS] = {0};
	if (ctl->options.given & OPTION_JSON) {
		print_json(ctl->options.file, results, counts);
	} else {
		for (size_t i = 0; i < CHECKS_COUNT; i++)
			print_findings(results, i, counts);
		printf(_("%d checks; errors: %u, warnings: %u, notes: %u\n"), CHECKS_COUNT, counts[FINDING_ERROR],
		       counts[FINDING_WARNING], counts[FINDING_NOTE]);
	}
	return counts[FINDING_ERROR] + counts[FINDING_WARNING] ? EXIT_FAILED : EXIT_DONE;
}

/* Keeps the enabled servers, or those named NAME unless it is "". False: there is none. */
static bool choose_servers(struct config *config, const char *name)
{
	size_t kept = 0;
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		bool wanted = name[0] ? span_equal_nocase(span_of(server->name), span_of(name)) : server->enabled;
		if (wanted)
			config->servers[kept++] = *server;
	}
	config->server_count = kept;
	return kept || !name[0];
}

/* "FILE:LINE:COLUMN: error: TEXT", or "error: TEXT". False: LINE of a report is something else. */
static bool take_error(struct span line, struct finding *out)
{
	char word[40];
	const struct span mark = {word, (size_t)snprintf(word, sizeof(word), "%s: ", _("error"))};
	const char *at = line.len ? memmem(line.at, line.len, mark.at, mark.len) : NULL;
	size_t before = at ? (size_t)(at - line.at) : 0;
	if (!at || (before && (before < 2 || at[-1] != ' ' || at[-2] != ':')))
		return false;
	*out = (struct finding){
		.severity = FINDING_ERROR,
		.where = {line.at, before ? before - 2 : 0},
		.what = span_skip(line, before + mark.len),
		.remedy = span_of(_("correct it (`mailrootctl check` shows the line), then run doctor again"))};
	return true;
}

/* A file with errors: each of the report becomes a finding, and nothing else is examined. */
static void take_errors(struct span text, struct str *found)
{
	struct span line;
	struct finding f;
	while (span_line(&text, &line))
		if (take_error(line, &f))
			finding_append(&f, found);
}

static int examine(const struct ctl *ctl)
{
	static struct checks_result results[CHECKS_COUNT];
	struct loaded loaded;
	int status = EXIT_USAGE;
	loaded_read(ctl->options.file, &loaded);
	struct doctor d = {.config = &loaded.config, .file = ctl->options.file, .guest = geteuid() != 0};
	checks_init(results);
	if (loaded.good && !choose_servers(&loaded.config, ctl->options.server)) {
		cmd_fail(_("there is no virtual server %s in %s"), ctl->options.server, d.file);
	} else {
		if (loaded.good)
			checks_make(&d, results);
		else
			take_errors(str_span(&loaded.report.text), &results[CHECKS_config].found);
		status = report(ctl, results);
	}
	checks_free(results);
	loaded_free(&loaded);
	return status;
}

int doctor_run(int argc, char **argv)
{
	static struct ctl ctl;
	char why[OPTIONS_WHY_MAX];
	const unsigned known = OPTION_SERVER | OPTION_JSON;
	log_open("mailroot-doctor", NULL);
	language_init();
	if (!options_parse(argc, argv, &ctl.options, why)) {
		cmd_fail(_("%s; usage: mailrootctl doctor [--server NAME] [--json]"), why);
		return EXIT_USAGE;
	}
	if (ctl.options.given & OPTION_JSON)
		language_english();
	if (ctl.options.help) {
		puts(_("usage: mailrootctl doctor [--server NAME] [--json]"));
		return EXIT_DONE;
	}
	if (ctl.options.version) {
		printf("mailroot-doctor %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (ctl.options.word_count || ctl.options.given & ~known) {
		cmd_fail(_("usage: mailrootctl doctor [--server NAME] [--json]"));
		return EXIT_USAGE;
	}
	return examine(&ctl);
}
