/* How much mail the logs have, when, and from which senders: what limits must permit. Bounded. */
#ifndef CTL_REPLAY_TRAFFIC_H
#define CTL_REPLAY_TRAFFIC_H

#include "common/base/hash.h"
#include "ctl/replay/reader.h"
#include "ctl/replay/sessions.h"

enum { TRAFFIC_HOURS_MAX = 100000, TRAFFIC_SENDERS_MAX = 20000, TRAFFIC_TOP = 5, TRAFFIC_SIZES = 64 * 8 };

struct traffic_hour {
	UT_hash_handle hh;
	int64_t hour; /* since 1970 */
	uint64_t messages;
};

struct traffic_sender {
	UT_hash_handle hh;
	uint64_t messages, octets;
	char address[SESSIONS_SENDER_MAX];
};

struct traffic {
	uint64_t messages, octets; /* accepted */
	uint64_t sized;            /* messages whose size was logged */
	uint64_t sizes[TRAFFIC_SIZES];
	int64_t largest; /* octets */
	struct place largest_at;
	uint64_t too_large, too_many; /* messages beyond max_message_size and max_recipients */
	unsigned most_recipients;
	struct place most_recipients_at;
	int64_t minute; /* the current one, and the busiest */
	uint64_t in_minute, busiest;
	int64_t busiest_s;
	struct traffic_hour *hours;
	struct traffic_sender *senders;
	uint64_t other_senders; /* messages of senders without room */
};

/* A message that the old server accepted at ROW; SIZE_MAX_OCTETS and RECIPIENTS_MAX are limits of the configuration. */
void traffic_message(struct traffic *traffic, const struct row *row, const struct place *place,
		     const struct old_session *session, int64_t size_max_octets, int64_t recipients_max);
void traffic_free(struct traffic *traffic);

/* Sorts hours and senders, most messages first. */
void traffic_sort(struct traffic *traffic);

/* Octets that 99 of 100 messages do not exceed, at most an eighth too high; 0 = no size is known. */
int64_t traffic_usual_size(const struct traffic *traffic);

#endif
