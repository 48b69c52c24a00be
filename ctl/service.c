#include "ctl/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/ipc/rows.h"
#include "ctl/link.h"
#include "ctl/words.h"

enum { ARENA_MAX = 16 << 20 };

static const char *keep(struct service *service, struct span text)
{
	const char *kept = arena_copy(&service->arena, text);
	return kept ? kept : "";
}

static uint64_t number_of(struct span cell)
{
	uint64_t n;
	return span_to_u64(cell, INT64_MAX / 1000, &n) ? n : 0;
}

/* The octets of a file system may be more than times can be. */
static uint64_t octets_of(struct span cell)
{
	uint64_t n;
	return span_to_u64(cell, UINT64_MAX, &n) ? n : 0;
}

static void take_service(struct service *service, const struct span *cells)
{
	service->version = keep(service, cells[0]);
	service->pid = keep(service, cells[1]);
	service->age_s = number_of(cells[2]);
	service->file = keep(service, cells[3]);
	service->reloads = keep(service, cells[4]);
	service->confirm_s = keep(service, cells[5]);
	service->went_back = keep(service, cells[6]);
}

static void take_server(struct service *service, const struct span *cells)
{
	if (service->server_count == SERVICE_SERVERS_MAX)
		return;
	struct service_server *server = &service->servers[service->server_count++];
	server->name = keep(service, cells[0]);
	server->state = keep(service, cells[1]);
	server->trouble = keep(service, words_cell(cells[2]));
	server->listeners = keep(service, cells[3]);
}

/* Master reports the newest process of each role first, then older smtpds. */
static size_t older_than(const struct service_server *server, struct span role)
{
	size_t n = 0;
	for (size_t i = 0; i < server->process_count; i++)
		n += span_equal(role, span_of(server->processes[i].role));
	return n;
}

/* A row about a process follows the row of its server NAME. NULL: it is about another one. */
static struct service_server *server_of(struct service *service, struct span name)
{
	if (!name.len)
		return &service->whole;
	struct service_server *last = service->server_count ? &service->servers[service->server_count - 1] : NULL;
	return last && span_equal(name, span_of(last->name)) ? last : NULL;
}

static void take_process(struct service *service, const struct span *cells)
{
	struct service_server *server = server_of(service, cells[0]);
	if (!server || server->process_count == SERVICE_PROCESSES_MAX)
		return;
	server->processes[server->process_count++] = (struct service_process){
		.role = keep(service, cells[1]),
		.older = older_than(server, cells[1]),
		.state = keep(service, cells[2]),
		.pid = keep(service, cells[3]),
		.age_s = number_of(cells[4]),
		.restarts = number_of(cells[5]),
		.last_end = keep(service, words_cell(cells[6])),
		.version = keep(service, cells[7]),
	};
}

static void take_attention(struct service *service, const struct span *cells)
{
	struct service_server *server = server_of(service, cells[0]);
	if (!server || server->attention_count == SERVICE_ATTENTION_MAX)
		return;
	server->attention[server->attention_count++] =
		(struct service_attention){keep(service, cells[1]), keep(service, words_cell(cells[3]))};
}

static void on_master_row(void *context, const struct link_row *row)
{
	struct service *service = context;
	if (span_equal(row->kind, SPAN(ROW_SERVICE)))
		take_service(service, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_SERVER)))
		take_server(service, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_PROCESS)))
		take_process(service, row->cells);
	else if (span_equal(row->kind, SPAN(ROW_ATTENTION)))
		take_attention(service, row->cells);
}

bool service_ask(int fd, struct service *out, char *said)
{
	struct link_answer answer = {.row = on_master_row, .context = out};
	struct wire_ctl_status status = {.detail = true};
	struct str request;
	*out = (struct service){.version = "", .pid = "", .file = "", .reloads = "", .confirm_s = "", .went_back = ""};
	arena_init(&out->arena, ARENA_MAX);
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_status(&status, &request);
	bool good = link_ask(fd, &request, &answer) && answer.exit_code == 0;
	fd_close(&answer.fd);
	snprintf(said, LINK_TEXT_MAX + 1, "%s", answer.said);
	return good;
}

struct facts_context {
	struct service *service;
	struct service_server *server;
	struct service_facts *facts;
	bool newest; /* the process is the newest of its role */
};

static void take_wait(struct facts_context *to, const struct link_row *row)
{
	struct service_server *server = to->server;
	const char *text = NULL;
	if (server->wait_count < SERVICE_WAITS_MAX)
		text = arena_printf(&to->service->arena, "%.*s %.*s: %.*s", SPAN_ARGS(words_cell(row->cells[0])),
				    SPAN_ARGS(row->cells[1]), SPAN_ARGS(words_cell(row->cells[2])));
	if (text)
		server->waits[server->wait_count++] = text;
}

static void take_recipients(struct facts_context *to, const struct link_row *row)
{
	struct service_server *server = to->server;
	if (!server->recipients)
		server->recipients =
			arena_alloc(&to->service->arena, CONFIG_RECIPIENT_FILES_MAX * sizeof(*server->recipients));
	if (!server->recipients || server->recipients_count == CONFIG_RECIPIENT_FILES_MAX)
		return;
	server->recipients[server->recipients_count++] =
		(struct service_recipients){keep(to->service, row->cells[0]), keep(to->service, row->cells[1]),
					    number_of(row->cells[2]), number_of(row->cells[3])};
}

static void take_hop(struct facts_context *to, const struct link_row *row)
{
	struct service_server *server = to->server;
	const struct span *cells = row->cells;
	if (!server->hops)
		server->hops = arena_alloc(&to->service->arena, SERVICE_HOPS_MAX * sizeof(*server->hops));
	if (!server->hops || server->hop_count == SERVICE_HOPS_MAX)
		return;
	server->hops[server->hop_count++] = (struct service_hop){
		.name = keep(to->service, cells[0]),
		.jobs = number_of(cells[1]),
		.at_workers = number_of(cells[2]),
		.connections = number_of(cells[3]),
		.state = keep(to->service, cells[4]),
		.reason = keep(to->service, words_cell(cells[6])),
		.messages = number_of(cells[7]),
		.oldest_s = number_of(cells[8]),
		.counted = cells[7].len,
	};
}

static void take_file_system(struct facts_context *to, const struct link_row *row)
{
	struct service_server *server = to->server;
	const struct span *cells = row->cells;
	if (!server->file_systems)
		server->file_systems =
			arena_alloc(&to->service->arena, SERVICE_FILE_SYSTEMS_MAX * sizeof(*server->file_systems));
	if (!server->file_systems || server->file_system_count == SERVICE_FILE_SYSTEMS_MAX)
		return;
	server->file_systems[server->file_system_count++] =
		(struct service_file_system){keep(to->service, cells[0]), octets_of(cells[1]), octets_of(cells[2]),
					     octets_of(cells[3]), octets_of(cells[4])};
}

static void take_certificate(struct facts_context *to, const struct link_row *row)
{
	struct service_server *server = to->server;
	if (!server->certificates)
		server->certificates =
			arena_alloc(&to->service->arena, SERVICE_CERTIFICATES_MAX * sizeof(*server->certificates));
	if (!server->certificates || server->certificate_count == SERVICE_CERTIFICATES_MAX)
		return;
	server->certificates[server->certificate_count++] =
		(struct service_certificate){keep(to->service, row->cells[0]), number_of(row->cells[1])};
}

static void on_fact(void *context, const struct link_row *row)
{
	struct facts_context *to = context;
	if (span_equal(row->kind, SPAN(ROW_RECIPIENTS)) && to->newest)
		take_recipients(to, row);
	if (span_equal(row->kind, SPAN(ROW_CERTIFICATE)) && to->newest)
		take_certificate(to, row);
	if (span_equal(row->kind, SPAN(ROW_FILE_SYSTEM)))
		take_file_system(to, row);
	if (span_equal(row->kind, SPAN(ROW_TROUBLE)))
		take_wait(to, row);
	if (span_equal(row->kind, SPAN(ROW_NEXT_HOP)))
		take_hop(to, row);
	if (!span_equal(row->kind, SPAN(ROW_FACT)) || to->facts->n == SERVICE_FACTS_MAX)
		return;
	to->facts->at[to->facts->n++] =
		(struct service_fact){keep(to->service, row->cells[0]), keep(to->service, row->cells[1])};
}

/* Closes FD. */
static void ask_facts(struct facts_context *context, int fd, enum child_role role, bool hops)
{
	struct link_answer answer = {.row = on_fact, .context = context};
	struct wire_queue_status queue = {.detail = hops};
	struct wire_smtpd_status smtpd = {.detail = false};
	struct str request;
	if (fd < 0)
		return;
	str_init(&request, WIRE_PACKET_MAX);
	if (role == CHILD_QUEUE)
		wire_encode_queue_status(&queue, &request);
	else
		wire_encode_smtpd_status(&smtpd, &request);
	if (link_ask(fd, &request, &answer) && role == CHILD_SMTPD)
		context->facts->warning = keep(context->service, span_of(answer.said));
	fd_close(&answer.fd);
	fd_close(&fd);
}

const char *service_fact(const struct service_facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (strcmp(facts->at[i].name, name) == 0)
			return facts->at[i].value;
	}
	return NULL;
}

static uint64_t fact_number(const struct service_facts *facts, const char *name)
{
	const char *value = service_fact(facts, name);
	return value ? number_of(span_of(value)) : 0;
}

static bool is_role(const struct service_process *process, enum child_role role)
{
	return strcmp(process->role, child_role_name(role)) == 0;
}

/* A link to process number I of SERVER, -1 = it can't be asked; *role is its role. */
static int link_to_place(const char *run_dir, const struct service_server *server, size_t i, enum child_role *role)
{
	const struct service_process *process = &server->processes[i];
	char why[LINK_TEXT_MAX + 1];
	*role = is_role(process, CHILD_QUEUE) ? CHILD_QUEUE : CHILD_SMTPD;
	if (process->older && is_role(process, CHILD_SMTPD))
		return link_to_older(run_dir, server->name, process->older, why);
	if (process->older || (strcmp(process->state, "ready") != 0 && strcmp(process->state, "retiring") != 0) ||
	    !(is_role(process, CHILD_QUEUE) || is_role(process, CHILD_SMTPD)))
		return -1;
	return link_to_child(run_dir, server->name, *role, why);
}

void service_ask_server(const char *run_dir, struct service *service, struct service_server *server, bool hops)
{
	for (size_t i = 0; i < server->process_count; i++) {
		struct service_facts facts = {0};
		struct facts_context context = {service, server, &facts, !server->processes[i].older};
		enum child_role role;
		int fd = link_to_place(run_dir, server, i, &role);
		ask_facts(&context, fd, role, hops);
		server->processes[i].sessions = role == CHILD_SMTPD ? fact_number(&facts, "sessions") : 0;
		server->sessions += server->processes[i].sessions;
		if (!facts.n || server->processes[i].older)
			continue;
		if (role == CHILD_QUEUE)
			server->queue = facts;
		else
			server->smtpd = facts;
	}
}

void service_ask_facts(const char *run_dir, struct service *service, bool hops)
{
	for (size_t i = 0; i < service->server_count; i++)
		service_ask_server(run_dir, service, &service->servers[i], hops);
}

void service_await_smtpd(const char *run_dir, struct service *service)
{
	for (size_t i = 0; i < service->server_count; i++) {
		for (size_t j = 0; j < service->servers[i].process_count; j++) {
			struct service_facts facts = {0};
			struct facts_context context = {service, &service->servers[i], &facts, false};
			enum child_role role = CHILD_SMTPD;
			if (!is_role(&service->servers[i].processes[j], CHILD_SMTPD))
				continue;
			int fd = link_to_place(run_dir, &service->servers[i], j, &role);
			ask_facts(&context, fd, CHILD_SMTPD, false);
		}
	}
}

void service_await(const char *run_dir)
{
	struct service *service = malloc(sizeof(*service));
	char said[LINK_TEXT_MAX + 1];
	int fd = link_to_master(run_dir);
	if (service && fd >= 0) {
		if (service_ask(fd, service, said))
			service_await_smtpd(run_dir, service);
		service_free(service);
	}
	fd_close(&fd);
	free(service);
}

void service_free(struct service *service)
{
	arena_free(&service->arena);
}
