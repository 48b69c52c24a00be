#include "ctl/metrics/scrape.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "ctl/link.h"

static void take_page(void *context, struct span name, int page)
{
	struct scrape *scrape = context;
	for (size_t i = 0; i < scrape->service.server_count; i++) {
		if (!scrape->pages[i] && span_equal(name, span_of(scrape->service.servers[i].name))) {
			scrape->pages[i] = counters_map_read(page);
			return;
		}
	}
}

/* Descriptor, or -1 with the reason in SAID. */
static int connect_to(const char *run_dir, char *said)
{
	int fd = link_to_master(run_dir);
	if (fd < 0)
		link_explain(run_dir, fd, said);
	return fd;
}

static bool ask_state(const char *run_dir, struct service *out, char *said)
{
	int fd = connect_to(run_dir, said);
	bool good = fd >= 0 && service_ask(fd, out, said);
	fd_close(&fd);
	return good;
}

static bool ask_pages(const char *run_dir, struct scrape *out, char *said)
{
	const struct wire_ctl_counters counters = {.counters = true};
	struct link_answer answer = {.page = take_page, .context = out};
	struct str request;
	int fd = connect_to(run_dir, said);
	if (fd < 0)
		return false;
	str_init(&request, WIRE_PACKET_MAX);
	wire_encode_ctl_counters(&counters, &request);
	bool good = link_ask(fd, &request, &answer) && answer.exit_code == 0;
	fd_close(&answer.fd);
	fd_close(&fd);
	if (!good)
		memcpy(said, answer.said, sizeof(answer.said));
	return good;
}

bool scrape_ask(const char *run_dir, struct scrape *out, char *said)
{
	memset(out->pages, 0, sizeof(out->pages));
	out->wall_ms = clock_wall_ms();
	out->service = (struct service){.version = ""};
	if (!ask_state(run_dir, &out->service, said) || !ask_pages(run_dir, out, said))
		return false;
	service_ask_facts(run_dir, &out->service, true);
	return true;
}

void scrape_free(struct scrape *scrape)
{
	for (size_t i = 0; i < SERVICE_SERVERS_MAX; i++)
		counters_unmap(scrape->pages[i]);
	service_free(&scrape->service);
}
