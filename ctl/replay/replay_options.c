#include "ctl/replay/replay_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/installed.h"
#include "common/base/language.h"
#include "ctl/options.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/row.h"

/* "2006-10-09", "2006-10-09 05:00:00", or "30d" before NOW_S. */
static bool parse_since(const char *text, int64_t now_s, int64_t *out)
{
	struct span rest = span_of(text);
	uint64_t duration_s;
	int64_t time_s = 0;
	if (options_duration(text, &duration_s)) {
		*out = now_s - (int64_t)duration_s;
		return *out >= 0;
	}
	struct span day = span_take(&rest, span_find(rest, 'T') < rest.len ? 'T' : ' ');
	if (!moment_iso_day(day, out) || (rest.len && !moment_time(rest, &time_s)))
		return false;
	*out += time_s;
	return true;
}

bool replay_options_parse(int argc, char **argv, int64_t now_s, struct replay_options *out, char *why)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'}, {"server", required_argument, NULL, 's'},
		{"since", required_argument, NULL, 't'},  {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},         {0},
	};
	int option;
	*out = (struct replay_options){
		.file = MAILROOT_SYSCONFDIR "/mailroot.conf", .server = "", .since_s = ROW_NO_TIME};
	optind = 0; /* reset getopt */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:h", table, NULL)) != -1) {
		if (option == 'c') {
			out->file = optarg;
		} else if (option == 's') {
			out->server = optarg;
		} else if (option == 'j') {
			out->json = true;
		} else if (option == 'h') {
			out->help = true;
		} else if (option == 't') {
			if (parse_since(optarg, now_s, &out->since_s))
				continue;
			snprintf(why, REPLAY_OPTIONS_WHY_MAX,
				 _("--since %.40s: not a time such as 2025-10-09, \"2025-10-09 05:00:00\" or 30d"),
				 optarg);
			return false;
		} else {
			snprintf(why, REPLAY_OPTIONS_WHY_MAX,
				 option == ':' ? _("%.100s needs a value") : _("%.100s: no such option"),
				 argv[optind - 1]);
			return false;
		}
	}
	out->paths = argv + optind;
	out->path_count = (size_t)(argc - optind);
	if (out->path_count || out->help)
		return true;
	snprintf(why, REPLAY_OPTIONS_WHY_MAX, "%s",
		 _("which logs? Name files, or folders such as SMTPSVC1, whose *.log are read"));
	return false;
}
