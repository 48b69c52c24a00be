#include "ctl/top/top.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/installed.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "ctl/cmd.h"
#include "ctl/programs.h"
#include "ctl/top/asker.h"
#include "ctl/top/model.h"
#include "ctl/top/paint.h"
#include "ctl/top/view.h"

enum { PAINT_MS = 1000 };

static void take_news(struct model *model)
{
	struct news *news = asker_news();
	if (!news)
		return;
	model_news(model, news, clock_mono_ms());
	news_free(news);
	free(news);
}

static void take_answer(struct model *model)
{
	struct answer *answer = asker_answer();
	if (!answer)
		return;
	model_answer(model, answer, clock_mono_ms());
	rows_free(&answer->rows);
	free(answer);
}

static void take_keys(struct model *model)
{
	for (unsigned key; !model->quit && (key = view_key()) != KEYBOARD_NONE;)
		model_key(model, key, clock_mono_ms());
}

static void pass_order(struct model *model)
{
	if (model->order.kind)
		asker_order(&model->order);
	model->order.kind = ORDER_NOTHING;
}

static void show(struct model *model)
{
	struct canvas canvas;
	size_t lines, columns;
	view_size(&lines, &columns);
	model_size(model, lines, columns);
	canvas_init(&canvas, lines, columns, model->utf8);
	paint(model, clock_mono_ms(), &canvas);
	view_show(&canvas);
	canvas_free(&canvas);
}

/* A signal, such as SIGWINCH, ends the wait: ncurses has a key for it. */
static void await(struct model *model, int event)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = event, .events = POLLIN}};
	if (poll(fds, 2, PAINT_MS) > 0 && fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		model_key(model, KEYBOARD_GONE, 0);
}

static int watch(const char *run_dir)
{
	static struct model model;
	int event = asker_start(run_dir);
	if (event < 0)
		return cmd_fail(_("can't start: %s"), strerror(-event));
	if (!view_open())
		return cmd_fail(
			_("top needs a terminal that can move its cursor, and this is none (TERM=%.40s); `mailrootctl status` prints the state once"),
			getenv("TERM") ? getenv("TERM") : "");
	model_init(&model, view_utf8());
	while (!model.quit) {
		show(&model);
		await(&model, event);
		take_keys(&model);
		take_news(&model);
		take_answer(&model);
		pass_order(&model);
	}
	view_close();
	model_free(&model);
	return EXIT_DONE;
}

static int refuse(const char *why)
{
	cmd_fail("%s", why);
	programs_print_usage("top", NULL, stderr);
	return EXIT_USAGE;
}

/* A service that does not run at the start is an error; later it is waited for. */
static int begin(struct ctl *ctl)
{
	int status;
	int fd = cmd_connect(ctl, &status);
	if (fd < 0)
		return status;
	close(fd);
	char *run_dir = cmd_run_dir(ctl);
	status = run_dir ? watch(run_dir) : cmd_fail(_("no memory"));
	return status; /* run_dir stays for the thread that asks */
}

int top_run(int argc, char **argv)
{
	static struct ctl ctl;
	const struct options *options = &ctl.options;
	char why[OPTIONS_WHY_MAX];
	log_open("mailroot-top", NULL);
	language_init();
	if (!options_parse(argc, argv, &ctl.options, why))
		return refuse(why);
	if (options->version) {
		printf("mailroot-top %s\n", MAILROOT_VERSION);
		return EXIT_DONE;
	}
	if (options->help) {
		programs_print_usage("top", NULL, stdout);
		return EXIT_DONE;
	}
	if (options->given) {
		snprintf(why, sizeof(why), _("`top` has no option --%s"),
			 options_name(options->given & -options->given));
		return refuse(why);
	}
	return options->word_count ? refuse(_("too many arguments")) : begin(&ctl);
}
