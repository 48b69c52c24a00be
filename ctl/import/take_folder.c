/* Folders: Windows paths become ours as the user says with --map-path. */
#include <string.h>
#include <strings.h>

#include "common/base/language.h"
#include "ctl/import/take.h"

static bool is_separator(char c)
{
	return c == '\\' || c == '/';
}

/* The rest of PATH behind PREFIX; false: PATH is not in that folder. */
static bool below(const char *path, const char *prefix, const char **rest)
{
	size_t len = strlen(prefix);
	while (len && is_separator(prefix[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		if (!(is_separator(path[i]) && is_separator(prefix[i])) && strncasecmp(path + i, prefix + i, 1) != 0)
			return false;
	*rest = path + len;
	return len && (!path[len] || is_separator(path[len]));
}

/* Takes the next name off *PATH; false at the end. */
static bool next_name(const char **path, struct span *name)
{
	const char *at = *path;
	while (is_separator(*at))
		at++;
	size_t len = 0;
	while (at[len] && !is_separator(at[len]))
		len++;
	*name = (struct span){at, len};
	*path = at + len;
	return len > 0;
}

/* The names of PATH behind FOLDER; NULL: one leads out of it, or can't be written. */
static const char *join(struct take *t, const char *folder, const char *path)
{
	size_t len = strlen(folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	const char *joined = plan_text(&t->plan, "%.*s", (int)len, folder);
	struct span name;
	while (next_name(&path, &name)) {
		if (span_equal(name, SPAN(".")) || span_equal(name, SPAN("..")) || span_find(name, ':') < name.len)
			return NULL;
		joined = plan_text(&t->plan, "%s/%.*s", joined, SPAN_ARGS(name));
	}
	return take_word(t, span_of(joined)) ? joined : NULL;
}

const char *take_path(struct take *t, struct metabase_property *p, const char *ours)
{
	const char *path = p->value, *rest;
	if (!path[0]) {
		take_say(t, p, REPORT_NOT, N_("empty; the folder is %s"), ours);
		return NULL;
	}
	for (size_t i = 0; i < t->choices->map_count; i++) {
		if (!below(path, t->choices->maps[i].windows, &rest))
			continue;
		const char *mapped = join(t, t->choices->maps[i].ours, rest);
		if (!mapped)
			take_say(t, p, REPORT_DOUBT,
				 N_("not taken: the path leads out of its folder, or is no ASCII text"));
		return mapped;
	}
	take_say(t, p, REPORT_NOT, N_("no --map-path says where this folder is here, so it is %s"), ours);
	return NULL;
}

static void take_folder(struct take *t, enum iis_property which, const char *setting, const char *ours)
{
	struct metabase_property *p = take_find(t, which);
	const char *path = p ? take_path(t, p, ours) : NULL;
	if (path && take_claim(t, 'f', path, false))
		take_line(t, t->server, p, REPORT_TAKEN, NULL, "%s %s", setting, take_word(t, span_of(path)));
	else if (path)
		take_off(t, t->server, p, N_("another folder has this path"), "%s %s", setting,
			 take_word(t, span_of(path)));
}

void take_folders(struct take *t)
{
	struct metabase_property *pickup = take_find(t, IIS_PickupDirectory), *should;
	bool yes = true;
	take_flag(t, IIS_ShouldPickupMail, &should, &yes);
	if (yes) {
		take_folder(t, IIS_PickupDirectory, "pickup_dir", "pickup in the folder of the virtual server");
		if (should && !should->told)
			take_say(t, should, REPORT_TAKEN,
				 N_("files of the pickup folder are sent, which is the default"));
	} else {
		take_line(t, t->server, should, REPORT_TAKEN, NULL, "pickup_dir off");
		if (pickup)
			take_say(t, pickup, REPORT_NOT, N_("ShouldPickupMail is FALSE"));
	}
	take_folder(t, IIS_BadMailDirectory, "badmail_dir", "badmail in the folder of the virtual server");
	if (pickup && yes)
		report_todo(
			&t->report,
			_("Programs that write into %s, the pickup folder of virtual server %s, have to reach the new one: share the folder, or let the programs send over SMTP."),
			pickup->value, t->name);
}
