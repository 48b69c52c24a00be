#include "sendmail/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void input_init(struct input *input, int fd)
{
	input->fd = fd;
	input->error = 0;
	input->at = input->end = 0;
}

/* Reads more into the buffer; false at the end, after an error, or without room. */
static bool fill(struct input *input)
{
	if (input->at) {
		memmove(input->buffer, input->buffer + input->at, input->end - input->at);
		input->end -= input->at;
		input->at = 0;
	}
	ssize_t got;
	do {
		got = read(input->fd, input->buffer + input->end, INPUT_MAX - input->end);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		input->error = -errno;
	if (got > 0)
		input->end += (size_t)got;
	return got > 0;
}

static struct span held(const struct input *input)
{
	return (struct span){input->buffer + input->at, input->end - input->at};
}

bool input_peek(struct input *input, struct span *octets)
{
	if (input->at == input->end && !fill(input))
		return false;
	*octets = held(input);
	return true;
}

void input_taken(struct input *input, size_t n)
{
	input->at += n;
}

static void skip_line(struct input *input)
{
	struct span octets;
	while (input_peek(input, &octets)) {
		size_t n = span_find(octets, '\n');
		input_taken(input, n < octets.len ? n + 1 : n);
		if (n < octets.len)
			return;
	}
}

bool input_line(struct input *input, struct span *line, bool *cut)
{
	size_t looked = 0;
	*cut = false;
	for (;;) {
		struct span octets = held(input);
		size_t n = looked + span_find(span_skip(octets, looked), '\n');
		if (n < octets.len)
			break;
		looked = octets.len;
		if (octets.len == INPUT_MAX) {
			*cut = true;
			skip_line(input);
			*line = (struct span){input->buffer, 0};
			return true;
		}
		if (!fill(input) && !looked)
			return false;
		if (held(input).len == looked)
			break;
	}
	struct span rest = held(input);
	size_t before = rest.len;
	span_line(&rest, line);
	input_taken(input, before - rest.len);
	return true;
}
