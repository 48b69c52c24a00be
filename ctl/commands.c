#include "ctl/commands.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/program.h"
#include "common/config/report.h"
#include "ctl/complete.h"

enum {
	SELECT = OPTION_DOMAIN | OPTION_SENDER | OPTION_RECIPIENT | OPTION_OLDER | OPTION_LARGER | OPTION_REASON |
		 OPTION_ATTEMPTS | OPTION_SERVER | OPTION_ALL | OPTION_JSON,
	ACT = SELECT | OPTION_YES,
	EXPORT = (SELECT & ~(unsigned)OPTION_ALL) | OPTION_REMOVE,
	OAUTH = OPTION_SERVER | OPTION_JSON,
	USER = OPTION_SERVER | OPTION_USER_FILE | OPTION_JSON,
	ANY = OPTIONS_WORDS_MAX,
};

static const struct command table[] = {
#define COMMAND(first, second, options, min, max, run, synopsis, help)                                                 \
	{{first, second}, options, min, max, run, synopsis, help},
#define PROGRAM(first, second, synopsis, help) {{first, second}, 0, 0, 0, NULL, synopsis, help},
#include "ctl/commands.def"
#undef COMMAND
#undef PROGRAM
};
enum { COMMANDS = sizeof(table) / sizeof(table[0]) };

/* Whether ROW is among the commands that begin with WORDS. Further words are its arguments. */
static bool begins_with(const struct command *row, const char *const *words, size_t n)
{
	return (!n || strcmp(row->words[0], words[0]) == 0) &&
	       (n < 2 || !row->words[1] || strcmp(row->words[1], words[1]) == 0);
}

static void print_command(const struct command *row, FILE *to)
{
	fprintf(to, "  %s%s%s%s%s\n        %s\n", row->words[0], row->words[1] ? " " : "",
		row->words[1] ? row->words[1] : "", row->synopsis[0] ? " " : "", row->synopsis, _(row->help));
}

/* The commands that begin with WORDS, and what their synopses refer to. False, and nothing is printed: none does. */
static bool print_help(const char *const *words, size_t n, FILE *to)
{
	bool any = false, selector = false, block = false;
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!begins_with(&table[i], words, n))
			continue;
		if (!any)
			fputs(_("usage: mailrootctl [-c FILE] COMMAND [--json]\n\n"), to);
		any = true;
		selector |= strstr(table[i].synopsis, "SELECTOR") != NULL;
		block |= strstr(table[i].synopsis, "BLOCK") != NULL;
		print_command(&table[i], to);
	}
	if (!any)
		return false;
	fputc('\n', to);
	if (selector)
		fputs(_("  SELECTOR  --domain NAME  --recipient ADDRESS  --sender ADDRESS  --older 2h  --larger 5M\n"
			"            --reason TEXT  --attempts N  --server NAME; those that stand together must all be met\n"),
		      to);
	if (block)
		fputs(_("  BLOCK     an outbound block with access tokens: virtual_server, connector NAME or\n"
			"            remote_domain NAME; may be left out where there is one\n"),
		      to);
	fprintf(to, _("  -c FILE   the configuration, instead of %s\n\nmailrootctl(8) has more.\n"),
		MAILROOT_SYSCONFDIR "/mailroot.conf");
	return true;
}

static bool word_is(const char *word, const char *const *words, size_t n, size_t at)
{
	return !word || (at < n && strcmp(word, words[at]) == 0);
}

/* The second words that FIRST may have, for a user who left it out. */
static void list_seconds(const char *first, char *to, size_t size)
{
	size_t used = 0;
	for (size_t i = 0; i < COMMANDS && used < size; i++) {
		if (table[i].words[1] && strcmp(table[i].words[0], first) == 0)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", table[i].words[1]);
	}
}

/* Commands of other mail programs, and the command for each here. */
static const char *const called_otherwise[][2] = {
	{"resume", "server continue"}, {"unpause", "server continue"},
	{"suspend", "server pause"},   {"restart", "server stop NAME` and `mailrootctl server start"},
	{"postsuper", "queue delete"}, {"flush", "queue retry"},
	{"remove", "queue delete"},    {"verify", "check"},
	{"validate", "check"},         {"configtest", "check"},
	{"queue", "queue list"},       {"import", "import-iis"},
	{"diagnose", "doctor"},        {"smtpdiag", "doctor"},
	{"version", "--version"},      {"quit", "stop"},
	{"shutdown", "stop"},
};

static void offer(struct config_nearest *nearest, const struct command *command, const char **meant, char *to,
		  size_t size)
{
	const char *before = nearest->name;
	config_nearest_offer(nearest, command->words[command->words[1] != NULL]);
	if (nearest->name == before)
		return;
	snprintf(to, size, "%s%s%s", command->words[0], command->words[1] ? " " : "",
		 command->words[1] ? command->words[1] : "");
	*meant = to;
}

/* The command nearest to WORD, of those that begin with FIRST, or of all if FIRST is NULL. NULL: none. */
static const char *meant_by(const char *first, const char *word, char *to, size_t size)
{
	struct config_nearest nearest = {.word = span_of(word)};
	const char *meant = NULL;
	for (size_t i = 0; i < sizeof(called_otherwise) / sizeof(called_otherwise[0]); i++) {
		bool fits = !first || strncmp(called_otherwise[i][1], first, strlen(first)) == 0;
		if (fits && strcmp(called_otherwise[i][0], word) == 0)
			return called_otherwise[i][1];
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!first || strcmp(table[i].words[0], first) == 0)
			offer(&nearest, &table[i], &meant, to, size);
	}
	return meant;
}

/* Explains that WORDS begin no command. */
static void explain_unknown(const char *const *words, size_t n, char *why)
{
	char seconds[100] = "", text[100];
	const char *meant = NULL;
	if (n)
		list_seconds(words[0], seconds, sizeof(seconds));
	if (n > 1 && seconds[0])
		meant = meant_by(words[0], words[1], text, sizeof(text));
	else if (n && !seconds[0])
		meant = meant_by(NULL, words[0], text, sizeof(text));
	if (meant)
		snprintf(why, OPTIONS_WHY_MAX, _("%.40s%s%.40s: no such command; did you mean `mailrootctl %s`?"),
			 words[0], seconds[0] ? " " : "", seconds[0] ? words[1] : "", meant);
	else if (seconds[0])
		snprintf(why, OPTIONS_WHY_MAX, _("%.20s what? One of: %s"), words[0], seconds);
	else
		snprintf(why, OPTIONS_WHY_MAX, _("%.60s: no such command; `mailrootctl help` lists them"),
			 n ? words[0] : _("nothing"));
}

const struct command *commands_at(size_t i)
{
	return i < COMMANDS ? &table[i] : NULL;
}

const struct command *commands_find(const char *const *words, size_t n, size_t *taken, char *why)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (n && word_is(table[i].words[0], words, n, 0) && word_is(table[i].words[1], words, n, 1)) {
			*taken = table[i].words[1] ? 2 : 1;
			return &table[i];
		}
	}
	explain_unknown(words, n, why);
	return NULL;
}

bool commands_fits(const struct command *command, const struct options *options, size_t args, char *why)
{
	unsigned extra = options->given & ~command->options;
	const char *second = command->words[1] ? command->words[1] : "";
	if (!command->run) /* commands_program did not find it */
		snprintf(why, OPTIONS_WHY_MAX,
			 _("`%s` must be the first word, or the first after -c FILE; usage: %s%s%s %s"),
			 command->words[0], command->words[0], second[0] ? " " : "", second, command->synopsis);
	else if (extra)
		snprintf(why, OPTIONS_WHY_MAX, _("`%s%s%s` has no option --%s"), command->words[0],
			 second[0] ? " " : "", second, options_name(extra & -extra));
	else if (args < command->args_min || args > command->args_max)
		snprintf(why, OPTIONS_WHY_MAX,
			 args < command->args_min ? _("too few arguments; usage: %s%s%s %s")
						  : _("too many arguments; usage: %s%s%s %s"),
			 command->words[0], second[0] ? " " : "", second, command->synopsis);
	else
		return true;
	return false;
}

const struct command *commands_program(int argc, char *const *argv, int *at)
{
	*at = argc > 3 && strcmp(argv[1], "-c") == 0 ? 3 : 1;
	for (size_t i = 0; i < COMMANDS && *at < argc; i++) {
		if (!table[i].run && strcmp(table[i].words[0], argv[*at]) == 0)
			return &table[i];
	}
	return NULL;
}

/* Becomes the program of COMMAND, with the arguments without the command's word at AT. Returns only after a failure. */
static int become(const struct command *command, int argc, char **argv, int at)
{
	char name[64], path[PATH_MAX];
	snprintf(name, sizeof(name), "mailroot-%s", command->words[0]);
	program_find(name, MAILROOT_LIBEXECDIR, path, sizeof(path));
	for (int i = at; i < argc; i++)
		argv[i] = argv[i + 1];
	execv(path, argv);
	return cmd_fail(_("can't run %s: %s; `%s` needs it: install all parts of Mailroot"), path, strerror(errno),
			command->words[0]);
}

static int help(const char *const *words, size_t n)
{
	char why[OPTIONS_WHY_MAX];
	if (print_help(words, n, stdout))
		return EXIT_DONE;
	explain_unknown(words, n, why);
	cmd_fail("%s", why);
	return EXIT_USAGE;
}

int commands_run(int argc, char **argv)
{
	int at;
	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return complete_run((const char *const *)argv + 2, (size_t)argc - 2);
	language_init();
	const struct command *own = commands_program(argc, argv, &at);
	if (own)
		return become(own, argc, argv, at);
	static struct ctl ctl;
	char why[OPTIONS_WHY_MAX];
	size_t taken;
	if (!options_parse(argc, argv, &ctl.options, why)) {
		cmd_fail(_("%s; `mailrootctl help` lists all commands"), why);
		return EXIT_USAGE;
	}
	if (ctl.options.given & OPTION_JSON)
		language_english();
	if (ctl.options.version) {
		printf("mailrootctl %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (!ctl.options.word_count && !ctl.options.help) {
		print_help(NULL, 0, stderr);
		return EXIT_USAGE;
	}
	bool help_first = ctl.options.word_count && strcmp(ctl.options.words[0], "help") == 0;
	if (ctl.options.help || help_first)
		return help(ctl.options.words + help_first, ctl.options.word_count - help_first);
	const struct command *command = commands_find(ctl.options.words, ctl.options.word_count, &taken, why);
	if (command) {
		ctl.args = ctl.options.words + taken;
		ctl.arg_count = ctl.options.word_count - taken;
	}
	if (!command || !commands_fits(command, &ctl.options, ctl.arg_count, why)) {
		cmd_fail("%s", why);
		return EXIT_USAGE;
	}
	return command->run(&ctl);
}
