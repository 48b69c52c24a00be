/* What mailrootctl may ask master; the rows of the answer are described in common/ipc/rows.h. */
#ifndef MASTER_REQUESTS_H
#define MASTER_REQUESTS_H

#include "common/base/span.h"

struct master;
struct control_client;

/* Answers PACKET. True: leave the connection open (a stop, which its end announces). */
bool requests_answer(struct master *master, struct control_client *client, struct span packet);

#endif
