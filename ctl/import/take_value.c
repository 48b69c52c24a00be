/* Single values: rows of iis.def that stand for themselves, and the words that all files of this family need. */
#include <string.h>

#include "common/base/language.h"
#include "common/config/value.h"
#include "common/mail/domain.h"
#include "ctl/import/take.h"
#include "ctl/import/value.h"

/* Values of IIS that mean "no limit". */
enum { UNLIMITED = 2000000000, FEW_HOPS = 20 };

const char *take_word(struct take *t, struct span text)
{
	struct str word;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return NULL;
	str_init(&word, REPORT_VALUE_MAX);
	config_format_word(&word, text);
	const char *kept = word.failed ? NULL : plan_text(&t->plan, "%s", str_text(&word));
	str_free(&word);
	return kept;
}

static bool looks_numeric(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot ? dot + 1 : name;
	return !last[strspn(last, "0123456789")];
}

const char *take_domain_name(struct take *t, struct span text, bool pattern, const char **why)
{
	struct str name;
	const char *kept = NULL;
	bool below = pattern && span_starts(text, SPAN("*."));
	if (pattern && span_equal(text, SPAN("*")))
		return "*";
	str_init(&name, DOMAIN_MAX);
	*why = "it is no domain name";
	if (domain_to_ascii(span_skip(text, below ? 2 : 0), &name, why) && domain_valid(str_span(&name)) &&
	    !looks_numeric(str_text(&name)))
		kept = plan_text(&t->plan, "%s%s", below ? "*." : "", str_text(&name));
	str_free(&name);
	return kept;
}

const char *take_format(struct take *t, enum config_type type, int64_t value)
{
	struct str text;
	str_init(&text, REPORT_VALUE_MAX);
	config_value_format(type, &value, &text);
	const char *kept = plan_text(&t->plan, "%s", str_text(&text));
	str_free(&text);
	return kept;
}

/* The block of ROW in the virtual server in hand. */
static struct plan_node *block_of(struct take *t, const struct iis_row *row)
{
	return row->block == CONFIG_SERVER ? t->server
					   : plan_block(&t->plan, t->server, config_blocks[row->block].word);
}

/* Sets a number, size or time, within the bounds of the setting. */
static void set_number(struct take *t, const struct iis_row *row, struct metabase_property *p, int64_t value)
{
	const struct config_setting *setting = config_setting_find(row->block, span_of(row->setting));
	int64_t bounded = value;
	if (value != CONFIG_NONE && setting->max && value > setting->max)
		bounded = setting->max;
	if (setting->min && bounded < setting->min)
		bounded = setting->min;
	const char *remark = bounded < value   ? "the most that is allowed"
			     : bounded > value ? "the least that is allowed"
			     : row == &iis_rows[IIS_HopCount] && value <= FEW_HOPS
				     ? "few today: mail of large providers has passed more hosts"
				     : NULL;
	take_line(t, block_of(t, row), p, bounded == value ? REPORT_TAKEN : REPORT_CHANGED, remark, "%s %s",
		  row->setting, take_format(t, setting->type, bounded));
}

/* Sizes are written in K: rounded up. */
static void set_size(struct take *t, const struct iis_row *row, struct metabase_property *p, uint32_t octets)
{
	if (!octets || octets == UINT32_MAX)
		set_number(t, row, p, CONFIG_NONE);
	else
		set_number(t, row, p, ((int64_t)octets + 1023) / 1024 * 1024);
}

/* A delay notice can't be due after the message has expired. */
static int64_t notice_within(struct take *t, const struct iis_row *row, int64_t minutes)
{
	const bool local = row == &iis_rows[IIS_SmtpLocalDelayExpireMinutes];
	enum iis_property last = local ? IIS_SmtpLocalNDRExpireMinutes : IIS_SmtpRemoteNDRExpireMinutes;
	struct metabase_property *p = take_find(t, last);
	uint32_t expire = 2 * 24 * 60;
	if (!local && row != &iis_rows[IIS_SmtpRemoteDelayExpireMinutes])
		return minutes;
	if (p && (!value_number(p->value, &expire) || !expire || expire >= UNLIMITED))
		expire = 2 * 24 * 60;
	return minutes > expire ? expire : minutes;
}

static void set_time(struct take *t, const struct iis_row *row, struct metabase_property *p, uint32_t number)
{
	if (!number || number >= UNLIMITED) {
		take_say(t, p, REPORT_NOT, N_("%s has no such value; its default holds"), row->setting);
		return;
	}
	if (row->take == IIS_SECONDS)
		set_number(t, row, p, (int64_t)number * 1000);
	else
		set_number(t, row, p, notice_within(t, row, number) * 60 * 1000);
}

static void set_text(struct take *t, const struct iis_row *row, struct metabase_property *p)
{
	const struct config_setting *setting = config_setting_find(row->block, span_of(row->setting));
	struct span text = span_trim(span_of(p->value));
	const char *word = text.len && (int64_t)text.len <= setting->max ? take_word(t, text) : NULL;
	if (!text.len)
		take_say(t, p, REPORT_NOT, N_("empty; the default of %s holds"), row->setting);
	else if (!word)
		take_say(t, p, REPORT_DOUBT, N_("not taken: %s takes plain ASCII text of at most %lld characters"),
			 row->setting, (long long)setting->max);
	else
		take_line(t, block_of(t, row), p, REPORT_TAKEN, NULL, "%s %s", row->setting, word);
}

void take_row(struct take *t, const struct iis_row *row, struct metabase_property *p)
{
	uint32_t number = 0;
	bool yes = false;
	if (row->take == IIS_TEXT) {
		set_text(t, row, p);
		return;
	}
	if (row->take == IIS_YESNO ? !value_yesno(p->value, &yes) : !value_number(p->value, &number)) {
		take_say(t, p, REPORT_DOUBT, "not taken, because it is no %s",
			 row->take == IIS_YESNO ? "TRUE or FALSE" : "number");
		return;
	}
	switch (row->take) {
	case IIS_YESNO:
		take_line(t, block_of(t, row), p, REPORT_TAKEN, NULL, "%s %s", row->setting, yes ? "yes" : "no");
		break;
	case IIS_SIZE:
		set_size(t, row, p, number);
		break;
	case IIS_LIMIT:
		set_number(t, row, p, !number || number >= UNLIMITED ? CONFIG_NONE : number);
		break;
	case IIS_NUMBER:
		set_number(t, row, p, number);
		break;
	default:
		set_time(t, row, p, number);
	}
}
