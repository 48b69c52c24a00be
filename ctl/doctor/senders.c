#include "ctl/doctor/senders.h"

#include "common/base/language.h"

size_t senders_domains(struct doctor *d, const struct config_server *server, struct ways_domain out[WAYS_DOMAINS_MAX])
{
	bool whole;
	size_t n = ways_domains(server, out, &whole);
	if (!whole)
		doctor_find(
			d, FINDING_NOTE, doctor_place(d, &server->origin),
			doctor_text(
				d,
				_("server %s: only the first %d of the domains in whose name its mail is sent were examined"),
				server->name, WAYS_DOMAINS_MAX),
			_("check each of the others with `mailrootctl dkim check DOMAIN`"));
	return n;
}
