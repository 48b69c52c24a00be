/* A queue with the test as mailrootctl: it asks, and reads the rows of the answer. */
#ifndef T_UNIT_CONSOLE_FIXTURE_H
#define T_UNIT_CONSOLE_FIXTURE_H

#include "common/ipc/rows.h"
#include "queue/operator/console.h"
#include "t/unit/queue_fixture.h"

static char id[MSGID_LEN + 1];
static int reader;
static struct ctl *ctl;
static struct str rows; /* "kind|cell|cell\n" of an answer */
static struct wire_ctl_done end;
static size_t row_count, text_octets;

static inline void reader_open(void)
{
	fixture_open("smart_host [192.0.2.1]\n remote_domain other.test { route [192.0.2.2] }");
	int ends[2];
	ck_assert_int_eq(ipc_pair(ends, 1 << 16), 0);
	reader = ends[1];
	ctl = console_attach(&f.loop.console, ends[0], WIRE_LINK_ctl_queue);
	ck_assert_ptr_nonnull(ctl);
	str_init(&rows, 16 << 20);
}

static inline void reader_close(void)
{
	fixture_close();
	close(reader);
	str_free(&rows);
}

static inline void take_row(const struct wire_ctl_row *row)
{
	struct span rest = row->cells;
	str_append(&rows, row->kind);
	while (rest.len) {
		str_append_c(&rows, '|');
		str_append(&rows, span_take(&rest, ROW_SEPARATOR));
	}
	str_append_c(&rows, '\n');
	row_count++;
}

/* Reads an answer to its end. */
static inline void take_answer(void)
{
	static char buffer[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	struct wire_ctl_row row;
	struct wire_ctl_text piece;
	str_clear(&rows);
	row_count = text_octets = 0;
	for (int idle = 0; idle < TURNS_MAX;) {
		if (ipc_receive(reader, buffer, sizeof(buffer), MSG_DONTWAIT, &packet) < 0) {
			loop_turn(&f.loop);
			idle++;
			continue;
		}
		if (wire_decode_ctl_done(packet.text, &end))
			return;
		if (wire_decode_ctl_text(packet.text, &piece)) {
			text_octets += piece.text.len;
			continue;
		}
		ck_assert(wire_decode_ctl_row(packet.text, &row));
		take_row(&row);
	}
	ck_abort_msg("no end of the answer");
}

#define ASK(packet, ...)                                                                                               \
	do {                                                                                                           \
		const struct wire_##packet asked = {__VA_ARGS__};                                                      \
		struct str octets;                                                                                     \
		str_init(&octets, 4096);                                                                               \
		ck_assert(wire_encode_##packet(&asked, &octets));                                                      \
		ck_assert_int_eq(ipc_send(reader, str_span(&octets), NULL, 0), 0);                                     \
		str_free(&octets);                                                                                     \
		ck_assert(console_receive(&f.loop.console, ctl));                                                      \
		take_answer();                                                                                         \
	} while (0)

static inline void delay(const char *which, const char *rcpts)
{
	struct wire_job_smtp job;
	struct hand *w = hire(&f.loop.queue.delivery);
	accept_message(id, 2 * MINUTE, which, rcpts);
	expect_smtp(w, &job);
	report(w, id, 0, 0, JOURNAL_DELAYED, 451, true);
	dismiss(w);
}

#endif
