/* mailroot-alerts: tells the administrator what needs attention. Init (folders, the sender), jail, ready, loop. */
#include <signal.h>
#include <time.h>

#include "ctl/alerts/rounds.h"

int main(int argc, char **argv)
{
	static struct rounds rounds;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_ALERTS, &child);
	rounds_load(&rounds, &child);
	rounds_jail(&rounds);
	child_ready();
	rounds_run(&rounds);
	rounds_free(&rounds);
	return 0;
}
