/* One look through all of a folder after another, in turns of PICKUP_TURN files. */
#ifndef SMTPD_PICKUP_PICKUP_ROUND_H
#define SMTPD_PICKUP_PICKUP_ROUND_H

#include "smtpd/pickup/pickup.h"

/* At the start: takes up what a reader before us left in new/. It is sent when every place was seen once. */
void pickup_round_recover(struct pickup *p);

/* Says no more of the bad files of PLACE once somebody has removed them from the badmail folder. */
void pickup_round_forget_bad(struct pickup *p, struct pickup_place *place);

/* inotify has something to say: the next round may have to come sooner. */
void pickup_round_hear(struct pickup_place *place);

/* Goes on with a round, or begins one; at its end says what is wrong and sets the time of the next. */
void pickup_round_turn(struct pickup *p, struct pickup_place *place);

#endif
