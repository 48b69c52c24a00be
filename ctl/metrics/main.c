/* mailroot-metrics: `mailrootctl metrics`. */
#include "ctl/metrics/metrics.h"

int main(int argc, char **argv)
{
	return metrics_run(argc, argv);
}
