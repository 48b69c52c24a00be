/* A whole log of any format, replayed: each recipient is counted once, and nothing grows beyond its bound. */
#include "ctl/replay/logfile.h"
#include "ctl/replay/replay.h"
#include "t/fuzz/replay_row.h"
#include "t/unit/smtpd_memory.h"

static const char lines[] = "access { auth scram-sha-256; tls_certificate /a /b }\n"
			    "connect { list 192.0.2.66 *.bad.example }\n"
			    "relay { list 10.0.0.0/8 *.corp.example }\n"
			    "remote_domain *.partner.example { relay yes }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static struct replay replay;
	struct span text = {(const char *)data, size}, line;
	struct logfile file;
	struct row row;
	struct place place = {.file = "ex.log"};
	uint64_t recipients = 0;
	if (!config.server_count)
		memory_config(lines, &config);
	MUST(replay_init(&replay, &config.servers[0], ROW_NO_TIME));
	logfile_init(&file, place.file);
	while (span_line(&text, &line)) {
		const char *why = NULL;
		place.line++;
		enum logfile_line kind = logfile_take(&file, line, &row, &why);
		MUST(kind != LOGFILE_BAD || why);
		if (kind != LOGFILE_ROW)
			continue;
		check_row(&row, line);
		recipients += row_is(&row, "RCPT") && !row.outbound;
		replay_take(&replay, &row, &place);
	}
	MUST(recipients == replay_compared(&replay) + replay.undecided + replay.unnamed);
	census_sort(&replay.census);
	traffic_sort(&replay.traffic);
	replay_free(&replay);
	return 0;
}
