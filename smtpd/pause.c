#include "smtpd/pause.h"

#include "common/base/clock.h"
#include "common/config/types.h"
#include "smtpd/session/session.h"

size_t pause_share(size_t max)
{
	return max / CONFIG_PAUSE_PART;
}

/* Two workers that begin at the same moment count each other: then neither may wait, but never do too many. */
bool pause_begin(struct prefork *pool, size_t slot)
{
	struct scoreboard *board = prefork_scoreboard(pool);
	scoreboard_progress(board, slot, SESSION_PAUSED, 0, clock_wall_ms());
	if (scoreboard_count_phase(board, prefork_slots(pool), SESSION_PAUSED) <= pause_share(prefork_max(pool)))
		return true;
	scoreboard_progress(board, slot, SESSION_START, 0, clock_wall_ms());
	return false;
}
