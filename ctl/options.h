/* Parses the command line of mailrootctl. Pure but for getopt's own state. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_bit {
	OPTION_JSON = 1 << 0,
	OPTION_YES = 1 << 1,
	OPTION_ALL = 1 << 2,
	OPTION_SERVER = 1 << 3,
	OPTION_CLIENT = 1 << 4,
	OPTION_TO = 1 << 5,
	OPTION_FROM = 1 << 6,
	OPTION_DOMAIN = 1 << 7,
	OPTION_SENDER = 1 << 8,
	OPTION_RECIPIENT = 1 << 9,
	OPTION_OLDER = 1 << 10,
	OPTION_NOW = 1 << 11,
	OPTION_CONFIRM = 1 << 12,
	OPTION_CONFIRMED = 1 << 13,
	OPTION_NAME = 1 << 14,
	OPTION_USER = 1 << 15,
	OPTION_TLS = 1 << 16,
	OPTION_USER_FILE = 1 << 17, /* --file */
	OPTION_CRAM_MD5 = 1 << 18,
	OPTION_SIZE = 1 << 19,
	OPTION_LARGER = 1 << 20,
	OPTION_REASON = 1 << 21,
	OPTION_ATTEMPTS = 1 << 22,
	OPTION_MESSAGE = 1 << 23,
	OPTION_BY = 1 << 24,
	OPTION_LOG = 1 << 25,
	OPTION_SENT = 1 << 26,
	OPTION_CHECK = 1 << 27,
	OPTION_SELECTOR = 1 << 28,
	OPTION_TYPE = 1 << 29,
	OPTION_FINISH = 1 << 30,
	OPTION_REMOVE = 1U << 31,
};

enum { OPTIONS_WORDS_MAX = 1000, OPTIONS_WHY_MAX = 400 };

struct options {
	const char *file;   /* -c */
	unsigned given;     /* set of enum option_bit */
	const char *server; /* "" if the option was not given, ready for a packet */
	const char *client;
	const char *name;
	const char *user;
	const char *to;
	const char *from;
	const char *domain;
	const char *sender;
	const char *recipient;
	const char *user_file;
	const char *size;
	const char *reason;
	const char *by;
	const char *log;
	const char *selector;
	const char *type;
	uint64_t older_s;
	uint64_t larger; /* octets */
	uint64_t attempts;
	uint64_t confirm_s;
	const char *words[OPTIONS_WORDS_MAX]; /* command and arguments, borrowed from argv */
	size_t word_count;
	bool help;
	bool version;
};

/* Options may be anywhere. A word, or an option that takes an address, may be <a@b> for a@b. False with WHY of
 * OPTIONS_WHY_MAX octets. */
bool options_parse(int argc, char **argv, struct options *out, char *why);

/* "300", "500K", "2M", "1G": octets. */
bool options_octets(const char *text, uint64_t *octets);

/* "30s", "15m", "12h", "2d": whole seconds, at most ten years. */
bool options_duration(const char *text, uint64_t *seconds);

/* The name of one bit, "--json". */
const char *options_name(unsigned bit);

/* Whether the option NAME, "server", takes the next word. */
bool options_take_value(const char *name);

#endif
