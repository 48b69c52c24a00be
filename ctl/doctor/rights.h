/* Gives up root before answers of strangers are read: those of DNS, and of other hosts. */
#ifndef CTL_DOCTOR_RIGHTS_H
#define CTL_DOCTOR_RIGHTS_H

#include "common/config/config.h"

/*
 * In the process of a check, for good: becomes delivery_user, as the processes that talk to other hosts are, and may
 * read what libraries read and write nothing (Landlock). Ends the process if a step fails.
 */
void rights_drop(const struct config *config);

#endif
