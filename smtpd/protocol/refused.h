/* Why a reply refuses, for metrics. */
#ifndef SMTPD_PROTOCOL_REFUSED_H
#define SMTPD_PROTOCOL_REFUSED_H

#include "common/ipc/counters.h"
#include "smtpd/protocol/replies.h"

/* The counter of reply ID, which is one from 400 on. */
enum counter refused_counter(enum reply_id id);

#endif
