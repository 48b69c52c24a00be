#include "delivery/web/easy.h"

#include <stdio.h>
#include <string.h>

static size_t on_body(char *octets, size_t size, size_t count, void *context)
{
	struct easy *e = context;
	struct span text = {octets, size * count};
	e->too_long = e->too_long || !str_append(&e->body, text);
	return e->too_long ? 0 : text.len;
}

static size_t on_header(char *octets, size_t size, size_t count, void *context)
{
	struct easy *e = context;
	(void)octets;
	e->header_octets += size * count;
	e->too_long = e->too_long || e->header_octets > FETCH_BODY_MAX;
	return e->too_long ? 0 : size * count;
}

/* libcurl is about to look a name up by itself, which would read files and start threads. */
static int on_look_up(void *resolver, void *reserved, void *context)
{
	const struct easy *e = context;
	(void)resolver, (void)reserved;
	return e->may_look_up ? 0 : 1;
}

static void set_safety(CURL *h, struct span ca)
{
	struct curl_blob blob = {(void *)ca.at, ca.len, CURL_BLOB_NOCOPY};
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &blob);
	curl_easy_setopt(h, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(h, CURLOPT_PROXY_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_PROXY_CAINFO_BLOB, &blob);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)FETCH_TIMEOUT_MS);
	curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "Mailroot");
}

/* An empty proxy, and an empty list of hosts without one, keep the environment out. */
static void set_proxy(CURL *h, const struct easy_settings *s, const struct pin *pin)
{
	curl_easy_setopt(h, CURLOPT_NOPROXY, "");
	curl_easy_setopt(h, CURLOPT_PROXY, s->proxy ? s->proxy : "");
	if (!s->proxy)
		return;
	curl_easy_setopt(h, CURLOPT_PROXYPORT, (long)pin->port);
	curl_easy_setopt(h, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(h, CURLOPT_PROXYAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM));
	curl_easy_setopt(h, CURLOPT_PROXYUSERNAME, s->proxy_user);
	curl_easy_setopt(h, CURLOPT_PROXYPASSWORD, s->proxy_password);
}

static void set_functions(struct easy *e)
{
	CURL *h = e->handle;
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, e);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, e);
	curl_easy_setopt(h, CURLOPT_RESOLVER_START_FUNCTION, on_look_up);
	curl_easy_setopt(h, CURLOPT_RESOLVER_START_DATA, e);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, e->error);
}

bool easy_begin(struct easy *e, const struct easy_settings *settings, const struct pin *pin,
		const struct easy_request *request)
{
	*e = (struct easy){.handle = curl_easy_init(), .may_look_up = !request->pinned};
	str_init(&e->body, FETCH_BODY_MAX);
	e->fields = curl_slist_append(NULL, "Accept: application/json");
	e->pinned = request->pinned ? curl_slist_append(NULL, request->pinned) : NULL;
	if (!e->handle || !e->fields || (request->pinned && !e->pinned))
		return false;
	set_safety(e->handle, settings->ca);
	set_proxy(e->handle, settings, pin);
	set_functions(e);
	curl_easy_setopt(e->handle, CURLOPT_RESOLVE, e->pinned);
	curl_easy_setopt(e->handle, CURLOPT_HTTPHEADER, e->fields);
	curl_easy_setopt(e->handle, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
	curl_easy_setopt(e->handle, CURLOPT_POSTFIELDS, request->body.at);
	return curl_easy_setopt(e->handle, CURLOPT_URL, request->url) == CURLE_OK;
}

/* Cuts " after 12 ms" out: the same error has the same text each time. */
static void cut_duration(char *text)
{
	static const char before[] = " after ", behind[] = " ms";
	char *at = strstr(text, before);
	if (!at)
		return;
	char *rest = at + sizeof(before) - 1;
	rest += strspn(rest, "0123456789");
	if (strncmp(rest, behind, sizeof(behind) - 1) != 0)
		return;
	rest += sizeof(behind) - 1;
	memmove(at, rest, strlen(rest) + 1);
}

/* What to mend, where libcurl's words do not say it. */
static const char *remedy(const struct easy *e, CURLcode code)
{
	long connect_code = 0;
	curl_easy_getinfo(e->handle, CURLINFO_HTTP_CONNECTCODE, &connect_code);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return "; if a proxy inspects TLS, name its authority in ca of the block web";
	if (connect_code == 401 || connect_code == 407)
		return "; the proxy wants other credentials: correct proxy_user and proxy_password_file";
	return connect_code == 403 ? "; the proxy does not permit this host and port" : "";
}

static const char *explain(struct easy *e, CURLcode code, const struct pin *pin)
{
	char said[200];
	span_clean(span_of(e->error[0] ? e->error : curl_easy_strerror(code)), said, sizeof(said));
	cut_duration(said);
	if (e->too_long)
		snprintf(said, sizeof(said), "the answer is longer than %d octets", FETCH_BODY_MAX);
	snprintf(e->why, sizeof(e->why), "%.100s port %u: %s%s", pin->host, pin->port, said,
		 e->too_long ? "" : remedy(e, code));
	return e->why;
}

static int64_t date_of(CURL *handle)
{
	struct curl_header *field;
	if (curl_easy_header(handle, "Date", 0, CURLH_HEADER, -1, &field) != CURLHE_OK)
		return 0;
	time_t date = curl_getdate(field->value, NULL);
	return date > 0 ? (int64_t)date : 0;
}

void easy_result(struct easy *e, CURLcode code, const struct pin *pin, struct fetch_result *out)
{
	curl_off_t retry_after = 0;
	*out = (struct fetch_result){0};
	if (code != CURLE_OK) {
		out->why = explain(e, code, pin);
		return;
	}
	curl_easy_getinfo(e->handle, CURLINFO_RESPONSE_CODE, &out->status);
	curl_easy_getinfo(e->handle, CURLINFO_RETRY_AFTER, &retry_after);
	out->retry_after_ms = retry_after > 0 && retry_after < INT32_MAX ? retry_after * 1000 : 0;
	out->date_s = date_of(e->handle);
	out->body = str_span(&e->body);
}

void easy_end(struct easy *e)
{
	curl_easy_cleanup(e->handle);
	curl_slist_free_all(e->pinned);
	curl_slist_free_all(e->fields);
	str_wipe(&e->body);
	e->handle = NULL;
}
