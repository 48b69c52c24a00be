#include "sendmail/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "common/base/fd.h"

bool failure_set(struct failure *f, int status, const char *format, ...)
{
	va_list args;
	f->status = status;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	return false;
}

/* For permanent errors (fd_error_lasts). */
static const int lasting[FAILURE_PLACES] = {
	[FAILURE_FOLDER] = EX_CANTCREAT,
	[FAILURE_CONFIG] = EX_CONFIG,
	[FAILURE_INPUT] = EX_NOINPUT,
	[FAILURE_PROGRAM] = EX_OSFILE,
};

int failure_status(enum failure_place place, int err)
{
	return fd_error_lasts(err) ? lasting[place] : EX_TEMPFAIL;
}

const char *failure_reply(int status)
{
	switch (status) {
	case EX_UNAVAILABLE:
		return "552 5.3.4";
	case EX_DATAERR:
	case EX_USAGE:
		return "554 5.6.0";
	case EX_TEMPFAIL:
		return "452 4.3.1";
	default:
		return "451 4.3.0";
	}
}
