/* The command line of mailroot-replay. Pure but for getopt's own state. */
#ifndef CTL_REPLAY_REPLAY_OPTIONS_H
#define CTL_REPLAY_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_OPTIONS_WHY_MAX = 200 };

struct replay_options {
	const char *file;   /* the configuration */
	const char *server; /* "" = not given */
	int64_t since_s;    /* ROW_NO_TIME = not given */
	bool json, help;
	char *const *paths; /* borrowed from argv */
	size_t path_count;
};

/* NOW_S: the time that a duration counts back from. False with WHY of REPLAY_OPTIONS_WHY_MAX octets. */
bool replay_options_parse(int argc, char **argv, int64_t now_s, struct replay_options *out, char *why);

#endif
