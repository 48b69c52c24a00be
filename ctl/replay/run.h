/* The program mailroot-replay, which is `mailrootctl replay`. */
#ifndef CTL_REPLAY_RUN_H
#define CTL_REPLAY_RUN_H

/* Runs the command line. Returns 0 = all is decided alike, 1 = not all, 2 = usage, or something can't be read. */
int run_replay(int argc, char **argv);

#endif
