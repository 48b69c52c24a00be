#include "ctl/metrics/gauges.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/metrics/hops.h"

enum gauge_family {
#define FAMILY(family, ...) GAUGE_##family,
#include "ctl/metrics/gauges.def"
	GAUGE_FAMILIES
};

static const struct {
	const char *name, *help;
} families[GAUGE_FAMILIES] = {
#define FAMILY(family, name, help) [GAUGE_##family] = {name, help},
#include "ctl/metrics/gauges.def"
};

static const struct gauge_fact {
	enum gauge_family family;
	const char *labels;
	size_t facts; /* offset in struct service_server */
	const char *fact;
} facts[] = {
#define FACT(family, labels, role, fact) {GAUGE_##family, labels, offsetof(struct service_server, role), fact},
#include "ctl/metrics/gauges.def"
};
enum { FACTS = sizeof(facts) / sizeof(facts[0]) };

static void gauge(struct exposition *x, const char *name, const char *help)
{
	exposition_family(x, name, EXPOSITION_GAUGE, help);
}

static void begin(struct exposition *x, const struct service_server *server)
{
	exposition_sample(x, "");
	exposition_label(x, "server", span_of(server->name));
}

static void write_service(const struct scrape *scrape, struct exposition *x)
{
	uint64_t reloads = 0, wall_ms = (uint64_t)scrape->wall_ms, age_ms = scrape->service.age_s * 1000;
	span_to_u64(span_of(scrape->service.reloads), INT64_MAX, &reloads);
	gauge(x, "mailroot_build_info", "The version of Mailroot; the value is always 1.");
	exposition_sample(x, "");
	exposition_label(x, "version", span_of(scrape->service.version));
	exposition_number(x, 1);
	gauge(x, "mailroot_start_time_seconds", "When the service was started, in seconds since 1970.");
	exposition_sample(x, "");
	exposition_number(x, wall_ms > age_ms ? (wall_ms - age_ms) / 1000 : 0);
	gauge(x, "mailroot_config_generation", "Reloads of the configuration since the start.");
	exposition_sample(x, "");
	exposition_number(x, reloads);
}

static void write_servers(const struct service *service, struct exposition *x)
{
	gauge(x, "mailroot_server_up", "1: the virtual server is running. 0: it is paused, stopped or in trouble.");
	for (size_t i = 0; i < service->server_count; i++) {
		begin(x, &service->servers[i]);
		exposition_number(x, strcmp(service->servers[i].state, "running") == 0);
	}
	gauge(x, "mailroot_server_info", "The state of the virtual server; the value is always 1.");
	for (size_t i = 0; i < service->server_count; i++) {
		begin(x, &service->servers[i]);
		exposition_label(x, "state", span_of(service->servers[i].state));
		exposition_number(x, 1);
	}
	gauge(x, "mailroot_problems", "Problems that `mailrootctl status` shows for the virtual server.");
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		begin(x, server);
		exposition_number(x, server->attention_count + (server->trouble[0] != '\0'));
	}
}

static void write_processes(const struct service *service, struct exposition *x)
{
	gauge(x, "mailroot_process_up", "1: the process of this role is ready.");
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		for (size_t j = 0; j < server->process_count; j++) {
			if (server->processes[j].older)
				continue;
			begin(x, server);
			exposition_label(x, "role", span_of(server->processes[j].role));
			exposition_number(x, strcmp(server->processes[j].state, "ready") == 0);
		}
	}
	gauge(x, "mailroot_process_answers", "1: the process has answered this scrape.");
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		begin(x, server);
		exposition_labels(x, "role=\"smtpd\"");
		exposition_number(x, server->smtpd.n > 0);
		begin(x, server);
		exposition_labels(x, "role=\"queue\"");
		exposition_number(x, server->queue.n > 0);
	}
}

static void write_sessions(const struct service *service, struct exposition *x)
{
	gauge(x, "mailroot_sessions", "SMTP sessions at this moment: of clients (in), and with other hosts (out).");
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		uint64_t out = 0;
		for (size_t j = 0; j < server->hop_count; j++)
			out += server->hops[j].connections;
		if (server->smtpd.n) {
			begin(x, server);
			exposition_labels(x, "direction=\"in\"");
			exposition_number(x, server->sessions);
		}
		if (server->queue.n) {
			begin(x, server);
			exposition_labels(x, "direction=\"out\"");
			exposition_number(x, out);
		}
	}
}

static void write_fact(const struct service *service, const struct gauge_fact *row, struct exposition *x)
{
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		uint64_t value;
		const char *text = service_fact((const void *)((const char *)server + row->facts), row->fact);
		if (!text || !span_to_u64(span_of(text), UINT64_MAX, &value))
			continue;
		begin(x, server);
		exposition_labels(x, row->labels);
		exposition_number(x, value);
	}
}

static void write_facts(const struct service *service, struct exposition *x)
{
	for (enum gauge_family family = 0; family < GAUGE_FAMILIES; family++) {
		gauge(x, families[family].name, families[family].help);
		for (size_t i = 0; i < FACTS; i++) {
			if (facts[i].family == family)
				write_fact(service, &facts[i], x);
		}
	}
}

static void write_certificates(const struct service *service, struct exposition *x)
{
	gauge(x, "mailroot_certificate_expiry_seconds",
	      "When the certificate for TLS, or one of its chain, expires, in seconds since 1970.");
	for (size_t i = 0; i < service->server_count; i++) {
		const struct service_server *server = &service->servers[i];
		for (size_t j = 0; j < server->certificate_count; j++) {
			begin(x, server);
			exposition_label(x, "file", span_of(server->certificates[j].file));
			exposition_number(x, server->certificates[j].until_s);
		}
	}
}

void gauges_write(const struct scrape *scrape, struct exposition *x)
{
	write_service(scrape, x);
	write_servers(&scrape->service, x);
	write_processes(&scrape->service, x);
	write_sessions(&scrape->service, x);
	write_facts(&scrape->service, x);
	write_certificates(&scrape->service, x);
	hops_write(&scrape->service, x);
}
