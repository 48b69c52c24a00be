#include "smtpd/milter/milter_event.h"

#include <stdio.h>

static const struct milter_event events[] = {
	{'O', "negotiation", 0, 0, 0, 0},
	{'C', "connect", MILTER_NO_CONNECT, MILTER_MUTE_CONNECT, MILTER_AT_CONNECT, 0},
	{'H', "helo", MILTER_NO_HELO, MILTER_MUTE_HELO, MILTER_AT_HELO, 0},
	{'M', "mail", MILTER_NO_MAIL, MILTER_MUTE_MAIL, MILTER_AT_MAIL, 0},
	{'R', "rcpt", MILTER_NO_RCPT, MILTER_MUTE_RCPT, MILTER_AT_RCPT, 0},
	{'T', "data", MILTER_NO_DATA, MILTER_MUTE_DATA, MILTER_AT_DATA, 4},
	{'U', "unknown command", MILTER_NO_UNKNOWN, MILTER_MUTE_UNKNOWN, 0, 3},
	{'L', "header field", MILTER_NO_HEADER, MILTER_MUTE_HEADER, MILTER_AT_EOH, 0},
	{'N', "end of header", MILTER_NO_EOH, MILTER_MUTE_EOH, MILTER_AT_EOH, 0},
	{'B', "body", MILTER_NO_BODY, MILTER_MUTE_BODY, MILTER_AT_EOM, 0},
	{'E', "end of message", 0, 0, MILTER_AT_EOM, 0},
};

static const char any[] = "CHMRTULNBE";

static const struct milter_answer answers[] = {
	{'O', "negotiation", "O", MILTER_READY, 0, true},
	{'c', "continue", any, MILTER_CONTINUE, 0, false},
	{'a', "accept", any, MILTER_ACCEPT, 0, false},
	{'d', "discard", any, MILTER_DISCARD, 0, false},
	{'r', "reject", any, MILTER_REJECT, 0, false},
	{'t', "tempfail", any, MILTER_TEMPFAIL, 0, false},
	{'y', "reply", any, MILTER_REPLY, 0, true},
	{'4', "shutdown", any, MILTER_SHUTDOWN, 0, false},
	{'f', "connection failure", "C", MILTER_CONN_FAIL, 0, false},
	{'s', "skip", "B", MILTER_SKIP, 0, false},
	{'p', "progress", any, MILTER_PROGRESS, 0, false},
	{'h', "add field", "E", MILTER_EDIT, MILTER_ADD_FIELDS, true},
	{'i', "insert field", "E", MILTER_EDIT, MILTER_ADD_FIELDS, true},
	{'m', "change field", "E", MILTER_EDIT, MILTER_CHANGE_FIELDS, true},
	{'b', "replace body", "E", MILTER_BODY, MILTER_CHANGE_BODY, true},
	{'+', "add recipient", "E", MILTER_EDIT, MILTER_ADD_RCPTS, true},
	{'2', "add recipient with parameters", "E", MILTER_EDIT, MILTER_ADD_RCPTS_PAR, true},
	{'-', "remove recipient", "E", MILTER_EDIT, MILTER_REMOVE_RCPTS, true},
	{'e', "change sender", "E", MILTER_EDIT, MILTER_CHANGE_SENDER, true},
	{'q', "quarantine", "E", MILTER_EDIT, MILTER_QUARANTINE, true},
};

const struct milter_event *milter_event(char letter)
{
	size_t i = 0;
	while (i < sizeof(events) / sizeof(events[0]) - 1 && events[i].letter != letter)
		i++;
	return &events[i];
}

const struct milter_answer *milter_answer(char letter)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].letter == letter)
			return &answers[i];
	return NULL;
}

void milter_answer_text(char letter, char to[MILTER_LETTER_MAX])
{
	const struct milter_answer *answer = milter_answer(letter);
	if (answer)
		snprintf(to, MILTER_LETTER_MAX, "'%c' (%s)", letter, answer->name);
	else if (letter > ' ' && letter < 0x7f)
		snprintf(to, MILTER_LETTER_MAX, "'%c' (unknown)", letter);
	else
		snprintf(to, MILTER_LETTER_MAX, "0x%02x (unknown)", (unsigned char)letter);
}

void milter_event_text(char letter, char to[MILTER_LETTER_MAX])
{
	snprintf(to, MILTER_LETTER_MAX, "'%c' (%s)", letter, milter_event(letter)->name);
}
