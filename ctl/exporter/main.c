/* mailroot-exporter: serves the metrics of the whole service by HTTP. Init (listeners), jail, ready, loop. */
#include <signal.h>
#include <time.h>

#include "ctl/exporter/exporter.h"

int main(int argc, char **argv)
{
	static struct exporter exporter;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_METRICS, &child);
	exporter_load(&exporter, &child);
	exporter_jail(&exporter);
	child_ready();
	exporter_run(&exporter);
	exporter_free(&exporter);
	return 0;
}
