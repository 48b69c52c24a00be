/*
 * The log for people: one event, one line, on descriptor 2, in one write. Descriptor 2 is a file, a pipe (journald
 * reads the <priority> in front), a terminal (which gets the time instead) or a datagram socket to syslog; log_open
 * finds out. Works in a jail. Control characters are written as \xNN, so no peer can forge a line. Lines are cut at
 * 2,000 octets.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/*
 * Sets the name in front of every line: "PROGRAM" or "PROGRAM[SERVER]". SERVER may be NULL. Both must live as long as
 * the process. Call it once at the start; forked workers inherit it.
 */
void log_open(const char *program, const char *server);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Calls log_error, then exits: 100 = a restart does not help (usage, configuration), 111 = try again later. */
enum { EXIT_PERMANENT = 100, EXIT_TEMPORARY = 111 };
_Noreturn void log_fatal(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
