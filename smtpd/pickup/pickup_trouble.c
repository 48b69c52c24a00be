#include "smtpd/pickup/pickup_trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/base/log.h"

/* The folder, the number of files, and the first one. */
static const char *const odd_formats[PICKUP_LOOK_COUNT] = {
	[PICKUP_UNREADABLE] = N_(
		"%s: %u of its files can't be read by the service: let the program that writes them make them readable (mode 0644; the folder hides them); the first is \"%s\"\n"),
	[PICKUP_LINKED] = N_(
		"%s: %u of its files have several hard links: remove the other links, or copy the file into the folder; the first is \"%s\"\n"),
	[PICKUP_SPECIAL] = N_(
		"%s: %u of its files are symbolic links, pipes, sockets or devices, which are never sent: remove them; the first is \"%s\"\n"),
};

void pickup_trouble_begin(struct pickup_trouble *t)
{
	memset(t->odd, 0, sizeof(t->odd));
	t->own[0] = '\0';
}

void pickup_trouble_odd(struct pickup_trouble *t, enum pickup_look look, const char *name)
{
	if (!t->odd[look].count++)
		span_quotable(span_of(name), t->odd[look].first, sizeof(t->odd[look].first));
}

void pickup_trouble_own(struct pickup_trouble *t, const char *why)
{
	snprintf(t->own, sizeof(t->own), "%s", why);
}

void pickup_trouble_bad(struct pickup_trouble *t, const char *id, const char *name, const char *why)
{
	snprintf(t->bad_ids[t->bad % PICKUP_BAD_KEPT], sizeof(t->bad_ids[0]), "%s", id);
	char shown[PICKUP_SHOWN_MAX];
	span_quotable(span_of(name), shown, sizeof(shown));
	t->bad_last_ms = clock_wall_ms();
	if (!t->bad++)
		t->bad_since_ms = t->bad_last_ms;
	snprintf(t->bad_last, sizeof(t->bad_last), "\"%s\": %s", shown, why);
}

bool pickup_trouble_over(struct pickup_trouble *t, int badmail)
{
	char file[MSGID_LEN + sizeof(".eml")];
	unsigned kept = t->bad < PICKUP_BAD_KEPT ? t->bad : PICKUP_BAD_KEPT;
	for (unsigned i = 0; i < kept; i++) {
		snprintf(file, sizeof(file), "%s.eml", t->bad_ids[i]);
		if (faccessat(badmail, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
			return false;
	}
	t->bad = 0;
	return kept > 0;
}

static void write_odd(struct pickup_trouble *t, const char *path, struct str *to)
{
	for (unsigned kind = 0; kind < PICKUP_LOOK_COUNT; kind++) {
		unsigned bit = 1U << kind, count = t->odd[kind].count;
		if (!count)
			t->logged &= ~bit;
		if (!count || !odd_formats[kind])
			continue;
		size_t before = to->len;
		str_printf(to, odd_formats[kind], path, count, t->odd[kind].first);
		if (!(t->logged & bit))
			log_warning("%.*s", SPAN_ARGS(span_trim(span_skip(str_span(to), before))));
		t->logged |= bit;
	}
}

static void write_own(struct pickup_trouble *t, const char *path, const char *user, struct str *to)
{
	if (t->own[0])
		str_printf(to, N_("%s: its mail waits: %s (user %s)\n"), path, t->own, user);
	if (t->own[0] && strcmp(t->own, t->own_logged) != 0)
		log_error("%s: its mail waits: %s (user %s)", path, t->own, user);
	snprintf(t->own_logged, sizeof(t->own_logged), "%s", t->own);
}

static void write_bad(struct pickup_trouble *t, const char *path, const char *badmail, struct str *to)
{
	char since[CLOCK_TEXT_MAX];
	if (t->bad && clock_wall_ms() - t->bad_last_ms > PICKUP_BAD_SHOWN_MS)
		t->bad = 0;
	if (!t->bad)
		return;
	clock_iso(t->bad_since_ms, since);
	str_printf(
		to,
		N_("%s: %u bad files moved to %s since %s; the last was %s (`mailrootctl badmail delete --all` removes them and this line)\n"),
		path, t->bad, badmail, since, t->bad_last);
}

void pickup_trouble_write(struct pickup_trouble *t, const char *path, const char *user, const char *badmail,
			  struct str *to)
{
	write_own(t, path, user, to);
	write_odd(t, path, to);
	write_bad(t, path, badmail, to);
}
