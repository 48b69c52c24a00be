/* mailroot-top: `mailrootctl top`. */
#include "ctl/top/top.h"

int main(int argc, char **argv)
{
	return top_run(argc, argv);
}
