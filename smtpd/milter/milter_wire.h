/*
 * The packets of the milter protocol, versions 2 to 6 (mfdef.h of libmilter): uint32 length in network order, which
 * counts what follows; one letter; data. Pure. Integers are in network order, strings end in NUL.
 */
#ifndef SMTPD_MILTER_MILTER_WIRE_H
#define SMTPD_MILTER_MILTER_WIRE_H

#include "common/base/str.h"
#include "common/mail/reply.h"

enum {
	MILTER_VERSION = 6,
	MILTER_VERSION_MIN = 2,
	MILTER_HEAD = 5,                           /* octets: length and letter */
	MILTER_DATA_MAX = 65535,                   /* octets of data in a packet to the filter */
	MILTER_LENGTH_MAX = 2 * 65535,             /* of a packet from the filter: letter and data */
	MILTER_PACKET_MAX = 4 + MILTER_LENGTH_MAX, /* the whole packet */
	MILTER_REPLY_LINES_MAX = 32,               /* of a reply; libmilter sends no more */
	MILTER_REPLY_LINE_MAX = 980,               /* octets of a line, without code; libmilter sends no more */
	MILTER_REPLY_MAX = MILTER_REPLY_LINES_MAX * (MILTER_REPLY_LINE_MAX + 1)
};

/* What a filter may ask for (SMFIF_*). */
enum {
	MILTER_ADD_FIELDS = 1 << 0,
	MILTER_CHANGE_BODY = 1 << 1,
	MILTER_ADD_RCPTS = 1 << 2,
	MILTER_REMOVE_RCPTS = 1 << 3,
	MILTER_CHANGE_FIELDS = 1 << 4,
	MILTER_QUARANTINE = 1 << 5,
	MILTER_CHANGE_SENDER = 1 << 6,
	MILTER_ADD_RCPTS_PAR = 1 << 7, /* with ESMTP parameters */
	MILTER_SET_MACROS = 1 << 8,
	MILTER_ACTIONS = (1 << 9) - 1
};

/* What a filter does not want to see, will not answer, or wants otherwise (SMFIP_*). */
enum {
	MILTER_NO_CONNECT = 1 << 0,
	MILTER_NO_HELO = 1 << 1,
	MILTER_NO_MAIL = 1 << 2,
	MILTER_NO_RCPT = 1 << 3,
	MILTER_NO_BODY = 1 << 4,
	MILTER_NO_HEADER = 1 << 5,
	MILTER_NO_EOH = 1 << 6,
	MILTER_MUTE_HEADER = 1 << 7, /* MUTE: sends no answer */
	MILTER_NO_UNKNOWN = 1 << 8,
	MILTER_NO_DATA = 1 << 9,
	MILTER_MAY_SKIP = 1 << 10,
	MILTER_REFUSED_RCPTS = 1 << 11, /* wants to see recipients that were refused, too */
	MILTER_MUTE_CONNECT = 1 << 12,
	MILTER_MUTE_HELO = 1 << 13,
	MILTER_MUTE_MAIL = 1 << 14,
	MILTER_MUTE_RCPT = 1 << 15,
	MILTER_MUTE_DATA = 1 << 16,
	MILTER_MUTE_UNKNOWN = 1 << 17,
	MILTER_MUTE_EOH = 1 << 18,
	MILTER_MUTE_BODY = 1 << 19,
	MILTER_LEADING_SPACE = 1 << 20, /* the blank after the colon belongs to the value */
	MILTER_PROTOCOL = (1 << 21) - 1
};

/* Where macros belong (SMFIM_*). */
enum milter_stage {
	MILTER_AT_CONNECT,
	MILTER_AT_HELO,
	MILTER_AT_MAIL,
	MILTER_AT_RCPT,
	MILTER_AT_DATA,
	MILTER_AT_EOM,
	MILTER_AT_EOH,
	MILTER_STAGE_COUNT
};

struct milter_packet {
	char letter;
	struct span data;
};

enum milter_framing { MILTER_PARTIAL, MILTER_WHOLE, MILTER_BAD_LENGTH };

/*
 * Reads the packet at the front of IN; *taken is its size, 0 if it is not whole. BAD_LENGTH, as soon as the length is
 * there: it is 0 or above MILTER_LENGTH_MAX; *length receives it.
 */
enum milter_framing milter_unwrap(struct span in, struct milter_packet *out, size_t *taken, uint32_t *length);

/* Begins a packet at the end of TO and returns its place there; milter_wrap_end completes its length. */
size_t milter_wrap(struct str *to, char letter);
void milter_wrap_end(struct str *to, size_t at);

/* Appends TEXT up to its first NUL, and a NUL. */
void milter_put_string(struct str *to, struct span text);
void milter_put_u32(struct str *to, uint32_t value);

/* Take a value off the front of *data; false if it is not whole, and nothing is taken. */
bool milter_get_string(struct span *data, struct span *out); /* without the NUL */
bool milter_get_u32(struct span *data, uint32_t *out);

/* The choice of the filter in negotiation. */
struct milter_choice {
	uint32_t version;
	uint32_t actions;
	uint32_t protocol;
	struct span lists[MILTER_STAGE_COUNT]; /* its own macros of a stage, "j {daemon_name}"; at == NULL: none */
};

/* Parses the data of its packet O. On false *why is the fault as a phrase: "has ...". */
bool milter_choice_parse(struct span data, struct milter_choice *out, const char **why);

/* Takes the next name off a list of macros; blanks and commas stand between them. False at its end. */
bool milter_list_next(struct span *list, struct span *name);

/* Whether both name the same macro: "i" is "{i}". */
bool milter_macro_equal(struct span a, struct span b);

/* A reply that a filter made itself: "550-5.7.1 First line CR LF 550 5.7.1 Last line". */
struct milter_reply {
	int code;                 /* 400 to 599 */
	struct enhanced enhanced; /* class 0: none */
	struct str text;          /* lines without codes, LF between them; printable ASCII; at most MILTER_REPLY_MAX */
};

/*
 * Parses the data of a packet y strictly: every line has the same code of 4yz or 5yz, '-' after it but ' ' in the last
 * line; an enhanced code has the class of the code; CR LF between lines, no other control character but a tab. "%%"
 * stands for "%", a single "%" for nothing, an octet above 127 becomes "?". On false *why is the fault as a phrase:
 * "has ...". out->text is initialized.
 */
bool milter_reply_parse(struct span data, struct milter_reply *out, const char **why);

#endif
