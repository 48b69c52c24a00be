/*
 * The conditions that alerts are about: each begins, holds and ends. The caller says what it sees of the service; this
 * module decides what is news. Pure: it is told the time.
 *
 * A condition begins when it has been bad for its hold time, and ends when it has been good for the quiet time of its
 * kind (alerts.def). So a condition that comes and goes is one alert. A level between good and bad changes nothing: for
 * numbers that move around their limit. News stay due until watch_told, so a message that could not be sent is sent
 * later, and a condition that ended before its beginning was told is only counted.
 */
#ifndef CTL_ALERTS_WATCH_H
#define CTL_ALERTS_WATCH_H

#include "common/base/span.h"

enum alert_kind {
#define ALERT(kind, ...) ALERT_##kind,
#include "ctl/alerts/alerts.def"
#undef ALERT
	ALERT_KINDS
};

enum {
	WATCH_MAX = 256, /* conditions at one time; further ones are counted in watch.lost */
	WATCH_SERVER_MAX = 64,
	WATCH_OBJECT_MAX = 255,
	WATCH_DETAIL_MAX = 511
};

enum watch_level { WATCH_GOOD, WATCH_BETWEEN, WATCH_BAD };

enum watch_state {
	WATCH_BEGINS, /* bad, but not for long enough */
	WATCH_HOLDS,
	WATCH_ENDS, /* good, but not for long enough */
	WATCH_OVER  /* ended, and that is still to be told */
};

struct watch_alert {
	enum alert_kind kind;
	enum watch_state state;
	bool seen;                         /* since the last watch_round of its kind and server */
	bool told;                         /* the beginning was told */
	char server[WATCH_SERVER_MAX + 1]; /* virtual server; "" = the whole machine */
	char object[WATCH_OBJECT_MAX + 1]; /* next hop, file, folder or role: printable */
	char detail[WATCH_DETAIL_MAX + 1]; /* what was seen last when it was bad: printable */
	int64_t since_ms;                  /* wall clock: when it was first bad */
	int64_t good_ms;                   /* ENDS, OVER: when it was first good */
};

struct watch {
	struct watch_alert at[WATCH_MAX];
	size_t n;
	uint64_t lost;        /* conditions for which there was no room */
	uint64_t brief;       /* conditions that ended before their beginning was told, since the last watch_summed */
	int64_t quiet_max_ms; /* of the administrator: no kind waits longer for its end; 0 = as alerts.def says */
};

struct watch_sight {
	enum alert_kind kind;
	enum watch_level level;
	int64_t hold_ms; /* how long it must be bad before it begins; 0 = at once */
	const char *server;
	const char *object;
	const char *detail;
};

/* Copies TEXT to TO of SIZE octets: cut when it is too long, and with ? in place of what is not printable US-ASCII. */
void watch_text(struct span text, char *to, size_t size);

/* Notes what is seen at NOW, in milliseconds of the wall clock. The texts are copied (watch_text). */
void watch_see(struct watch *w, const struct watch_sight *sight, int64_t now);

/*
 * Everything of KIND at SERVER has been seen: what was not seen since the last call is good. A round in which the
 * process that knows did not answer is not closed, and changes nothing.
 */
void watch_round(struct watch *w, enum alert_kind kind, const char *server, int64_t now);

/* The server or the kind is watched no more: its alerts are forgotten, and no end is told. */
void watch_forget(struct watch *w, enum alert_kind kind, const char *server);

/* How many alerts have news, and the first of them; NULL = none. It begins in state HOLDS or ENDS, and ends in OVER. */
size_t watch_due(const struct watch *w);
struct watch_alert *watch_first_due(struct watch *w);

/* Its news has been told. ALERT is invalid after this. */
void watch_told(struct watch *w, struct watch_alert *alert);

/*
 * Whether the virtual server can carry the message of an alert: nothing is known that stops its mail, not even for a
 * moment. A condition of the whole machine has "" as its server, and concerns none of them.
 */
bool watch_carries_mail(const struct watch *w, const char *server);

/* How many conditions only a message that sums up can tell: those in `lost` and `brief`. */
uint64_t watch_untold(const struct watch *w);

/* A message that sums up has told all news. */
void watch_summed(struct watch *w);

/* The subject of a message about it, into the SIZE octets at TO; the word of a kind; what to do. */
void watch_subject(const struct watch_alert *alert, char *to, size_t size);
const char *watch_word(enum alert_kind kind);
const char *watch_advice(enum alert_kind kind);

/* Finds a kind by its word. */
bool watch_kind(struct span word, enum alert_kind *kind);

#endif
