#include "ctl/dkim/dkim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "ctl/programs.h"

static const struct {
	const char *word;
	unsigned options;
	size_t args_min, args_max;
	int (*run)(const struct ctl *ctl, const struct config *config);
} table[] = {
	{"keygen", OPTION_SELECTOR | OPTION_TYPE | OPTION_SERVER, 1, 1, dkim_keygen},
	{"check", OPTION_SERVER | OPTION_JSON, 0, 1, dkim_check},
	{"rotate", OPTION_FINISH | OPTION_SERVER, 1, 1, dkim_rotate},
	{"sign", OPTION_SERVER, 1, 1, dkim_sign_file},
};
enum { COMMANDS = sizeof(table) / sizeof(table[0]) };

static int refuse(const char *word, const char *why)
{
	cmd_fail("%s", why);
	programs_print_usage("dkim", word, stderr);
	return EXIT_USAGE;
}

static int run_with_config(const struct ctl *ctl, size_t which)
{
	struct loaded loaded;
	loaded_read(ctl->options.file, &loaded);
	int status = EXIT_FAILED;
	if (loaded.good) {
		status = table[which].run(ctl, &loaded.config);
	} else {
		fputs(str_text(&loaded.report.text), stderr);
		if (access(ctl->options.file, R_OK) && errno == EACCES)
			cmd_fail(_("run the command as root"));
		else
			cmd_fail(
				_("%s can't be used, and nothing was done: correct it first, or name another file with -c FILE"),
				ctl->options.file);
	}
	loaded_free(&loaded);
	return status;
}

static int run_word(struct ctl *ctl)
{
	const struct options *options = &ctl->options;
	char why[OPTIONS_WHY_MAX];
	size_t which = 0;
	while (which < COMMANDS && strcmp(table[which].word, options->words[0]) != 0)
		which++;
	if (which == COMMANDS) {
		snprintf(why, sizeof(why), _("dkim %.40s: no such command"), options->words[0]);
		return refuse(NULL, why);
	}
	const char *word = table[which].word;
	ctl->args = options->words + 1;
	ctl->arg_count = options->word_count - 1;
	unsigned extra = options->given & ~table[which].options;
	if (options->help) {
		programs_print_usage("dkim", word, stdout);
		return EXIT_DONE;
	}
	if (extra) {
		snprintf(why, sizeof(why), _("`dkim %s` has no option --%s"), word, options_name(extra & -extra));
		return refuse(word, why);
	}
	if (ctl->arg_count < table[which].args_min)
		return refuse(word, _("too few arguments"));
	if (ctl->arg_count > table[which].args_max)
		return refuse(word, _("too many arguments"));
	return run_with_config(ctl, which);
}

int dkim_run(int argc, char **argv)
{
	static struct ctl ctl;
	char why[OPTIONS_WHY_MAX];
	log_open("mailroot-dkim", NULL);
	language_init();
	if (!options_parse(argc, argv, &ctl.options, why))
		return refuse(NULL, why);
	if (ctl.options.given & OPTION_JSON)
		language_english();
	if (ctl.options.version) {
		printf("mailroot-dkim %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (ctl.options.word_count)
		return run_word(&ctl);
	programs_print_usage("dkim", NULL, ctl.options.help ? stdout : stderr);
	return ctl.options.help ? EXIT_DONE : EXIT_USAGE;
}
