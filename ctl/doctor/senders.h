/*
 * SPF, DKIM and DMARC of one domain in whose name mail is sent, as a receiver judges them. `doctor` and `dkim check`
 * say the same of a domain by these.
 */
#ifndef CTL_DOCTOR_SENDERS_H
#define CTL_DOCTOR_SENDERS_H

#include "ctl/doctor/dmarc.h"
#include "ctl/doctor/doctor.h"
#include "ctl/doctor/ownkeys.h"
#include "ctl/doctor/sources.h"
#include "ctl/doctor/ways.h"

/* The domains that the checks examine: those of ways_domains. Reports a finding if there are others. */
size_t senders_domains(struct doctor *d, const struct config_server *server, struct ways_domain out[WAYS_DOMAINS_MAX]);

/* "this machine (192.0.2.1)", "smart host smtp.example.net (192.0.2.2)". */
const char *senders_source_text(struct doctor *d, const struct source *source);

/* Reports what is wrong with SPF of DOMAIN, for the first source that does not pass. HELO: DOMAIN is the name in EHLO.
 */
void senders_spf(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain, bool helo,
		 const struct sources *sources);

/* Reports what is wrong with the keys of DOMAIN: ours, if the server signs for it, otherwise those of usual selectors.
 */
void senders_dkim(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
		  const struct ownkeys *keys);

/* The DMARC policy that holds for a domain. */
struct senders_policy {
	bool answered;             /* DNS gave an answer */
	size_t count;              /* records; receivers use none of several */
	bool valid;                /* `dmarc` is set; otherwise `why` says what is wrong */
	bool above;                /* it is that of a domain above */
	char name[DOMAIN_MAX + 8]; /* where it is */
	struct dmarc dmarc;        /* points into `text` */
	struct str text;           /* of the first record; owned */
	char why[DMARC_WHY_MAX];
};

/* Asks for the policy of DOMAIN, or of the nearest domain above it that has two labels at least. Free *OUT. */
void senders_policy_ask(struct ask *ask, const char *domain, struct senders_policy *out);
void senders_policy_free(struct senders_policy *policy);

/* What receivers shall do with mail of the domain that is not authenticated: p, or sp of a domain above. */
enum dmarc_policy senders_policy_wanted(const struct senders_policy *policy);

/*
 * Whether receivers find mail of DOMAIN authenticated by SPF: POLICY permits the domain of MAIL FROM, which passes for
 * all sources. A record that DNS does not answer for is in the report of senders_spf.
 */
bool senders_passes_spf(struct ask *ask, const struct config_server *server, const char *domain,
			const struct dmarc *policy, const struct sources *sources);

/* Reports what is wrong with DMARC of DOMAIN, and whether our mail fails it. */
void senders_dmarc(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
		   const struct sources *sources, const struct ownkeys *keys);

#endif
