#include "ctl/replay/run.h"

int main(int argc, char **argv)
{
	return run_replay(argc, argv);
}
