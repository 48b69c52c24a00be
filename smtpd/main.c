#include "smtpd/parent.h"

int main(int argc, char **argv)
{
	struct parent parent;
	parent_init(&parent, argc, argv);
	parent_jail(&parent);
	parent_ready(&parent);
	return parent_loop(&parent);
}
