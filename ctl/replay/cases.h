/*
 * The recipients that are decided otherwise than before, or whose verdict can't be known, counted in groups: by network
 * of the client, domain, old and new outcome, and the rule that decides. Bounded: what comes after CASES_MAX groups is
 * only counted.
 */
#ifndef CTL_REPLAY_CASES_H
#define CTL_REPLAY_CASES_H

#include "common/base/hash.h"
#include "ctl/replay/reader.h"
#include "ctl/replay/verdict.h"

enum { CASES_MAX = 20000, CASES_TEXT_MAX = 128 };

/* An address of the network that stands for it: the /24 of IPv4, the /64 of IPv6. */
struct ipaddr cases_network(const struct ipaddr *client);
enum { CASES_NETWORK_TEXT_MAX = IPADDR_TEXT_MAX + 4 };
void cases_network_format(const struct ipaddr *network, char *to); /* "10.1.2.0/24" */

/* The first of its recipients. */
struct example {
	struct place place;
	struct ipaddr client;
	char sender[CASES_TEXT_MAX];    /* "" = none, or not known */
	char recipient[CASES_TEXT_MAX]; /* printable, cut to fit */
};

struct cases_group {
	UT_hash_handle hh;
	struct ipaddr network;
	enum outcome old;
	struct verdict now;
	uint64_t count;
	bool one_client; /* all from the client of the example */
	int64_t first_s, last_s;
	struct example example;
	size_t key_len;
	char *domain; /* "" = none, in the key */
	char key[];
};

struct cases {
	struct cases_group *groups;
	uint64_t others; /* recipients without a group */
};

/* Counts one recipient. */
void cases_add(struct cases *cases, const struct example *example, int64_t time_s, struct span domain, enum outcome old,
	       const struct verdict *now);
void cases_free(struct cases *cases);

/*
 * For people: the groups of one network that differ in the domain alone. Those of all public networks are one line,
 * because strangers are many.
 */
struct cases_line {
	struct cases_group **groups;
	size_t group_count;
	const struct cases_group *largest;
	uint64_t count;
};

/*
 * Makes the lines, most recipients first. The caller frees *lines with cases_lines_free. Returns how many; 0 also
 * without memory.
 */
size_t cases_lines(const struct cases *cases, bool unknowable, struct cases_line **lines);
void cases_lines_free(struct cases_line *lines);

/* A domain, or a network, of a line. */
struct cases_part {
	const struct cases_group *group; /* one that has it */
	uint64_t count;
};
enum { CASES_TOP = 3 };

/* Finds the domains, or the networks, of LINE that have most recipients. Returns how many there are in all. */
size_t cases_top(struct cases_line *line, bool networks, struct cases_part top[CASES_TOP]);

/* Whether all recipients of LINE are of one client. */
bool cases_one_client(const struct cases_line *line);

#endif
