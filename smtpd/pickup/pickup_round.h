/* Rounds: each examines all files of one folder, PICKUP_TURN files at a time. */
#ifndef SMTPD_PICKUP_PICKUP_ROUND_H
#define SMTPD_PICKUP_PICKUP_ROUND_H

#include "smtpd/pickup/pickup.h"

/* At the start: finds messages that a previous process staged in new/, to publish them after a round of every place. */
void pickup_round_recover(struct pickup *p);

/* Reports the bad files of PLACE no longer when all of them have been removed from the badmail folder. */
void pickup_round_forget_bad(struct pickup *p, struct pickup_place *place);

/* Reads the events of inotify, which may let the next round begin sooner. */
void pickup_round_hear(struct pickup_place *place);

/* Continues a round, or begins one. At its end it reports trouble and sets the time of the next round. */
void pickup_round_turn(struct pickup *p, struct pickup_place *place);

#endif
