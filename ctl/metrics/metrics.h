/* The command `mailrootctl metrics`: prints what the exporter would serve. */
#ifndef CTL_METRICS_METRICS_H
#define CTL_METRICS_METRICS_H

/* Returns the exit status (cmd.h). */
int metrics_run(int argc, char **argv);

#endif
