/* mailroot-log: writes the transaction log of one virtual server. */
#include <signal.h>
#include <time.h>

#include "queue/log/log_loop.h"

int main(int argc, char **argv)
{
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_LOG, &child);
	return log_loop_run(&child);
}
