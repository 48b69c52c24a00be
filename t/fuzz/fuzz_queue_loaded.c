/*
 * Any journal replayed for any number of recipients: the counts are right, and a final recipient stays final. A message
 * that its envelope holds is not held after "released".
 */
#include <stdlib.h>

#include "queue/model/loaded.h"
#include "t/fuzz/must.h"

enum { RCPTS_MAX = 40 };

static bool final(enum recipient_state state)
{
	return state == RECIPIENT_DELIVERED || state == RECIPIENT_NOTICED || state == RECIPIENT_DELETED;
}

static void check(const struct loaded *w, const uint8_t *before)
{
	size_t counts[RECIPIENT_STATE_COUNT] = {0};
	for (size_t i = 0; i < w->rcpt_count; i++) {
		counts[w->states[i]]++;
		MUST(!final((enum recipient_state)before[i]) || final((enum recipient_state)w->states[i]));
		MUST(before[i] != RECIPIENT_DELIVERED || w->states[i] == RECIPIENT_DELIVERED);
	}
	for (size_t i = 0; i < RECIPIENT_STATE_COUNT; i++)
		MUST(counts[i] == w->counts[i]);
	MUST(loaded_done(w) == (counts[RECIPIENT_OPEN] + counts[RECIPIENT_DELAYED] + counts[RECIPIENT_FAILED] == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct address addresses[RCPTS_MAX];
	static struct message message;
	struct journal_line parsed;
	uint8_t before[RCPTS_MAX];
	if (!size)
		return 0;
	struct envelope envelope = {.rcpts = addresses, .rcpt_count = data[0] % RCPTS_MAX + 1u};
	if (data[0] >= 128)
		envelope.hold = SPAN("spam");
	struct loaded *w = loaded_new(&message, &envelope);
	struct span rest = {(const char *)data + 1, size - 1}, line;
	while (w && span_line(&rest, &line)) {
		if (!journal_parse(line, &parsed))
			continue;
		memcpy(before, w->states, w->rcpt_count);
		loaded_replay(w, &parsed);
		MUST(!w->hold.len || w->held);
		MUST(parsed.event != JOURNAL_RELEASED || !w->held);
		check(w, before);
	}
	if (w)
		loaded_free(w);
	return 0;
}
