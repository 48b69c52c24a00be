/* The requests of mailrootctl to master; common/ipc/rows.h describes the rows of the answers. */
#ifndef MASTER_REQUESTS_H
#define MASTER_REQUESTS_H

#include "common/base/span.h"

struct master;
struct control_client;

/* control_answer: with true, the connection of a stop stays open until the stop is complete. */
bool requests_answer(struct master *master, struct control_client *client, struct span packet);

#endif
