#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/ipc/rows.h"
#include "ctl/queues.h"

/* The cells of ROW_MESSAGE that are printed. */
enum cell { ID, STATE, SIZE, SENDER, OPEN, RECIPIENTS, AGE, NEXT_TRY, NEXT_HOP, REASON, FIRST };

struct mailq {
	uint64_t count, octets;
};

static bool write_list(void *context, const char *id, struct str *request)
{
	const struct wire_queue_list list = {.select_id = span_of(id)};
	(void)context;
	return wire_encode_queue_list(&list, request);
}

static uint64_t number(struct span cell)
{
	uint64_t n;
	return span_to_u64(cell, INT64_MAX, &n) ? n : 0;
}

/* The mark of other mailers: being delivered, or held. */
static char mark(struct span state)
{
	if (span_equal(state, SPAN("active")))
		return '*';
	return span_equal(state, SPAN("held")) ? '!' : ' ';
}

static void print_arrival(struct span age)
{
	time_t at = (time_t)(clock_wall_ms() / 1000 - (int64_t)number(age));
	struct tm local;
	char text[32] = "";
	if (localtime_r(&at, &local))
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S", &local);
	printf("%s", text);
}

static void on_row(void *context, const struct link_row *row)
{
	struct mailq *mailq = context;
	const struct span *cell = row->cells;
	if (!span_equal(row->kind, SPAN(ROW_MESSAGE)))
		return;
	if (!mailq->count++)
		puts("-Queue ID-                --Size-- ---Arrival Time---- -Sender/Recipient-------");
	mailq->octets += number(cell[SIZE]);
	printf("%.*s%c %9llu ", SPAN_ARGS(cell[ID]), mark(cell[STATE]), (unsigned long long)number(cell[SIZE]));
	print_arrival(cell[AGE]);
	printf("  %.*s\n", SPAN_ARGS(cell[SENDER].len ? cell[SENDER] : SPAN("<>")));
	if (cell[REASON].len)
		printf("    (%.*s)\n", SPAN_ARGS(cell[REASON]));
	printf("%56s %.*s", "", SPAN_ARGS(cell[FIRST]));
	uint64_t open = number(cell[OPEN]);
	if (open > 1)
		printf(" and %llu more", (unsigned long long)open - 1);
	puts("\n");
}

int cmd_mailq(struct ctl *ctl)
{
	struct queues queues;
	struct mailq mailq = {0};
	int status;
	if (!queues_open(ctl, &queues, &status))
		return status;
	queues_ask(&queues, &(struct queues_request){write_list, on_row, NULL, &mailq, false});
	if (mailq.count)
		printf("-- %llu Kbytes in %llu Request%s.\n", (unsigned long long)(mailq.octets + 1023) / 1024,
		       (unsigned long long)mailq.count, mailq.count == 1 ? "" : "s");
	else if (!queues.failed)
		puts("Mail queue is empty");
	bool good = !queues.failed;
	queues_close(&queues);
	return good ? EXIT_DONE : EXIT_FAILED;
}
