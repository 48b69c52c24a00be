#include "queue/spool/read.h"

#include <errno.h>

#include "common/base/language.h"
#include "common/spool/envelope_file.h"

struct loaded *read_envelope(int fd, struct message *m, struct arena *arena, struct str *text, int *err,
			     const char **why)
{
	struct envelope envelope;
	*why = N_("unknown reason");
	arena_reset(arena);
	str_clear(text);
	*err = envelope_file_read(fd, text, arena, &envelope, why);
	struct loaded *w = *err ? NULL : loaded_new(m, &envelope);
	if (!*err && !w)
		*err = -ENOMEM;
	return w;
}

static void replay(void *context, const struct journal_line *line)
{
	loaded_replay(context, line);
}

int read_journal(const struct store *s, const struct message *m, struct loaded *w)
{
	int err = store_journal_read(s, m, replay, w);
	if (!err && m->unwritten)
		loaded_replay_lines(w, str_span(m->unwritten));
	return err;
}
