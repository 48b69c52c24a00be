#include "common/ipc/ipc.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/ipc/ask.h"
#include "t/unit/suite.h"

static int ends[2];
static char buffer[WIRE_PACKET_MAX];

static void setup(void)
{
	ck_assert_int_eq(ipc_pair(ends, 256 * 1024), 0);
}

static void teardown(void)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int receive(int flags, struct ipc_packet *packet)
{
	return ipc_receive(ends[1], buffer, sizeof(buffer), flags, packet);
}

START_TEST(pair_is_sequenced_and_closed_on_exec)
{
	for (int i = 0; i < 2; i++) {
		int type;
		socklen_t len = sizeof(type);
		ck_assert_int_eq(getsockopt(ends[i], SOL_SOCKET, SO_TYPE, &type, &len), 0);
		ck_assert_int_eq(type, SOCK_SEQPACKET);
		ck_assert(fcntl(ends[i], F_GETFD) & FD_CLOEXEC);
	}
}
END_TEST

START_TEST(packets_keep_their_bounds)
{
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_send(ends[0], SPAN("one"), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("second"), NULL, 0), 0);
	ck_assert_int_eq(receive(MSG_PEEK, &packet), 0);
	ck_assert(span_equal(packet.text, SPAN("one")));
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert(span_equal(packet.text, SPAN("one")));
	ck_assert_uint_eq(packet.fd_count, 0);
	ck_assert(!packet.eof);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert(span_equal(packet.text, SPAN("second")));
	ck_assert_int_eq(receive(MSG_DONTWAIT, &packet), -EAGAIN);
}
END_TEST

START_TEST(largest_packet)
{
	struct ipc_packet packet;
	char *octets = malloc(WIRE_PACKET_MAX);
	ck_assert_ptr_nonnull(octets);
	for (size_t i = 0; i < WIRE_PACKET_MAX; i++)
		octets[i] = (char)(i % 251);
	struct span whole = {octets, WIRE_PACKET_MAX};
	ck_assert_int_eq(ipc_send(ends[0], whole, NULL, 0), 0);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert(span_equal(packet.text, whole));
	free(octets);
}
END_TEST

/* Many more packets than the 10 of a datagram pair must fit while the other end does not read, in either direction. */
START_TEST(holds_many_packets)
{
	int sent = 0, err;
	struct ipc_packet packet;
	ck_assert_int_eq(fd_set_nonblock(ends[_i], true), 0);
	while ((err = ipc_send(ends[_i], SPAN("arrived 0123456789012345678901234567,S=1234.eml"), NULL, 0)) == 0)
		sent++;
	ck_assert_int_eq(err, -EAGAIN);
	ck_assert_int_ge(sent, 200);
	for (int i = 0; i < sent; i++)
		ck_assert_int_eq(ipc_receive(ends[!_i], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), 0);
	ck_assert_int_eq(ipc_receive(ends[!_i], buffer, sizeof(buffer), MSG_DONTWAIT, &packet), -EAGAIN);
}
END_TEST

START_TEST(descriptors_travel)
{
	struct ipc_packet packet;
	int fds[IPC_FDS_MAX];
	size_t before = open_descriptors();
	for (int i = 0; i < IPC_FDS_MAX; i++) {
		fds[i] = fd_sealed("test", (struct span){&"abcd"[i], 1});
		ck_assert_int_ge(fds[i], 0);
	}
	ck_assert_int_eq(ipc_send(ends[0], SPAN("job"), fds, IPC_FDS_MAX), 0);
	for (int i = 0; i < IPC_FDS_MAX; i++)
		fd_close(&fds[i]);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert_uint_eq(packet.fd_count, IPC_FDS_MAX);
	for (int i = 0; i < IPC_FDS_MAX; i++) {
		char octet;
		ck_assert_int_eq(pread(packet.fds[i], &octet, 1, 0), 1);
		ck_assert_int_eq(octet, "abcd"[i]);
		ck_assert(fcntl(packet.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	int kept = packet.fds[2];
	packet.fds[2] = -1;
	ipc_packet_close(&packet);
	ck_assert_int_eq(fcntl(kept, F_GETFD), FD_CLOEXEC);
	close(kept);
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* Packets that ipc_send would never send. */
static void send_descriptors(int count)
{
	char room[CMSG_SPACE(sizeof(int) * 16)];
	struct iovec octets = {.iov_base = "x", .iov_len = 1};
	struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1, .msg_control = room};
	memset(room, 0, sizeof(room));
	message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + sizeof(int) * (size_t)i, &ends[0], sizeof(int));
	ck_assert_int_eq(sendmsg(ends[0], &message, 0), 1);
}

START_TEST(too_many_descriptors_are_closed)
{
	struct ipc_packet packet;
	size_t before = open_descriptors();
	send_descriptors(IPC_FDS_MAX + _i);
	ck_assert_int_eq(receive(0, &packet), -EMSGSIZE);
	ck_assert_uint_eq(packet.fd_count, 0);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("next"), NULL, 0), 0);
	ck_assert_int_eq(receive(0, &packet), 0);
}
END_TEST

START_TEST(packet_beyond_the_buffer)
{
	struct ipc_packet packet;
	char small[4];
	size_t before = open_descriptors();
	ck_assert_int_eq(ipc_send(ends[0], SPAN("12345"), &ends[0], 1), 0);
	ck_assert_int_eq(ipc_receive(ends[1], small, sizeof(small), 0, &packet), -EMSGSIZE);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("1234"), NULL, 0), 0);
	ck_assert_int_eq(ipc_receive(ends[1], small, sizeof(small), 0, &packet), 0);
	ck_assert(span_equal(packet.text, SPAN("1234")));
}
END_TEST

START_TEST(end_comes_after_the_last_packet)
{
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_send(ends[0], SPAN("last"), NULL, 0), 0);
	fd_close(&ends[0]);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert(!packet.eof);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert(packet.eof);
	ck_assert_int_eq(ipc_send(ends[1], SPAN("x"), NULL, 0), -EPIPE);
}
END_TEST

/* The packets of an end that closed without reading ours can still be read. */
START_TEST(last_packets_of_an_end_that_did_not_read)
{
	struct ipc_packet packet;
	ck_assert_int_eq(ipc_send(ends[1], SPAN("unread"), NULL, 0), 0);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("last words"), NULL, 0), 0);
	fd_close(&ends[0]);
	ck_assert_int_eq(receive(MSG_DONTWAIT, &packet), 0);
	ck_assert(span_equal(packet.text, SPAN("last words")));
	ck_assert_int_eq(receive(MSG_DONTWAIT, &packet), 0);
	ck_assert(packet.eof);
}
END_TEST

START_TEST(empty_packet_is_not_the_end)
{
	struct ipc_packet packet;
	ck_assert_int_eq(send(ends[0], "", 0, 0), 0);
	ck_assert_int_eq(receive(0, &packet), 0);
	ck_assert_uint_eq(packet.text.len, 0);
	ck_assert(!packet.eof);
}
END_TEST

START_TEST(refuses_what_it_may_not_send)
{
	int fds[IPC_FDS_MAX + 1] = {ends[0], ends[0], ends[0], ends[0], ends[0]};
	ck_assert_int_eq(ipc_send(ends[0], SPAN(""), NULL, 0), -EINVAL);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("x"), fds, IPC_FDS_MAX + 1), -EINVAL);
	ck_assert_int_eq(ipc_send(-1, SPAN("x"), NULL, 0), -EBADF);
	ck_assert_int_eq(ipc_send(ends[0], SPAN("x"), (int[]){-1}, 1), -EBADF);
}
END_TEST

START_TEST(send_deadline)
{
	static const int64_t deadlines[] = {0, 1, 50, 1100};
	int64_t ms = deadlines[_i];
	int err = 0;
	ck_assert_int_eq(ipc_set_send_deadline(ends[0], ms), 0);
	int64_t start = clock_mono_ms();
	while (err == 0)
		err = ipc_send(ends[0], SPAN("nobody reads"), NULL, 0);
	ck_assert_int_eq(err, -EAGAIN);
	ck_assert_int_ge(clock_mono_ms() - start, ms);
	ck_assert_int_lt(clock_mono_ms() - start, 10000);
}
END_TEST

/* A process that only writes no more still waits for an answer. */
START_TEST(the_process_that_asks_is_known)
{
	ck_assert_int_eq(ask_peer(ends[0]), getpid());
	ck_assert(!ask_has_left(ends[0]));
	ck_assert_int_eq(ipc_send(ends[1], SPAN("more"), NULL, 0), 0);
	ck_assert(!ask_has_left(ends[0]));
	ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
	ck_assert(!ask_has_left(ends[0]));
	fd_close(&ends[1]);
	ck_assert(ask_has_left(ends[0]));
	ck_assert_int_eq(ask_peer(ends[0]), getpid());
	ck_assert_int_eq(ask_peer(-1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc");
	TCase *all = tcase_create("ipc");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, pair_is_sequenced_and_closed_on_exec);
	tcase_add_test(all, packets_keep_their_bounds);
	tcase_add_test(all, largest_packet);
	tcase_add_loop_test(all, holds_many_packets, 0, 2);
	tcase_add_test(all, descriptors_travel);
	tcase_add_loop_test(all, too_many_descriptors_are_closed, 1, 9);
	tcase_add_test(all, packet_beyond_the_buffer);
	tcase_add_test(all, end_comes_after_the_last_packet);
	tcase_add_test(all, last_packets_of_an_end_that_did_not_read);
	tcase_add_test(all, empty_packet_is_not_the_end);
	tcase_add_test(all, refuses_what_it_may_not_send);
	tcase_add_test(all, the_process_that_asks_is_known);
	tcase_add_loop_test(all, send_deadline, 0, 4);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
