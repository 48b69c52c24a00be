#include "ctl/doctor/doctor.h"

int main(int argc, char **argv)
{
	return doctor_run(argc, argv);
}
