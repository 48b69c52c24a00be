/* For tests that cause many log lines. The programs log everything. */
#ifndef COMMON_BASE_LOG_LEVEL_H
#define COMMON_BASE_LOG_LEVEL_H

#include "common/base/log.h"

/* Lines above this level are dropped; LOG_LEVEL_INFO at the start. */
void log_set_level(enum log_level level);

#endif
