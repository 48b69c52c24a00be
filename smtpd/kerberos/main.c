/* mailroot-kerberos: asks the KDC whether a password is right, for one virtual server. Init, jail, ready, loop. */
#include <signal.h>
#include <time.h>

#include "smtpd/kerberos/loop.h"

int main(int argc, char **argv)
{
	static struct loop loop;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_KERBEROS, &child);
	loop_load(&loop, &child);
	loop_jail(&loop);
	child_ready();
	loop_run(&loop);
	loop_free(&loop);
	return 0;
}
