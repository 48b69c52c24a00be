/* mailroot-web: fetches access tokens for one virtual server. Init (files, libraries), jail, ready, loop. */
#include <signal.h>
#include <time.h>

#include "common/base/log.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"
#include "delivery/web/loop.h"
#include "delivery/web/wiped.h"

int main(int argc, char **argv)
{
	static struct loop loop;
	struct child child;
	signal(SIGPIPE, SIG_IGN);
	tzset();
	child_start(argc, argv, CHILD_WEB, &child);
	if (!wiped_start())
		log_fatal(EXIT_TEMPORARY, "libcurl or OpenSSL can't start");
	loop_load(&loop, &child);
	const char *const paths[] = {loop.web.folder_path, NULL};
	const struct privs_jail jail = {.user = child.config.web_user, .paths = paths};
	privs_enter(&jail);
	syscalls_enter(SYSCALLS_web, child.config.sandbox.seccomp);
	child_ready();
	loop_run(&loop);
	loop_free(&loop);
	return 0;
}
