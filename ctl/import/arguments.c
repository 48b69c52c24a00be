#include "ctl/import/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"

enum { NAME_MAX = 64, SERVER_NUMBER_MAX = 2000000000 };

static bool fail(char *why, const char *option, const char *value, const char *cure)
{
	snprintf(why, ARGUMENTS_WHY_MAX, "--%.20s %.100s: %s", option, value, cure);
	return false;
}

/* Cuts TEXT at its first '='. NULL: it has none, or nothing on one side. */
static const char *cut(char *text)
{
	char *sign = strchr(text, '=');
	if (!sign || sign == text || !sign[1])
		return NULL;
	*sign = '\0';
	return sign + 1;
}

static bool is_name(const char *name)
{
	return name[0] != '.' && strlen(name) <= NAME_MAX &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

static bool take_server(char *value, struct take_choices *choices, char *why)
{
	const char *name = cut(value);
	uint64_t number;
	if (!name || !span_to_u64(span_of(value), SERVER_NUMBER_MAX, &number) || !number)
		return fail(why, "server", value, _("write the number in the metabase and a name, such as 2=printers"));
	if (!is_name(name))
		return fail(why, "server", name,
			    _("a name has at most 64 letters, digits, . _ and -, without a dot in front"));
	if (choices->name_count == TAKE_NAMES_MAX)
		return fail(why, "server", value, _("too many"));
	for (size_t i = 0; i < choices->name_count; i++)
		if (choices->names[i].server == number || strcmp(choices->names[i].name, name) == 0)
			return fail(why, "server", name, _("given twice"));
	choices->names[choices->name_count].server = (unsigned)number;
	choices->names[choices->name_count++].name = name;
	return true;
}

static bool take_map(char *value, struct take_choices *choices, char *why)
{
	const char *ours = cut(value);
	if (!ours || ours[0] != '/')
		return fail(why, "map-path", value,
			    _("write both folders, such as 'C:\\Inetpub\\mailroot=/srv/mailroot'"));
	if (choices->map_count == TAKE_MAPS_MAX)
		return fail(why, "map-path", value, _("too many"));
	choices->maps[choices->map_count].windows = value;
	choices->maps[choices->map_count++].ours = ours;
	return true;
}

static bool take_option(int letter, struct arguments *out, char *why)
{
	switch (letter) {
	case 'o':
		out->out = out->choices.out = optarg;
		return true;
	case 'r':
		out->report = optarg;
		return true;
	case 'l':
		out->choices.log = optarg;
		return true;
	case 's':
		return take_server(optarg, &out->choices, why);
	case 'm':
		return take_map(optarg, &out->choices, why);
	case 'a':
		out->anonymise = true;
		return true;
	case 'h':
		out->help = true;
		return true;
	default: /* -c, which all commands have */
		return true;
	}
}

bool arguments_parse(int argc, char **argv, struct arguments *out, char *why)
{
	static const struct option known[] = {{"out", required_argument, NULL, 'o'},
					      {"report", required_argument, NULL, 'r'},
					      {"log", required_argument, NULL, 'l'},
					      {"server", required_argument, NULL, 's'},
					      {"map-path", required_argument, NULL, 'm'},
					      {"anonymise", no_argument, NULL, 'a'},
					      {"anonymize", no_argument, NULL, 'a'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int letter;
	*out = (struct arguments){0};
	opterr = 0;
	optind = 0;
	while ((letter = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		if (letter == '?') {
			snprintf(why, ARGUMENTS_WHY_MAX, _("%.100s: no such option, or its value is missing"),
				 argv[optind - 1]);
			return false;
		}
		if (!take_option(letter, out, why))
			return false;
	}
	if (out->help)
		return true;
	if (optind + 1 != argc) {
		snprintf(why, ARGUMENTS_WHY_MAX, _("name one metabase: import-iis MetaBase.xml"));
		return false;
	}
	out->file = argv[optind];
	if (out->anonymise && (out->report || out->choices.log || out->choices.name_count || out->choices.map_count)) {
		snprintf(why, ARGUMENTS_WHY_MAX,
			 _("--anonymise only writes a copy of the metabase; it takes --out alone"));
		return false;
	}
	return true;
}
