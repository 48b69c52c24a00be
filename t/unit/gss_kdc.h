/*
 * A real KDC for a test (t/system/kdc.py). It starts before the first case and ends after the last.
 */
#ifndef T_UNIT_GSS_KDC_H
#define T_UNIT_GSS_KDC_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct kdc {
	char folder[64];
	pid_t pid;
	int hold; /* the KDC ends when this is closed */
};

static inline void kdc_path(const struct kdc *k, const char *name, char to[128])
{
	snprintf(to, 128, "%s/%s", k->folder, name);
}

static inline void kdc_wait(struct kdc *k)
{
	char ready[128];
	kdc_path(k, "ready", ready);
	for (int i = 0; i < 6000 && access(ready, F_OK) != 0; i++) {
		ck_assert_msg(waitpid(k->pid, NULL, WNOHANG) == 0,
			      "kdc.py ended: are krb5-kdc and krb5-admin-server here?");
		usleep(10000);
	}
	ck_assert_int_eq(access(ready, F_OK), 0);
}

static inline void kdc_start(struct kdc *k)
{
	int ends[2];
	char conf[128];
	snprintf(k->folder, sizeof(k->folder), "/tmp/mailroot-kdc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(k->folder));
	ck_assert_int_eq(chmod(k->folder, 0755), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	k->pid = fork();
	if (k->pid == 0) {
		dup2(ends[0], 0);
		unsetenv("LD_PRELOAD");
		execlp("python3", "python3", SOURCE_DIR "/t/system/kdc.py", k->folder, NULL);
		_exit(127);
	}
	close(ends[0]);
	k->hold = ends[1];
	kdc_wait(k);
	kdc_path(k, "krb5.conf", conf);
	setenv("KRB5_CONFIG", conf, 1);
}

static inline void kdc_stop(struct kdc *k)
{
	close(k->hold);
	waitpid(k->pid, NULL, 0);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", k->folder, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

#endif
