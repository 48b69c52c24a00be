/* The filters of mail: whether each of them answers. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/language.h"
#include "common/process/privs.h"
#include "ctl/doctor/diagnose.h"
#include "smtpd/filters/reach.h"
#include "smtpd/milter/filter.h"

enum { ONE_MS = 5000 /* for a filter, and less if there are many */, SPARE_MS = 2000 };

static int dial(void *context, const struct config_filter *filter, int64_t until, char *why, size_t size)
{
	char text[DIAL_WHY_MAX + 1] = "";
	int fd = reach_connect(context, &filter->address, until, text);
	snprintf(why, size, "%s", text);
	return fd;
}

static void examine(struct doctor *d, struct reach *reach, const struct config_filter *config, int64_t most_ms)
{
	const struct filter_services services = {.context = reach, .dial = dial};
	struct config_filter copy = *config;
	struct filter filter;
	bool passes = config->when_down == CONFIG_DOWN_ACCEPT || config->when_down == CONFIG_DOWN_HOLD;
	if (copy.timeout.connect_ms > most_ms)
		copy.timeout.connect_ms = most_ms;
	filter_init(&filter, &copy);
	if (filter_open(&filter, &services, clock_mono_ms() + most_ms) == MILTER_READY)
		filter_close(&filter);
	else
		doctor_find(d, passes ? FINDING_WARNING : FINDING_ERROR, doctor_place(d, &config->origin),
			    doctor_text(d, _("filter %s can't be used: %s"), config->name, _(filter.why)),
			    doctor_text(d, _("start or correct the filter; `mailrootctl filter test %s FILE` tries it"),
					config->name));
	filter_free(&filter);
}

static size_t count(const struct config *config)
{
	size_t n = 0;
	for (size_t i = 0; i < config->server_count; i++)
		n += config->servers[i].filter_count;
	return n;
}

/* Becomes the user that connects in the service. False: there is no such user, which diagnose_config reports. */
static bool drop_rights(const struct config *config)
{
	static const char *const readable[] = {"/usr", NULL}; /* messages in another language */
	if (geteuid() == 0 && !getpwnam(config->filters_user))
		return false;
	privs_enter(&(struct privs_jail){
		.user = config->filters_user, .with_groups = true, .may_fork = true, .readable = readable});
	return true;
}

void diagnose_filters(struct doctor *d)
{
	const struct config *config = d->config;
	struct reach reach;
	size_t n = count(config);
	if (!n)
		return;
	reach_init(&reach, config->filters_user);
	if (drop_rights(config)) {
		int64_t left = (d->until - SPARE_MS - clock_mono_ms()) / (int64_t)n;
		for (size_t i = 0; i < config->server_count; i++)
			for (size_t k = 0; k < config->servers[i].filter_count; k++)
				examine(d, &reach, &config->servers[i].filters[k], left < ONE_MS ? left : ONE_MS);
	}
	reach_free(&reach);
}
