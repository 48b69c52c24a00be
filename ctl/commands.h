/* The table of commands of mailrootctl: finds and runs the command of a command line. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/cmd.h"

struct command {
	const char *words[2]; /* "queue", "list"; the second is NULL for a one-word command */
	unsigned options;     /* set of enum option_bit */
	size_t args_min, args_max;
	int (*run)(struct ctl *ctl); /* exit status; NULL: mailroot-FIRST of libexec does it, and parses its options */
	const char *synopsis;        /* the arguments after the words */
	const char *help;
};

/* Runs the command line. */
int commands_run(int argc, char **argv);

/*
 * The command with a program of its own that ARGV names, and in *AT the place of its word; NULL: none does. The word is
 * the first argument, or the first after `-c FILE`. Pure.
 */
const struct command *commands_program(int argc, char *const *argv, int *at);

/* Row I of the table, NULL after the last. Pure. */
const struct command *commands_at(size_t i);

/* Finds the command that WORDS begin with, and how many words it takes. NULL with WHY (OPTIONS_WHY_MAX): none. Pure. */
const struct command *commands_find(const char *const *words, size_t n, size_t *taken, char *why);

/* Whether COMMAND has these options and arguments; false with WHY (OPTIONS_WHY_MAX). Pure. */
bool commands_fits(const struct command *command, const struct options *options, size_t args, char *why);

#endif
