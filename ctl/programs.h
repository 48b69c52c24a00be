/* What commands.def says of the commands that are programs of their own, for these programs. */
#ifndef CTL_PROGRAMS_H
#define CTL_PROGRAMS_H

#include <stdio.h>

/* Prints the arguments and the help of `mailrootctl FIRST SECOND`; SECOND NULL: of all that begin with FIRST. */
void programs_print_usage(const char *first, const char *second, FILE *to);

#endif
