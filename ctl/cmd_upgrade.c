#include <stdio.h>

#include "common/base/fd.h"
#include "ctl/cmd.h"

/* The old master checks for 20 seconds at most, and the new one reports after 30 seconds at the latest. */
enum { UPGRADE_WAIT_MS = 60000, REPORT_MAX = 1 << 20 };

static void collect(void *context, struct span text)
{
	str_append(context, text);
}

/* The connection outlives the change of programs: its answer comes from the one that runs then. */
int cmd_upgrade(struct ctl *ctl)
{
	const struct wire_ctl_upgrade upgrade = {.check = ctl->options.given & OPTION_CHECK};
	struct str request, report;
	struct link_answer answer = {.text = collect, .context = &report, .wait_ms = UPGRADE_WAIT_MS};
	int status;
	int fd = cmd_connect(ctl, &status);
	if (fd < 0)
		return status;
	str_init(&request, WIRE_PACKET_MAX);
	str_init(&report, REPORT_MAX);
	wire_encode_ctl_upgrade(&upgrade, &request);
	bool good = link_ask(fd, &request, &answer) && answer.exit_code == 0;
	fputs(str_text(&report), good ? stdout : stderr);
	if (good)
		printf("%s\n", answer.said);
	else
		status = cmd_fail("%s", answer.said);
	str_free(&report);
	fd_close(&answer.fd);
	fd_close(&fd);
	return status;
}
