#include "ctl/dkim/dkim.h"

int main(int argc, char **argv)
{
	return dkim_run(argc, argv);
}
