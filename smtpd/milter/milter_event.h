/* The packets of the milter protocol as tables: our events, and what a filter may say to them. Pure. */
#ifndef SMTPD_MILTER_MILTER_EVENT_H
#define SMTPD_MILTER_MILTER_EVENT_H

#include "smtpd/milter/milter.h"

struct milter_event {
	char letter;
	const char *name;
	uint32_t unwanted;       /* bit of a filter that does not want it */
	uint32_t mute;           /* bit of a filter that does not answer it */
	enum milter_stage stage; /* of its macros */
	uint32_t since;          /* version of the protocol */
};

/* Event LETTER, one of O C H M R T U L N B E. */
const struct milter_event *milter_event(char letter);

struct milter_answer {
	char letter;
	const char *name;
	const char *to; /* letters of the events that permit it */
	enum milter_result result;
	uint32_t action; /* bit of a filter that may send it; 0: any */
	bool has_data;
};

/* NULL: there is none. */
const struct milter_answer *milter_answer(char letter);

/* "'y' (reply)", "'E' (end of message)", "0x07 (unknown)", for messages. */
enum { MILTER_LETTER_MAX = 40 };
void milter_answer_text(char letter, char to[MILTER_LETTER_MAX]);
void milter_event_text(char letter, char to[MILTER_LETTER_MAX]);

#endif
