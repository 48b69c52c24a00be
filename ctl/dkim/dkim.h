/*
 * mailroot-dkim, the program of `mailrootctl dkim`. It reads private keys, and answers of DNS, for which mailrootctl
 * itself has no library. A process that asks DNS has forgotten the private keys, and has given up root.
 */
#ifndef CTL_DKIM_DKIM_H
#define CTL_DKIM_DKIM_H

#include "ctl/dkim/keyplace.h"

/* The command line; returns the exit status. */
int dkim_run(int argc, char **argv);

/* The commands. CONFIG is that of the file, without errors. Each returns the exit status. */
int dkim_keygen(const struct ctl *ctl, const struct config *config);
int dkim_check(const struct ctl *ctl, const struct config *config);
int dkim_rotate(const struct ctl *ctl, const struct config *config);
int dkim_sign_file(const struct ctl *ctl, const struct config *config);

#endif
