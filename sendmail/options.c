#include "sendmail/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * "+": the first recipient ends the options, so that no recipient from an untrusted source can be taken for an option.
 */
static const char known[] = "+:A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:q::r:stvx:";

/* Options for a daemon, its queue or its log, or obsolete ones: accepted and ignored. */
static const char idle[] = "ABGLOUXcehmnopsvx";

static bool fail(char *why, const char *what, const char *value, const char *remedy)
{
	snprintf(why, OPTIONS_WHY_MAX, "%.20s%.60s: %.100s", what, value, remedy);
	return false;
}

static bool take_mode(const char *value, struct options *out, char *why)
{
	static const struct {
		const char *letter;
		enum options_mode mode;
	} modes[] = {{"m", OPTIONS_SEND}, {"s", OPTIONS_SMTP}, {"p", OPTIONS_LIST}, {"i", OPTIONS_NOTHING}};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(value, modes[i].letter) == 0) {
			out->mode = modes[i].mode;
			return true;
		}
	}
	if (value[0] && strchr("dDl", value[0]))
		return fail(why, "-b", value, "the service is started by init; to start it by hand see mailrootd(8)");
	if (value[0] && strchr("tv", value[0]))
		return fail(why, "-b", value,
			    "`mailrootctl explain route ADDRESS` shows where mail for an address goes");
	return fail(why, "-b", value, "use -bm, -bs, -bp or -bi");
}

/* -q: try waiting mail now. -q15m, a daemon's interval, makes no sense here. */
static bool take_flush(const char *value, struct options *out, char *why)
{
	if (value && value[0] >= '0' && value[0] <= '9')
		return true;
	out->mode = OPTIONS_FLUSH;
	if (!value)
		return true;
	out->flush_id = value[0] == 'I';
	out->flush = value + 1;
	return ((value[0] == 'I' || value[0] == 'R') && value[1]) ||
	       fail(why, "-q", value, "use -q, -qIID or -qRDOMAIN");
}

static bool take_dsn(int letter, const char *value, struct options *out, char *why)
{
	switch (letter) {
	case 'N':
		return dsn_parse_notify(span_of(value), &out->notify.notify) ||
		       fail(why, "-N ", value, "use never, or some of success,failure,delay");
	case 'R':
		return dsn_parse_ret(span_of(value), &out->ret) || fail(why, "-R ", value, "use full or hdrs");
	default:
		/* The limit applies to the xtext: the next host would refuse a longer one. */
		return (value[0] && dsn_encode(span_of(value), out->envid, sizeof(out->envid))) ||
		       fail(why, "-V ", value, "use 1 to 100 printable ASCII characters");
	}
}

static bool take(int letter, const char *value, struct options *out, char *why)
{
	switch (letter) {
	case 'I':
		return take_mode("i", out, why);
	case 'b':
		return take_mode(value, out, why);
	case 'q':
		return take_flush(value, out, why);
	case 'N':
	case 'R':
	case 'V':
		return take_dsn(letter, value, out, why);
	case 'C':
		out->config = value;
		return true;
	case 'F':
		out->full_name = value;
		return true;
	case 'f':
	case 'r':
		out->sender = value;
		return true;
	case 'i':
		out->dot_is_text = true;
		return true;
	case 't':
		out->from_header = true;
		return true;
	default:
		if (letter == 'o' && strcmp(value, "i") == 0)
			out->dot_is_text = true;
		return strchr(idle, letter) != NULL;
	}
}

static bool take_options(int argc, char **argv, struct options *out, char *why)
{
	int letter;
	opterr = 0;
	optind = 0; /* resets glibc's getopt */
	while ((letter = getopt(argc, argv, known)) != -1) {
		char name[2] = {(char)optopt, '\0'};
		if (letter == ':')
			return fail(why, "-", name, "a value is missing");
		if (letter == '?')
			return fail(why, "-", name, "unknown option");
		if (!take(letter, optarg, out, why))
			return false;
	}
	return true;
}

static bool check_recipients(const struct options *options, char *why)
{
	for (size_t i = 0; i < options->recipient_count; i++) {
		const char *text = options->recipients[i];
		if (text[0] == '-' && options->mode != OPTIONS_FLUSH)
			return fail(why, "", text,
				    "an address must not begin with a dash; options come before recipients");
	}
	return true;
}

static enum options_mode mode_of_name(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	if (strcmp(base, "mailq") == 0)
		return OPTIONS_LIST;
	return strcmp(base, "newaliases") == 0 ? OPTIONS_NOTHING : OPTIONS_SEND;
}

bool options_parse(int argc, char **argv, struct options *out, char *why)
{
	*out = (struct options){.mode = mode_of_name(argc > 0 ? argv[0] : "")};
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		out->mode = OPTIONS_HELP;
		return true;
	}
	if (argc > 1 && !take_options(argc, argv, out, why))
		return false;
	out->recipients = argv + (argc > 1 ? optind : argc);
	out->recipient_count = argc > 1 ? (size_t)(argc - optind) : 0;
	return check_recipients(out, why);
}
