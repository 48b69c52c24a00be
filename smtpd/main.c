#include "smtpd/parent.h"
#include "smtpd/pickup/pickup.h"

static int serve_clients(struct child *child)
{
	struct parent parent;
	parent_init(&parent, child);
	parent_jail(&parent);
	parent_ready(&parent);
	return parent_loop(&parent);
}

static int read_pickup(struct child *child)
{
	struct pickup pickup;
	pickup_init(&pickup, child);
	pickup_jail(&pickup);
	pickup_ready(&pickup);
	return pickup_loop(&pickup);
}

int main(int argc, char **argv)
{
	struct child child;
	child_start(argc, argv, 1U << CHILD_SMTPD | 1U << CHILD_PICKUP, &child);
	return child.role == CHILD_PICKUP ? read_pickup(&child) : serve_clients(&child);
}
