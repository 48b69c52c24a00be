/* A queue with a drop folder for example.com, in a folder of its own. */
#ifndef T_UNIT_DROP_FIXTURE_H
#define T_UNIT_DROP_FIXTURE_H

#include "queue/attempt/folder.h"
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];

/* EXTRA in place of the configuration of setup. */
static inline void open_with(const char *extra)
{
	fixture_close();
	fixture_open(extra);
}

static inline void setup(void)
{
	fixture_open("smart_host [192.0.2.1]");
}

#endif
