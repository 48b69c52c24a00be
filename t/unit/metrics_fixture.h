/* A scrape that no service made, and the text that comes of it. */
#ifndef T_UNIT_METRICS_FIXTURE_H
#define T_UNIT_METRICS_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/metrics/render.h"
#include "t/unit/suite.h"

static struct scrape scrape;
static struct str text;
static int write_fd, read_fd, null_fd;

/* One server, "a", with a page of zeros in which this process counts. */
static void setup(void)
{
	memset(&scrape, 0, sizeof(scrape));
	scrape.service = (struct service){.version = "1.2", .reloads = "3", .age_s = 10, .server_count = 1};
	scrape.service.servers[0] = (struct service_server){.name = "a", .state = "running", .trouble = ""};
	scrape.wall_ms = 1000 * 1000;
	ck_assert_int_eq(counters_create(&write_fd, &read_fd), 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	counters_map(write_fd);
	scrape.pages[0] = counters_map_read(read_fd);
	ck_assert_ptr_nonnull(scrape.pages[0]);
	str_init(&text, RENDER_MAX);
}

static void teardown(void)
{
	counters_map(null_fd);
	counters_unmap(scrape.pages[0]);
	close(write_fd);
	close(read_fd);
	close(null_fd);
	str_free(&text);
}

/* Makes the text anew. */
static void make(enum exposition_format format, bool windows)
{
	str_clear(&text);
	render(&scrape, format, windows, &text);
	ck_assert(!text.failed);
}

/* LINE is a whole line of the text. */
static bool has(const char *line)
{
	char whole[400];
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(str_text(&text), whole) || strncmp(str_text(&text), whole + 1, strlen(whole + 1)) == 0;
}

#define EXPECT(line) ck_assert_msg(has(line), "no line %s in\n%s", line, str_text(&text))

#endif
