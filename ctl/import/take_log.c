/* The transaction log. */
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

enum { SIZE_MIN = 64 * 1024 };

static const struct {
	const char *clsid, *format;
} formats[] = {{"{FF160663-DE82-11CF-BC0A-00AA006111E0}", "w3c"},
	       {"{FF160657-DE82-11CF-BC0A-00AA006111E0}", "iis"},
	       {"{FF16065F-DE82-11CF-BC0A-00AA006111E0}", "ncsa"},
	       {"{FF16065B-DE82-11CF-BC0A-00AA006111E0}", "json"}};

/* Of our fields, the bit in LogExtFileFlags. */
static const struct {
	uint32_t bit;
	enum config_log_field field;
} fields[] = {{1 << 0, LOG_FIELD_DATE},          {1 << 1, LOG_FIELD_TIME},      {1 << 2, LOG_FIELD_C_IP},
	      {1 << 3, LOG_FIELD_USERNAME},      {1 << 4, LOG_FIELD_SITENAME},  {1 << 5, LOG_FIELD_COMPUTERNAME},
	      {1 << 6, LOG_FIELD_S_IP},          {1 << 15, LOG_FIELD_S_PORT},   {1 << 7, LOG_FIELD_METHOD},
	      {1 << 8, LOG_FIELD_URI_STEM},      {1 << 9, LOG_FIELD_URI_QUERY}, {1 << 10, LOG_FIELD_STATUS},
	      {1 << 11, LOG_FIELD_WIN32_STATUS}, {1 << 12, LOG_FIELD_SC_BYTES}, {1 << 13, LOG_FIELD_CS_BYTES},
	      {1 << 14, LOG_FIELD_TIME_TAKEN},   {1 << 19, LOG_FIELD_VERSION},  {1 << 20, LOG_FIELD_HOST},
	      {1 << 16, LOG_FIELD_USER_AGENT},   {1 << 17, LOG_FIELD_COOKIE},   {1 << 18, LOG_FIELD_REFERER}};

static struct plan_node *block(struct take *t)
{
	return plan_block(&t->plan, t->server, "log");
}

static const char *take_log_format(struct take *t)
{
	struct metabase_property *p = take_find(t, IIS_LogPluginClsid);
	const char *format = NULL;
	for (size_t i = 0; p && i < sizeof(formats) / sizeof(formats[0]); i++)
		if (span_equal_nocase(span_trim(span_of(p->value)), span_of(formats[i].clsid)))
			format = formats[i].format;
	if (format)
		take_line(t, block(t), p, strcmp(format, "json") == 0 ? REPORT_CHANGED : REPORT_TAKEN,
			  strcmp(format, "json") == 0 ? N_("a log into a database has no counterpart") : NULL,
			  "format %s", format);
	else if (p)
		take_say(t, p, REPORT_CHANGED, N_("a log module of another maker, or none: format w3c"));
	if (!format)
		take_extra(t, block(t), "the default of Windows", "format w3c");
	return format ? format : "w3c";
}

static void take_period(struct take *t)
{
	static const char *const words[] = {NULL, "daily", "weekly", "monthly", "hourly"};
	struct metabase_property *p, *size;
	uint32_t period = 1, octets = 0;
	bool has = take_number(t, IIS_LogFilePeriod, &p, &period);
	take_number(t, IIS_LogFileTruncateSize, &size, &octets);
	if (has && period > 0 && period < sizeof(words) / sizeof(words[0]))
		take_line(t, block(t), p, REPORT_TAKEN, NULL, "period %s", words[period]);
	else if (has && period)
		take_say(t, p, REPORT_DOUBT, N_("an unknown period; the default holds"));
	else if (has && (!octets || octets == UINT32_MAX))
		take_line(t, block(t), p, REPORT_TAKEN, NULL, "period unlimited");
	else if (has) {
		int64_t rounded = ((int64_t)(octets < SIZE_MIN ? SIZE_MIN : octets) + 1023) / 1024 * 1024;
		take_line(t, block(t), size, rounded == octets ? REPORT_TAKEN : REPORT_CHANGED, NULL, "period %s",
			  take_format(t, CONFIG_SIZE, rounded));
		take_say(t, p, REPORT_TAKEN, N_("by size"));
	}
	if (size && !size->told)
		take_say(t, size, REPORT_NOT, N_("LogFilePeriod is a time, not a size"));
}

static void take_fields(struct take *t, bool w3c)
{
	struct metabase_property *p = take_find(t, IIS_LogExtFileFlags);
	const char *words = "";
	char unknown[64];
	uint32_t bits = 0;
	if (!p)
		return;
	if (!value_flags(p->value, value_log_flags, &bits, unknown, sizeof(unknown)))
		take_say(t, p, REPORT_DOUBT, N_("%s is no field; the default of fields holds"), unknown);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (bits & fields[i].bit)
			words = plan_text(&t->plan, "%s %s", words, config_log_field_name(fields[i].field));
	if (!p->told && w3c && words[0])
		take_line(t, block(t), p, REPORT_TAKEN, NULL, "fields%s", words);
	else if (!p->told)
		take_say(t, p, REPORT_NOT, N_("fields can be chosen for w3c only, and not none"));
}

static void take_local_time(struct take *t, const char *format)
{
	struct metabase_property *p;
	bool yes;
	if (!take_flag(t, IIS_LogFileLocaltimeRollover, &p, &yes))
		return;
	if (yes && strcmp(format, "ncsa") != 0)
		take_line(t, block(t), p, REPORT_TAKEN, NULL, "local_time yes");
	else
		take_say(t, p, REPORT_TAKEN, N_("this is the default"));
}

/* The properties of a log that is off. */
static void tell_off(struct take *t)
{
	static const enum iis_property rest[] = {IIS_LogPluginClsid,  IIS_LogFileDirectory,
						 IIS_LogFilePeriod,   IIS_LogFileTruncateSize,
						 IIS_LogExtFileFlags, IIS_LogFileLocaltimeRollover};
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {
		struct metabase_property *p = take_find(t, rest[i]);
		if (p)
			take_say(t, p, REPORT_NOT, N_("the log was off"));
	}
}

void take_log(struct take *t)
{
	struct metabase_property *p, *folder = take_find(t, IIS_LogFileDirectory);
	uint32_t on;
	bool has = take_number(t, IIS_LogType, &p, &on);
	if (!has || !on) {
		if (has)
			take_say(t, p, REPORT_TAKEN, N_("no transaction log, which is the default"));
		tell_off(t);
		return;
	}
	take_say(t, p, REPORT_TAKEN, N_("a transaction log: see the block log"));
	const char *format = take_log_format(t);
	take_period(t);
	const char *path = folder ? take_path(t, folder, "that of the virtual server in log_dir") : NULL;
	/* Windows made a folder for each virtual server in it. */
	path = path ? plan_text(&t->plan, "%s/SMTPSVC%u", path, t->key->server) : NULL;
	if (path && take_claim(t, 'f', path, false))
		take_line(t, block(t), folder, REPORT_TAKEN, NULL, "dir %s", take_word(t, span_of(path)));
	else if (path)
		take_say(t, folder, REPORT_DOUBT, N_("not taken: another folder has this path"));
	take_fields(t, strcmp(format, "w3c") == 0);
	take_local_time(t, format);
}
