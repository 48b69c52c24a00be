/* Parts of the text for people. */
#ifndef CTL_REPLAY_PRINT_PARTS_H
#define CTL_REPLAY_PRINT_PARTS_H

#include "ctl/replay/replay.h"

/* Domains that many strangers may no longer send to: a domain of ours that the configuration lacks. */
void print_missing_domains(const struct replay *replay);

void print_clients(const struct replay *replay);

/* The relay list that the clients need, as lines of mailroot.conf. */
void print_relay(const struct replay *replay);

/* Sizes, recipients, busy hours and senders, beside the limits of the configuration. */
void print_limits(const struct replay *replay);

#endif
