/*
 * The line a person reads: one event, one line, on descriptor 2, in one write. Descriptor 2 is a file, a pipe (journald
 * reads the <priority> in front), a terminal (which gets the time instead) or a datagram socket that leads to syslog;
 * log_open finds out. Works in a jail.
 * Control characters in what is logged come out as \xNN, so no peer can forge a line. Lines are cut at 2,000 octets.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/*
 * Names the speaker in every line: "PROGRAM" or "PROGRAM[SERVER]". SERVER may be NULL. Both must live as long as the
 * process. Call once at the start; again in a forked worker is not needed.
 */
void log_open(const char *program, const char *server);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* log_error, then exit: 100 = a cause that a restart does not cure (usage, configuration), 111 = try again later. */
enum { EXIT_PERMANENT = 100, EXIT_TEMPORARY = 111 };
_Noreturn void log_fatal(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
