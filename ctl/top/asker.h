/*
 * A thread that asks the service: for news once a second, and for what a person orders. So a process that does not
 * answer never stops the screen. Texts of other processes are translated in this thread only (words.h).
 */
#ifndef CTL_TOP_ASKER_H
#define CTL_TOP_ASKER_H

#include "ctl/top/news.h"
#include "ctl/top/order.h"

/* Starts it; it ends with the process. The descriptor is readable when there is something to take; -errno. */
int asker_start(const char *run_dir);

/* The latest news, owned by the caller (news_free, free); NULL = none since the last call. */
struct news *asker_news(void);

/* Passes on ORDER. One at a time: the next one after its answer. */
void asker_order(const struct order *order);

/* The answer to the order, owned by the caller (rows_free, free); NULL = not yet. */
struct answer *asker_answer(void);

#endif
