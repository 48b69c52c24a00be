/* mailroot-filters: connects to the filters of one virtual server, for smtpd and pickup. Init, jail, ready, dialer. */
#include <signal.h>
#include <time.h>

#include "smtpd/filters/dialer.h"

int main(int argc, char **argv)
{
	static struct dialer dialer;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_FILTERS, &child);
	dialer_load(&dialer, &child);
	dialer_jail(&dialer);
	child_ready();
	dialer_run(&dialer);
	dialer_free(&dialer);
	return 0;
}
