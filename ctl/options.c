#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/span.h"

enum { NUMBER_LEN_MAX = 9, TEN_YEARS_S = 10 * 366 * 86400 };

static const struct {
	const char *name;
	unsigned bit;
	size_t text;     /* offset of the member that takes the value; 0 = none */
	size_t duration; /* the same, of seconds */
} known[] = {
	{"json", OPTION_JSON, 0, 0},
	{"yes", OPTION_YES, 0, 0},
	{"all", OPTION_ALL, 0, 0},
	{"now", OPTION_NOW, 0, 0},
	{"confirmed", OPTION_CONFIRMED, 0, 0},
	{"tls", OPTION_TLS, 0, 0},
	{"older", OPTION_OLDER, 0, offsetof(struct options, older_s)},
	{"confirm", OPTION_CONFIRM, 0, offsetof(struct options, confirm_s)},
	{"server", OPTION_SERVER, offsetof(struct options, server), 0},
	{"client", OPTION_CLIENT, offsetof(struct options, client), 0},
	{"name", OPTION_NAME, offsetof(struct options, name), 0},
	{"user", OPTION_USER, offsetof(struct options, user), 0},
	{"to", OPTION_TO, offsetof(struct options, to), 0},
	{"from", OPTION_FROM, offsetof(struct options, from), 0},
	{"domain", OPTION_DOMAIN, offsetof(struct options, domain), 0},
	{"sender", OPTION_SENDER, offsetof(struct options, sender), 0},
	{"recipient", OPTION_RECIPIENT, offsetof(struct options, recipient), 0},
	{"file", OPTION_USER_FILE, offsetof(struct options, user_file), 0},
	{"size", OPTION_SIZE, offsetof(struct options, size), 0},
	{"cram-md5", OPTION_CRAM_MD5, 0, 0},
};
enum { KNOWN = sizeof(known) / sizeof(known[0]), OTHER = 1000 };

const char *options_name(unsigned bit)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].bit == bit)
			return known[i].name;
	}
	return "?";
}

bool options_duration(const char *text, uint64_t *seconds)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t len = strlen(text);
	uint64_t n;

	if (len < 2 || len > NUMBER_LEN_MAX || !span_to_u64((struct span){text, len - 1}, TEN_YEARS_S, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[len - 1] != units[i].unit)
			continue;
		*seconds = n * units[i].seconds;
		return *seconds <= TEN_YEARS_S;
	}
	return false;
}

static bool take_value(struct options *out, size_t which, const char *value, char *why)
{
	if (out->given & known[which].bit && known[which].bit != OPTION_JSON && known[which].bit != OPTION_YES) {
		snprintf(why, OPTIONS_WHY_MAX, "--%s is given twice", known[which].name);
		return false;
	}
	out->given |= known[which].bit;
	if (known[which].text)
		memcpy((char *)out + known[which].text, &value, sizeof(value));
	uint64_t *seconds = (uint64_t *)(void *)((char *)out + known[which].duration);
	if (!known[which].duration || options_duration(value, seconds))
		return true;
	snprintf(why, OPTIONS_WHY_MAX, "--%s %.40s: a time such as 30s, 15m, 12h or 2d is wanted", known[which].name,
		 value);
	return false;
}

static void build_table(struct option to[KNOWN + 3])
{
	for (size_t i = 0; i < KNOWN; i++) {
		bool takes = known[i].text || known[i].duration;
		to[i] = (struct option){known[i].name, takes ? required_argument : no_argument, NULL, OTHER + (int)i};
	}
	to[KNOWN] = (struct option){"help", no_argument, NULL, 'h'};
	to[KNOWN + 1] = (struct option){"version", no_argument, NULL, 'V'};
	to[KNOWN + 2] = (struct option){0};
}

static bool take_words(int argc, char **argv, struct options *out, char *why)
{
	for (int i = optind; i < argc; i++) {
		if (out->word_count == OPTIONS_WORDS_MAX) {
			snprintf(why, OPTIONS_WHY_MAX, "more than %d words", OPTIONS_WORDS_MAX);
			return false;
		}
		out->words[out->word_count++] = argv[i];
	}
	return true;
}

bool options_parse(int argc, char **argv, struct options *out, char *why)
{
	struct option table[KNOWN + 3];
	int option;

	*out = (struct options){.file = MAILROOT_SYSCONFDIR "/mailroot.conf"};
	out->server = out->client = out->name = out->user = out->to = "";
	out->from = out->domain = out->sender = out->recipient = out->user_file = out->size = "";
	build_table(table);
	optind = 0; /* start anew, whatever was parsed before */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:hV", table, NULL)) != -1) {
		if (option == 'c')
			out->file = optarg;
		else if (option == 'h')
			out->help = true;
		else if (option == 'V')
			out->version = true;
		else if (option >= OTHER) {
			if (!take_value(out, (size_t)(option - OTHER), optarg, why))
				return false;
		} else {
			snprintf(why, OPTIONS_WHY_MAX,
				 option == ':' ? "%.100s needs a value" : "%.100s: no such option", argv[optind - 1]);
			return false;
		}
	}
	return take_words(argc, argv, out, why);
}
