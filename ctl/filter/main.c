#include "ctl/filter/trial.h"

int main(int argc, char **argv)
{
	return trial_run(argc, argv);
}
