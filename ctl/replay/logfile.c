#include "ctl/replay/logfile.h"

#include "common/base/language.h"
#include "ctl/replay/iislog.h"
#include "ctl/replay/moment.h"
#include "ctl/replay/ncsalog.h"

void logfile_init(struct logfile *file, const char *name)
{
	*file = (struct logfile){.day_s = ROW_NO_TIME};
	if (!moment_of_file(name, &file->day_s))
		file->day_s = ROW_NO_TIME;
	w3clog_init(&file->w3c, file->day_s < 0 ? ROW_NO_TIME : file->day_s - file->day_s % MOMENT_DAY_S);
}

static struct span strip(struct logfile *file, struct span line)
{
	static const char mark[] = "\xef\xbb\xbf";
	while (line.len && !line.at[0])
		line = span_skip(line, 1);
	while (line.len && (!line.at[line.len - 1] || line.at[line.len - 1] == '\r'))
		line.len--;
	if (!file->begun && span_starts(line, span_of(mark)))
		line = span_skip(line, sizeof(mark) - 1);
	file->begun |= line.len > 0;
	return span_trim(line);
}

/* JSON of Mailroot, and what was compressed, deserve a word of their own. */
static const char *known_fault(struct span line)
{
	if (span_starts(line, SPAN("{\"")))
		return N_("logs in JSON can't be replayed; those in w3c, iis and ncsa can");
	if (span_starts(line, SPAN("\x1f\x8b")))
		return N_("compressed: unpack it first, or give its text on standard input, as -");
	if (span_starts(line, SPAN("\xff\xfe")))
		return N_("this is UTF-16: convert it to UTF-8 first, with iconv -f UTF-16 -t UTF-8");
	return NULL;
}

enum logfile_line logfile_take(struct logfile *file, struct span line, struct row *out, const char **why)
{
	bool good;
	line = strip(file, line);
	if (!line.len)
		return LOGFILE_NOTHING;
	if (line.at[0] == '#')
		return w3clog_directive(&file->w3c, line, why) ? LOGFILE_NOTHING : LOGFILE_BAD;
	*why = known_fault(line);
	if (*why)
		return LOGFILE_BAD;
	if (file->w3c.count)
		good = w3clog_row(&file->w3c, line, out, why);
	else if (iislog_likely(line))
		good = iislog_row(line, file->day_s, out, why);
	else if (ncsalog_likely(line))
		good = ncsalog_row(line, out, why);
	else
		good = w3clog_row(&file->w3c, line, out, why); /* says that #Fields is missing */
	return good ? LOGFILE_ROW : LOGFILE_BAD;
}
