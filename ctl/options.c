#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/span.h"

enum { NUMBER_LEN_MAX = 9, TEN_YEARS_S = 10 * 366 * 86400, ATTEMPTS_MAX = 65535 };

enum value { FLAG, TEXT, ADDRESS, DURATION, OCTETS, NUMBER, VALUE_COUNT };

static const struct {
	const char *name;
	unsigned bit;
	enum value value;
	size_t member; /* offset of the member for the value */
} known[] = {
	{"json", OPTION_JSON, FLAG, 0},
	{"yes", OPTION_YES, FLAG, 0},
	{"all", OPTION_ALL, FLAG, 0},
	{"now", OPTION_NOW, FLAG, 0},
	{"check", OPTION_CHECK, FLAG, 0},
	{"confirmed", OPTION_CONFIRMED, FLAG, 0},
	{"tls", OPTION_TLS, FLAG, 0},
	{"cram-md5", OPTION_CRAM_MD5, FLAG, 0},
	{"message", OPTION_MESSAGE, FLAG, 0},
	{"sent", OPTION_SENT, FLAG, 0},
	{"older", OPTION_OLDER, DURATION, offsetof(struct options, older_s)},
	{"confirm", OPTION_CONFIRM, DURATION, offsetof(struct options, confirm_s)},
	{"larger", OPTION_LARGER, OCTETS, offsetof(struct options, larger)},
	{"attempts", OPTION_ATTEMPTS, NUMBER, offsetof(struct options, attempts)},
	{"server", OPTION_SERVER, TEXT, offsetof(struct options, server)},
	{"client", OPTION_CLIENT, TEXT, offsetof(struct options, client)},
	{"name", OPTION_NAME, TEXT, offsetof(struct options, name)},
	{"user", OPTION_USER, TEXT, offsetof(struct options, user)},
	{"to", OPTION_TO, ADDRESS, offsetof(struct options, to)},
	{"from", OPTION_FROM, ADDRESS, offsetof(struct options, from)},
	{"domain", OPTION_DOMAIN, TEXT, offsetof(struct options, domain)},
	{"sender", OPTION_SENDER, ADDRESS, offsetof(struct options, sender)},
	{"recipient", OPTION_RECIPIENT, ADDRESS, offsetof(struct options, recipient)},
	{"reason", OPTION_REASON, TEXT, offsetof(struct options, reason)},
	{"file", OPTION_USER_FILE, TEXT, offsetof(struct options, user_file)},
	{"size", OPTION_SIZE, TEXT, offsetof(struct options, size)},
	{"by", OPTION_BY, TEXT, offsetof(struct options, by)},
	{"log", OPTION_LOG, TEXT, offsetof(struct options, log)},
	{"selector", OPTION_SELECTOR, TEXT, offsetof(struct options, selector)},
	{"type", OPTION_TYPE, TEXT, offsetof(struct options, type)},
	{"finish", OPTION_FINISH, FLAG, 0},
	{"remove", OPTION_REMOVE, FLAG, 0},
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

bool options_take_value(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (strcmp(known[i].name, name) == 0)
			return known[i].value != FLAG;
	}
	return false;
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

bool options_octets(const char *text, uint64_t *octets)
{
	static const char units[] = "KMG";
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, text[len - 1]) : NULL;
	unsigned shift = unit ? 10U * (unsigned)(unit - units + 1) : 0;
	if (len > NUMBER_LEN_MAX + 1 || !span_to_u64((struct span){text, len - (unit != NULL)}, INT32_MAX, octets))
		return false;
	*octets <<= shift;
	return true;
}

/* "a@b" of "<a@b>", as protocols and logs write it. TEXT is changed. "<>" stays: it is the null sender. */
static const char *without_brackets(char *text)
{
	size_t len = strlen(text);
	if (len < 3 || text[0] != '<' || text[len - 1] != '>')
		return text;
	text[len - 1] = '\0';
	return text + 1;
}

static bool parse_value(enum value value, char *text, void *member)
{
	const char *kept = value == ADDRESS ? without_brackets(text) : text;
	switch (value) {
	case TEXT:
	case ADDRESS:
		memcpy(member, &kept, sizeof(kept));
		return true;
	case DURATION:
		return options_duration(text, member);
	case OCTETS:
		return options_octets(text, member);
	case NUMBER:
		return span_to_u64(span_of(text), ATTEMPTS_MAX, member);
	default:
		return true;
	}
}

static bool take_value(struct options *out, size_t which, char *value, char *why)
{
	static const char *const wanted[VALUE_COUNT] = {
		[DURATION] = N_("a time such as 30s, 15m, 12h or 2d"),
		[OCTETS] = N_("a number of octets such as 300, 500K or 2M"),
		[NUMBER] = N_("a number"),
	};
	if (out->given & known[which].bit && known[which].bit != OPTION_JSON && known[which].bit != OPTION_YES) {
		snprintf(why, OPTIONS_WHY_MAX, _("--%s is given twice"), known[which].name);
		return false;
	}
	out->given |= known[which].bit;
	if (parse_value(known[which].value, value, (char *)out + known[which].member))
		return true;
	snprintf(why, OPTIONS_WHY_MAX, _("--%s %.40s: not %s"), known[which].name, value,
		 _(wanted[known[which].value]));
	return false;
}

static void build_table(struct option to[KNOWN + 3])
{
	for (size_t i = 0; i < KNOWN; i++) {
		bool takes = known[i].value != FLAG;
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
			snprintf(why, OPTIONS_WHY_MAX, _("more than %d words"), OPTIONS_WORDS_MAX);
			return false;
		}
		out->words[out->word_count++] = without_brackets(argv[i]);
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
	out->reason = out->by = out->log = out->selector = out->type = "";
	build_table(table);
	optind = 0; /* reset getopt */
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
				 option == ':' ? _("%.100s needs a value") : _("%.100s: no such option"),
				 argv[optind - 1]);
			return false;
		}
	}
	return take_words(argc, argv, out, why);
}
