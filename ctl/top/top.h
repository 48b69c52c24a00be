/* The command `mailrootctl top`: the service on a screen, once a second, with keys for what an operator does. */
#ifndef CTL_TOP_TOP_H
#define CTL_TOP_TOP_H

/* Returns the exit status (cmd.h). */
int top_run(int argc, char **argv);

#endif
