/*
 * Makes a configuration of a metabase. Each property of iis.def is either converted by its row alone (take_value.c), or
 * read together with others by a function of one of the files take_*.c. Each value that is used, changed or refused
 * gets a row in the report, so no property is passed over in silence. Where the meaning of an access rule is in doubt,
 * the stricter reading counts.
 */
#ifndef CTL_IMPORT_TAKE_H
#define CTL_IMPORT_TAKE_H

#include "ctl/import/iis.h"
#include "ctl/import/iplist.h"
#include "ctl/import/plan.h"
#include "ctl/import/report.h"

enum {
	TAKE_MAPS_MAX = 32,
	TAKE_NAMES_MAX = 100,
	TAKE_CLAIMS_MAX = 4 * METABASE_KEYS_MAX,
	TAKE_NETS_MAX = IPLIST_ENTRIES_MAX
};

/* What the user decides. Strings are borrowed. */
struct take_choices {
	struct {
		const char *windows, *ours;
	} maps[TAKE_MAPS_MAX];
	size_t map_count;
	struct {
		unsigned server;
		const char *name;
	} names[TAKE_NAMES_MAX];
	size_t name_count;
	const char *out; /* where the configuration goes, for what is left to do; NULL = unknown */
	const char *log; /* folder of logs of the old server; NULL = unknown */
	bool strict;     /* no client may relay: for a list that the configuration's checks refuse */
};

/* A thing that only one may use: an endpoint, a folder, a name. */
struct take_claim {
	char kind;
	unsigned server;
	const char *what;
	bool shared; /* its server may claim it again */
};

struct take {
	const struct metabase *metabase;
	const struct take_choices *choices;
	struct plan plan;
	struct report report;
	struct take_claim *claims; /* TAKE_CLAIMS_MAX at most; owned */
	size_t claim_count;

	/* Of the virtual server in hand. */
	const struct metabase_key *key; /* its own */
	const struct metabase_key *at;  /* the key in hand: its own, or that of one of its domains */
	struct plan_node *server;
	const char *name;           /* of the block */
	const char *part;           /* heading in the report */
	const char *default_domain; /* NULL = the name of the machine */
	bool default_has_key;       /* the metabase has a key of the default domain */
	bool auth;                  /* clients can authenticate */
	bool smart_host;            /* all mail without a route goes to it */
	bool smart_host_named;      /* at least one of its hosts is a name */
	bool direct;                /* a server so far has no smart host, so mail leaves by MX */
	struct cidr *connects;      /* the only clients that may connect, TAKE_NETS_MAX at most; owned */
	size_t connect_count;
	bool connects_only; /* connects holds */
};

/* Takes all virtual servers of METABASE. False: it has none. The caller frees *t with take_free in either case. */
bool take_metabase(struct take *t, const struct metabase *metabase, const struct take_choices *choices);
void take_free(struct take *t);

/* The rest is for the files of this family. */

/* The value of a property that holds for the virtual server in hand, or NULL. */
struct metabase_property *take_find(const struct take *t, enum iis_property which);

/* Its value as a number. False: there is none, or it is no number, which the report then says. */
bool take_number(struct take *t, enum iis_property which, struct metabase_property **p, uint32_t *value);
bool take_flag(struct take *t, enum iis_property which, struct metabase_property **p, bool *value);

/* Adds a row to the report. */
void take_say(struct take *t, struct metabase_property *p, enum report_outcome outcome, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds the line FORMAT to block IN, with the name of the property and REMARK (NULL = none) beside it, and a row. */
struct plan_node *take_line(struct take *t, struct plan_node *in, struct metabase_property *p,
			    enum report_outcome outcome, const char *remark, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* The same as a comment, for a line that needs something before it can hold. */
struct plan_node *take_off(struct take *t, struct plan_node *in, struct metabase_property *p, const char *remark,
			   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds a line that no property has, with a comment. */
void take_extra(struct take *t, struct plan_node *in, const char *comment, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* TEXT as a word of the configuration, in quotes if need be; NULL: it has characters that can't stand there. */
const char *take_word(struct take *t, struct span text);

/* TEXT as a domain name (or, with PATTERN, as a pattern) in lower case A-labels; NULL with *why: it is none. */
const char *take_domain_name(struct take *t, struct span text, bool pattern, const char **why);

/* A value of TYPE as text. */
const char *take_format(struct take *t, enum config_type type, int64_t value);

/*
 * Claims WHAT, of a KIND ('e'ndpoint, 'f'older, 'm'ail domain, 'n'ame), for the server in hand. False: it is claimed
 * already, unless by the same server and both SHARED.
 */
bool take_claim(struct take *t, char kind, const char *what, bool shared);

/* The entries of a list of hosts such as "[192.0.2.1];mx.example.com" as our words; "" = none is valid. BRACKETS: names
 * are looked up without MX. *named: one of them is a name. */
const char *take_hosts(struct take *t, struct metabase_property *p, const char *text, bool brackets, bool *named);

/* A Windows path as ours by --map-path, not yet in quotes; NULL: it is not mapped, and the report says why. */
const char *take_path(struct take *t, struct metabase_property *p, const char *ours);

void take_row(struct take *t, const struct iis_row *row, struct metabase_property *p);
void take_listen(struct take *t);
void take_names(struct take *t);
void take_without(struct take *t);
void take_auth(struct take *t);
void take_connect(struct take *t);
void take_relay(struct take *t);
void take_messages(struct take *t);
void take_delivery(struct take *t);
void take_folders(struct take *t);
void take_log(struct take *t);
void take_smart_host(struct take *t);
void take_server_outbound(struct take *t);
void take_domains(struct take *t);

/* Whether a domain with these BITS of RouteAction is a remote one, and is routed or relayed. */
bool take_is_remote(uint32_t bits);

/* Bits of RouteAction. */
enum {
	ROUTE_DROP = 0x1,
	ROUTE_SMART_HOST = 0x2,
	ROUTE_TLS = 0x4,
	ROUTE_SASL = 0x8,
	ROUTE_ALIAS = 0x10,
	ROUTE_DELIVER = 0x20,
	ROUTE_DEFAULT = 0x40,
	ROUTE_NTLM = 0x80,
	ROUTE_BASIC = 0x100,
	ROUTE_ETRN = 0x200,
	ROUTE_IP_RELAY = 0x400,
	ROUTE_AUTH_RELAY = 0x800,
	ROUTE_RELAY = 0x1000,
	ROUTE_TURN = 0x2000,
	ROUTE_ASK_ETRN = 0x4000,
	ROUTE_KERBEROS = 0x200000,
	ROUTE_HELO = 0x400000,
	ROUTE_KNOWN = 0x605fff /* of a remote domain: all of these but TURN */
};

/*
 * Outbound security of the key in hand (a virtual server or a domain) in the block IN. HOSTS: its mail goes to hosts of
 * its own, not to those of MX; NAMED: one of them is a name. FILE names the password file.
 */
void take_outbound(struct take *t, struct plan_node *in, bool hosts, bool named, const char *file);

/* Whether the key in hand wants to authenticate to its hosts. */
bool take_wants_auth(const struct take *t);

#endif
