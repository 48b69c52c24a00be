#include "ctl/actwords.h"

#include <stdio.h>

#include "common/base/language.h"
#include "common/base/str.h"

static const struct actwords table[] = {
	{ROW_RETRY, N_("tried again now"), N_("retried"), N_("held: `mailrootctl queue release ID` releases one"),
	 N_("`mailrootctl queue list` shows their state.")},
	{ROW_HOLD, N_("held: not tried and not returned until released"), N_("held"), N_("held already"),
	 N_("`mailrootctl queue release ID` releases one, `queue release --all` all held messages.")},
	{ROW_RELEASE, N_("released and tried now"), N_("released"), N_("not held"),
	 N_("`mailrootctl queue list` shows their state.")},
	{ROW_DELETE, N_("deleted without a notice; they stay in badmail for 7 days"), N_("deleted"), N_("gone"),
	 N_("`mailrootctl badmail list` shows them, `badmail resend ID` sends one again.")},
	{ROW_BOUNCE, N_("returned to their senders as undeliverable"), N_("returned"), N_("gone"),
	 N_("The notices are in the queue like other mail; messages without a sender are in badmail.")},
};

const struct actwords *actwords_find(enum row_action action)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].action == action)
			return &table[i];
	return NULL;
}

void actwords_will(const struct actwords *words, uint64_t count, char *to)
{
	snprintf(to, ACTWORDS_MAX, ngettext("%llu message will be %s.", "%llu messages will be %s.", count),
		 (unsigned long long)count, _(words->will));
}

void actwords_nothing(const struct actwords *words, uint64_t already, char *to)
{
	if (already)
		snprintf(to, ACTWORDS_MAX, ngettext("nothing to do: %llu is %s", "nothing to do: %llu are %s", already),
			 (unsigned long long)already, _(words->already));
	else
		snprintf(to, ACTWORDS_MAX, "%s",
			 _("no message in the queue matches; `mailrootctl queue list` shows all"));
}

void actwords_done(const struct actwords *words, const uint64_t counts[ACTWORDS_COUNTS], char *to)
{
	const uint64_t in_hand = counts[ACTWORDS_IN_HAND], already = counts[ACTWORDS_ALREADY];
	unsigned long long all = counts[ACTWORDS_DONE] + in_hand + already + counts[ACTWORDS_FAILED];
	struct str text;
	str_init(&text, ACTWORDS_MAX - 1);
	str_printf(&text, _("%llu %s."), (unsigned long long)counts[ACTWORDS_DONE], _(words->done));
	if (in_hand)
		str_printf(&text,
			   ngettext(" %llu of %llu is being delivered just now and not changed.",
				    " %llu of %llu are being delivered just now and not changed.", in_hand),
			   (unsigned long long)in_hand, all);
	if (already)
		str_printf(&text, ngettext(" %llu of %llu is %s.", " %llu of %llu are %s.", already),
			   (unsigned long long)already, all, _(words->already));
	if (counts[ACTWORDS_FAILED])
		str_printf(&text, _(" %llu failed; the log has the reason."),
			   (unsigned long long)counts[ACTWORDS_FAILED]);
	snprintf(to, ACTWORDS_MAX, "%s", str_text(&text));
	str_free(&text);
}
