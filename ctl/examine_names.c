/* Checks name servers, and the host names that they have to know. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/net/nameserver.h"
#include "ctl/examine_place.h"
#include "ctl/hostcheck.h"

enum { TEXT_MAX = 1024, RESOLVCONF_MAX = 64 << 10, LOOKUPS_MS = 6000 /* for all of them together */ };

/* The look-ups of one run. */
struct names {
	struct nameservers servers;
	int64_t until; /* clock_mono_ms */
	bool gave_up;  /* no name server answers: the other names are skipped */
};

/* Only a warning: a name server may be down for a moment, and mail waits then. */
static void examine_dns(struct place place, const struct config_endpoints *servers)
{
	char text[NAMESERVER_TEXT_MAX];
	struct nameservers asked;
	nameservers_written(servers, &asked);
	nameservers_ask_and_wait(&asked);
	for (size_t i = 0; i < asked.n; i++) {
		place.at = &servers->at[i].origin;
		if (nameserver_trouble(&asked.at[i], text))
			place_say(&place, CERTIFICATE_WARNING, text);
	}
	nameservers_close(&asked);
}

/* Looks up the HOST of WHAT, unless it is an address. */
static void examine_host(struct place *place, struct names *names, const char *what, const struct config_host *host)
{
	char text[TEXT_MAX];
	place->at = &host->origin;
	if (host->kind == CONFIG_HOST_IP || names->gave_up)
		return;
	switch (hostcheck_host(&names->servers, host->name, host->kind == CONFIG_HOST_MX, names->until)) {
	case HOSTCHECK_FOUND:
		return;
	case HOSTCHECK_MISSING:
		snprintf(
			text, sizeof(text),
			_("%s %.255s: DNS has no host of this name, so its mail waits and is finally returned; check the name"),
			what, host->name);
		break;
	case HOSTCHECK_UNANSWERED:
		snprintf(text, sizeof(text),
			 _("%s %.255s: no name server answered in time, so the name could not be checked"), what,
			 host->name);
		names->gave_up = true;
		break;
	}
	place_say(place, CERTIFICATE_WARNING, text);
}

static void examine_hosts(struct place place, struct names *names, const char *what, const struct config_hosts *hosts)
{
	for (size_t i = 0; i < hosts->n; i++)
		examine_host(&place, names, what, &hosts->at[i]);
}

/* The name servers that the resolver of SERVER uses. */
static void find_servers(const struct config *config, const struct config_server *server, struct nameservers *to)
{
	const struct config_endpoints *written = server->dns_server.n ? &server->dns_server : &config->dns_server;
	struct str text;
	if (written->n) {
		nameservers_written(written, to);
		return;
	}
	str_init(&text, RESOLVCONF_MAX);
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fd_read_all(fd, &text))
		str_clear(&text);
	nameservers_resolvconf(str_span(&text), to);
	fd_close(&fd);
	str_free(&text);
}

static void examine_server(struct place place, struct names *names, const struct config_server *server)
{
	examine_hosts(place, names, "smart_host", &server->smart_host);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		examine_hosts(place, names, "route", &server->remote_domains[i].route.hosts);
	for (size_t i = 0; i < server->connector_count; i++)
		examine_hosts(place, names, "route", &server->connectors[i].route.hosts);
}

void examine_names(struct place place, const struct config *config)
{
	struct names names = {.until = clock_mono_ms() + LOOKUPS_MS};
	examine_dns(place, &config->dns_server);
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		examine_dns(place, &server->dns_server);
		find_servers(config, server, &names.servers);
		if (server->enabled)
			examine_server(place, &names, server);
	}
}
