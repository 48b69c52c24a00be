/* mailroot-smtpd: accepts mail by SMTP for one virtual server. Init, jail, ready, loop. */
#include "smtpd/parent.h"

int main(int argc, char **argv)
{
	struct child child;
	struct parent parent;
	child_start(argc, argv, CHILD_SMTPD, &child);
	parent_init(&parent, &child);
	parent_jail(&parent);
	parent_ready(&parent);
	return parent_loop(&parent);
}
