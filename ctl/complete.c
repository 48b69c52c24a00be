#include "ctl/complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/config/table.h"
#include "ctl/commands.h"

enum { WORD_MAX = 80 };

/* What a word of the synopsis of a command stands for. The first that fits counts. */
static const struct {
	const char *first, *word; /* FIRST: only of this command; NULL = of all */
	enum complete_live live;
} names[] = {
	{"server", "NAME", COMPLETE_SERVERS}, {"badmail", "ID", COMPLETE_BADMAIL}, {NULL, "SESSION", COMPLETE_SESSIONS},
	{NULL, "ID", COMPLETE_QUEUE},         {"oauth", "BLOCK", COMPLETE_BLOCKS},
};

static void offer(struct complete *complete, const char *candidate)
{
	if (strncmp(candidate, complete->last, strlen(complete->last)) == 0)
		complete->add(complete->context, candidate);
}

static void offer_option(struct complete *complete, struct span name)
{
	char text[WORD_MAX];
	snprintf(text, sizeof(text), "--%.*s", SPAN_ARGS(name));
	offer(complete, text);
}

/* The next "--name" in *SYNOPSIS, which moves behind it. VALUE: whether a word follows. */
static bool next_option(const char **synopsis, struct span *name, bool *value)
{
	const char *at = strstr(*synopsis, "--");
	if (!at)
		return false;
	at += 2;
	*name = (struct span){at, strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-")};
	*synopsis = at + name->len;
	*value = (*synopsis)[0] == ' ' && ascii_lower((*synopsis)[1]) >= 'a' && ascii_lower((*synopsis)[1]) <= 'z';
	return true;
}

/* Whether WORD is an option that takes the next word: "-c", "--server", or one of a program, COMMAND. */
static bool takes_value(const char *word, const struct command *command)
{
	struct span name;
	bool value;
	if (strcmp(word, "-c") == 0)
		return true;
	if (strncmp(word, "--", 2) != 0)
		return false;
	if (!command || command->run)
		return options_take_value(word + 2);
	for (const char *at = command->synopsis; next_option(&at, &name, &value);) {
		if (value && span_equal(name, span_of(word + 2)))
			return true;
	}
	return false;
}

static void offer_options(struct complete *complete, const struct command *command)
{
	struct span name;
	bool value;
	if (!command) {
		offer(complete, "-c");
		offer(complete, "--help");
		offer(complete, "--version");
		return;
	}
	for (unsigned bit = 1; command->run && bit && bit <= command->options; bit <<= 1) {
		if (command->options & bit)
			offer_option(complete, span_of(options_name(bit)));
	}
	for (const char *at = command->synopsis; !command->run && next_option(&at, &name, &value);)
		offer_option(complete, name);
}

/* The words that an option takes. */
static const struct {
	const char *option, *word;
} option_words[] = {
	{"--by", "hour"},      {"--by", "client"},    {"--by", "reply"},
	{"--type", "rsa2048"}, {"--type", "rsa4096"}, {"--type", "ed25519"},
};

static void offer_value(struct complete *complete, const char *option)
{
	if (strcmp(option, "--server") == 0)
		complete->live = COMPLETE_SERVERS;
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++)
		if (strcmp(option, option_words[i].option) == 0)
			offer(complete, option_words[i].word);
}

/* The first words of all commands, or with FIRST the second words of those that begin with it. */
static void offer_commands(struct complete *complete, const char *first)
{
	const char *before = "";
	const struct command *command;
	for (size_t i = 0; (command = commands_at(i)) != NULL; i++) {
		if (first && command->words[1] && strcmp(command->words[0], first) == 0)
			offer(complete, command->words[1]);
		if (!first && strcmp(command->words[0], before) != 0)
			offer(complete, command->words[0]);
		before = command->words[0];
	}
}

static void offer_settings(struct complete *complete)
{
	for (size_t i = 0; i < config_setting_count; i++) {
		bool again = false;
		for (size_t j = 0; j < i && !again; j++)
			again = strcmp(config_settings[i].name, config_settings[j].name) == 0;
		if (!again)
			offer(complete, config_settings[i].name);
	}
}

static void offer_arguments(struct complete *complete, const struct command *command)
{
	if (strcmp(command->words[0], "server") == 0)
		offer(complete, "all");
	if (strstr(command->synopsis, "SETTING")) {
		offer_settings(complete);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool fits = !names[i].first || strcmp(names[i].first, command->words[0]) == 0;
		if (fits && command->run && strstr(command->synopsis, names[i].word)) {
			complete->live = names[i].live;
			return;
		}
	}
}

static const struct command *command_of(const char *const *words, size_t n)
{
	char why[OPTIONS_WHY_MAX];
	size_t taken;
	return n ? commands_find(words, n, &taken, why) : NULL;
}

void complete_words(const char *const *words, size_t n, struct complete *complete)
{
	const char *found[2] = {NULL, NULL}; /* words that are neither options nor their values */
	const char *option = NULL;           /* that waits for its value */
	size_t count = 0;
	complete->last = n ? words[n - 1] : "";
	complete->live = COMPLETE_NONE;
	complete->file = NULL;
	for (size_t i = 0; i + 1 < n; i++) {
		if (option && strcmp(option, "-c") == 0)
			complete->file = words[i];
		else if (!option && words[i][0] != '-' && count < 2)
			found[count++] = words[i];
		option = !option && takes_value(words[i], command_of(found, count)) ? words[i] : NULL;
	}
	const struct command *command = command_of(found, count);
	if (option)
		offer_value(complete, option);
	else if (complete->last[0] == '-')
		offer_options(complete, command);
	else if (command)
		offer_arguments(complete, command);
	else if (count < 2)
		offer_commands(complete, found[0]);
}
