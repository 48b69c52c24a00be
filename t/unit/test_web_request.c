/* Bodies of requests for access tokens, octet by octet. */
#include "delivery/web/request.h"
#include "t/unit/suite.h"

static struct str body;

static void setup(void)
{
	str_init(&body, REQUEST_MAX);
}

static void teardown(void)
{
	str_wipe(&body);
}

static const struct request_client with_secret = {
	.client_id = "535fb089", .secret = "a+b/c=~&d e%\xc3\xa9", .scope = "https://outlook.office365.com/.default"};
static const struct request_client with_certificate = {
	.client_id = "535fb089", .secret = "not said", .assertion = "eyJ.e30.c2ln", .scope = "s"};

#define SCOPE "https%3A%2F%2Foutlook.office365.com%2F.default"

START_TEST(client_credentials_with_a_secret)
{
	request_client_credentials(&with_secret, &body);
	ck_assert_str_eq(str_text(&body), "grant_type=client_credentials&client_id=535fb089&scope=" SCOPE
					  "&client_secret=a%2Bb%2Fc%3D~%26d%20e%25%C3%A9");
}
END_TEST

START_TEST(an_assertion_takes_the_place_of_the_secret)
{
	request_client_credentials(&with_certificate, &body);
	ck_assert_str_eq(str_text(&body),
			 "grant_type=client_credentials&client_id=535fb089&scope=s&client_assertion_type=urn%3Aietf%3A"
			 "params%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=eyJ.e30.c2ln");
}
END_TEST

START_TEST(refresh_without_a_secret_and_a_scope)
{
	const struct request_client public_client = {.client_id = "x", .scope = ""};
	request_refresh(&public_client, "0.AX/+", &body);
	ck_assert_str_eq(str_text(&body), "grant_type=refresh_token&client_id=x&refresh_token=0.AX%2F%2B");
}
END_TEST

START_TEST(the_request_for_a_code_tells_no_secret)
{
	request_device_code(&with_secret, &body);
	ck_assert_str_eq(str_text(&body), "client_id=535fb089&scope=" SCOPE);
}
END_TEST

START_TEST(a_poll_names_the_code)
{
	const struct request_client public_client = {.client_id = "x", .scope = "not said"};
	request_device_token(&public_client, "d&1", &body);
	ck_assert_str_eq(str_text(&body),
			 "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=x"
			 "&device_code=d%261");
}
END_TEST

START_TEST(a_service_account_sends_its_assertion_alone)
{
	request_service_account("a.b.c", &body);
	ck_assert_str_eq(str_text(&body),
			 "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c");
}
END_TEST

START_TEST(no_octet_of_a_value_ends_it)
{
	for (int c = 1; c < 256; c++) {
		const char text[] = {(char)c, '\0'};
		const struct request_client client = {.client_id = text};
		str_clear(&body);
		request_device_code(&client, &body);
		struct span value = span_skip(str_span(&body), sizeof("client_id=") - 1);
		ck_assert(value.len == 1 || (value.len == 3 && value.at[0] == '%'));
		ck_assert(value.len == 3 || (value.at[0] != '&' && value.at[0] != '+' && value.at[0] != '%'));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("web_request");
	TCase *tcase = tcase_create("bodies");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, client_credentials_with_a_secret);
	tcase_add_test(tcase, an_assertion_takes_the_place_of_the_secret);
	tcase_add_test(tcase, refresh_without_a_secret_and_a_scope);
	tcase_add_test(tcase, the_request_for_a_code_tells_no_secret);
	tcase_add_test(tcase, a_poll_names_the_code);
	tcase_add_test(tcase, a_service_account_sends_its_assertion_alone);
	tcase_add_test(tcase, no_octet_of_a_value_ends_it);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
