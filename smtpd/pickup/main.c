/* mailroot-pickup: sends the files that local programs left for one virtual server. Init, jail, ready, loop. */
#include "smtpd/pickup/pickup.h"

int main(int argc, char **argv)
{
	struct child child;
	struct pickup pickup;
	child_start(argc, argv, CHILD_PICKUP, &child);
	pickup_init(&pickup, &child);
	pickup_jail(&pickup);
	pickup_ready(&pickup);
	return pickup_loop(&pickup);
}
