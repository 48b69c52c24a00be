/* Packets that no reader of a pool may take. A test of each pool includes and runs this. */
#ifndef T_UNIT_POOL_PACKETS_H
#define T_UNIT_POOL_PACKETS_H

#include "t/unit/pool_fixture.h"
#include "t/unit/wire_sample.h"

/* A packet for another reader ends the link. On job links not all types are tried, because each also ends a worker. */
START_TEST(packets_for_others)
{
	struct fixture f;
	uint64_t number;
	set_up(&f, 1);
	for (enum wire_type type = WIRE_job_smtp; type <= WIRE_idle; type++) {
		if (wire_permits(kind.jobs, WIRE_DOWN, type))
			continue;
		int job_link = receive_worker(&f, &number);
		wire_sample(type, &f.out);
		send_packet(&f, job_link, true, NULL, 0);
		expect_end(&f, job_link);
	}
	close(receive_worker(&f, &number));
	WIRE_EACH_FOREIGN(type, WIRE_LINK_pool, WIRE_DOWN)
	{
		wire_sample(type, &f.out);
		send_packet(&f, f.link[0], true, NULL, 0);
		do
			receive(&f, f.link[0]);
		while (!f.packet.eof);
		close(f.link[0]);
		attach(&f);
	}
	tear_down(&f, true);
}
END_TEST

#endif
