#include "delivery/auth/gss_agent.h"

#include <errno.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/str.h"

/* RFC 4752 3.1: the only security layer that is supported. */
enum { LAYER_NONE = 1, LAYER_OCTETS = 4 };

enum { LINK = 3 /* the link's descriptor in the agent */, PRINCIPAL_MAX = 512 };

struct agent {
	const char *keytab;
	const char *principal;
	gss_cred_id_t credential;
	gss_name_t target;
	gss_ctx_id_t context;
	bool complete;
	struct str reply; /* of the current step: a token, or the reason why there is none */
};

static enum gss_step fail(struct agent *a, const char *why)
{
	str_clear(&a->reply);
	str_append_text(&a->reply, why);
	return GSS_FAILED;
}

static enum gss_step fail_words(struct agent *a, OM_uint32 major, OM_uint32 minor)
{
	char why[GSS_WHY_MAX];
	gss_words(major, minor, why, sizeof(why));
	return fail(a, why);
}

static void forget(struct agent *a)
{
	OM_uint32 minor;
	gss_delete_sec_context(&minor, &a->context, GSS_C_NO_BUFFER);
	gss_release_name(&minor, &a->target);
	gss_release_cred(&minor, &a->credential);
	a->complete = false;
}

static OM_uint32 import(const char *principal, gss_name_t *name, OM_uint32 *minor)
{
	gss_buffer_desc text = {strlen(principal), (void *)(uintptr_t)principal};
	return gss_import_name(minor, &text, GSS_KRB5_NT_PRINCIPAL_NAME, name);
}

/* Uses cached tickets that are valid for some time; otherwise gets new ones with the key tab. */
static OM_uint32 acquire(struct agent *a, OM_uint32 *minor)
{
	OM_uint32 ignored;
	gss_name_t name = GSS_C_NO_NAME;
	gss_OID_desc krb5 = *gss_mech_krb5;
	gss_OID_set_desc mechanisms = {1, &krb5};
	gss_key_value_element_desc elements[] = {{"client_keytab", a->keytab}, {"ccache", "MEMORY:mailroot"}};
	gss_key_value_set_desc store = {2, elements};
	OM_uint32 major = import(a->principal, &name, minor);
	if (!GSS_ERROR(major))
		major = gss_acquire_cred_from(minor, name, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE, &store,
					      &a->credential, NULL, NULL);
	gss_release_name(&ignored, &name);
	return major;
}

/*
 * smtp/HOST@REALM, with the realm that krb5.conf maps HOST to (empty: the KDC decides). Not GSS_C_NT_HOSTBASED_SERVICE,
 * for which the library would ask a name server for other names of HOST.
 */
static krb5_error_code name_service(const char *host, char to[PRINCIPAL_MAX])
{
	krb5_context context;
	char **realms = NULL;
	krb5_error_code error = krb5_init_context(&context);
	if (error)
		return error;
	error = krb5_get_host_realm(context, host, &realms);
	if (!error)
		snprintf(to, PRINCIPAL_MAX, "smtp/%s@%s", host, realms[0]);
	krb5_free_host_realm(context, realms);
	krb5_free_context(context);
	return error;
}

static enum gss_step speak(struct agent *a, struct span token)
{
	OM_uint32 minor, flags = 0;
	gss_OID_desc krb5 = *gss_mech_krb5;
	gss_buffer_desc in = {token.len, (void *)(uintptr_t)token.at}, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = gss_init_sec_context(&minor, a->credential, &a->context, a->target, &krb5,
					       GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_SEQUENCE_FLAG, 0,
					       GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, &flags, NULL);
	if (GSS_ERROR(major))
		return fail_words(a, major, minor);
	if (out.length)
		str_append(&a->reply, (struct span){out.value, out.length});
	gss_release_buffer(&minor, &out);
	a->complete = major == GSS_S_COMPLETE;
	if (a->complete && !(flags & GSS_C_MUTUAL_FLAG))
		return fail(a, N_("the host has not authenticated itself"));
	return a->reply.failed ? fail(a, N_("the ticket is too large for SMTP")) : GSS_MORE;
}

static enum gss_step begin(struct agent *a, struct span host)
{
	char name[256], service[PRINCIPAL_MAX];
	OM_uint32 minor = 0;
	forget(a);
	if (!span_copy(host, name, sizeof(name)))
		return fail(a, N_("the host's name is too long"));
	ascii_lower_text(name);
	krb5_error_code error = name_service(name, service);
	if (error)
		return fail_words(a, GSS_S_FAILURE, (OM_uint32)error);
	OM_uint32 major = acquire(a, &minor);
	if (!GSS_ERROR(major))
		major = import(service, &a->target, &minor);
	return GSS_ERROR(major) ? fail_words(a, major, minor) : speak(a, SPAN(""));
}

/* The host says which layers it accepts; we choose none, without an authorization identity. */
static enum gss_step choose_layer(struct agent *a, struct span token)
{
	OM_uint32 minor;
	char choice[LAYER_OCTETS] = {LAYER_NONE, 0, 0, 0};
	gss_buffer_desc in = {token.len, (void *)(uintptr_t)token.at}, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = gss_unwrap(&minor, a->context, &in, &out, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		return fail_words(a, major, minor);
	bool offered = out.length == LAYER_OCTETS && ((const char *)out.value)[0] & LAYER_NONE;
	gss_release_buffer(&minor, &out);
	if (!offered)
		return fail(a, N_("the host requires a SASL security layer: use tls instead"));
	in = (gss_buffer_desc){sizeof(choice), choice};
	major = gss_wrap(&minor, a->context, 0, GSS_C_QOP_DEFAULT, &in, NULL, &out);
	if (major != GSS_S_COMPLETE)
		return fail_words(a, major, minor);
	str_append(&a->reply, (struct span){out.value, out.length});
	gss_release_buffer(&minor, &out);
	return GSS_DONE;
}

static enum gss_step answer(struct agent *a, struct span packet)
{
	struct span rest = span_skip(packet, 1);
	str_clear(&a->reply);
	if (packet.at[0] == GSS_AGENT_BEGIN)
		return begin(a, rest);
	if (packet.at[0] != GSS_AGENT_TOKEN || !a->context)
		return fail(a, N_("there is no exchange"));
	return a->complete ? choose_layer(a, rest) : speak(a, rest);
}

static _Noreturn void serve(struct agent *a)
{
	char packet[GSS_AGENT_PACKET];
	for (;;) {
		ssize_t n = recv(LINK, packet, sizeof(packet), 0);
		if (n <= 0)
			_exit(0);
		unsigned char result = (unsigned char)answer(a, (struct span){packet, (size_t)n});
		packet[0] = (char)result;
		memcpy(packet + 1, str_text(&a->reply), a->reply.len);
		if (send(LINK, packet, a->reply.len + 1, MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

/* Keeps only the link and the log. The agent ends with its worker, and ignores signals to the service. */
static _Noreturn void become_agent(int link, pid_t worker, const char *keytab, const char *principal)
{
	struct agent a = {.keytab = keytab, .principal = principal};
	const struct rlimit nothing = {0, 0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NPROC, &nothing);
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	if (getppid() != worker || dup2(link, LINK) != LINK || close_range(LINK + 1, UINT_MAX, 0) != 0)
		_exit(1);
	str_init(&a.reply, GSS_TOKEN_MAX);
	serve(&a);
}

pid_t gss_agent_start(const char *keytab, const char *principal, int *link)
{
	int ends[2];
	pid_t worker = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become_agent(ends[1], worker, keytab, principal);
	fd_close(&ends[1]);
	if (pid < 0)
		fd_close(&ends[0]);
	else
		*link = ends[0];
	return pid;
}
