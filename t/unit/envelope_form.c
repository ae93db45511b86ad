/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope's form: what unpacking refuses, bounds, and format version 1
 * frozen in a golden file. */
#include "config.h"

#include "proto/kvenc.h"
#include "t/unit/envelope.h"

/* ---- what unpacking refuses ---- */

/* base64 of HEADER, and TAIL behind it. */
static char *assemble(const char *header, size_t len, const char *tail)
{
	size_t size = ENVELOPE_BASE64(len) + 1 + strlen(tail) + 1;
	char *text = malloc(size);

	sodium_bin2base64(text, size, (const unsigned char *)header, len,
			  sodium_base64_VARIANT_ORIGINAL);
	strcat(text, tail);
	return text;
}

#define TAIL ".e30=.none"

/* An envelope of a good header with one pair replaced or, with VALUE NULL,
 * taken away; TAIL is what follows the header. */
static char *with_pair(const char *name, char type, const char *value,
		       const char *tail)
{
	struct kvenc *kv = kvenc_create(8192);
	const char *bytes;
	char pair[8192];
	size_t len, n = 0;

	kvenc_put_int(kv, "version", 1);
	kvenc_put_string(kv, "mechanism", "none");
	kvenc_put_int(kv, "userid", geteuid());
	kvenc_put_string(kv, "instance", INSTANCE);
	kvenc_put_string(kv, "nonce", NONCE);
	kvenc_put_time(kv, "time", NOW);
	kvenc_put_time(kv, "expiry", NOW + DAY);
	kvenc_delete(kv, name);
	bytes = kvenc_encoded(kv, &len);
	memcpy(pair, bytes, len);
	if (value)
		n = snprintf(pair + len, sizeof(pair) - len, "%s%c%c%s", name,
			     0, type, value) + 1;
	kvenc_destroy(kv);
	return assemble(pair, len + n, tail);
}

static const struct {
	const char *what, *name;
	char type;
	const char *value, *word;
} headers[] = {
	{ "no version", "version", 0, NULL, "version is missing" },
	{ "version 2", "version", 'i', "2", "version 2 is not known" },
	{ "version as a string", "version", 's', "1", "wrong type" },
	{ "no mechanism", "mechanism", 0, NULL, "mechanism is missing" },
	{ "empty mechanism", "mechanism", 's', "", "no name" },
	{ "long mechanism", "mechanism", 's', "sixteencharacter", "no name" },
	{ "mechanism with a line feed", "mechanism", 's', "a\nb", "no name" },
	{ "unknown mechanism", "mechanism", 's', "pgp", "not known" },
	{ "no userid", "userid", 0, NULL, "userid is missing" },
	{ "negative userid", "userid", 'i', "-1", "no user id" },
	{ "userid of nobody", "userid", 'i', "4294967295", "no user id" },
	{ "userid beyond 32 bits", "userid", 'i', "4294967296", "no user id" },
	{ "userid as a string", "userid", 's', "0", "wrong type" },
	{ "no instance", "instance", 0, NULL, "instance is missing" },
	{ "empty instance", "instance", 's', "", "no instance id" },
	{ "instance with a space", "instance", 's', "a b", "no instance id" },
	{ "no nonce", "nonce", 0, NULL, "nonce is missing" },
	{ "short nonce", "nonce", 's', "00", "32 hex" },
	{ "nonce in capitals", "nonce", 's',
	  "000102030405060708090A0B0C0D0E0F", "32 hex" },
	{ "no time", "time", 0, NULL, "time is missing" },
	{ "time as an int", "time", 'i', "1700000000", "wrong type" },
	{ "no expiry", "expiry", 0, NULL, "expiry is missing" },
	{ "expiry at time", "expiry", 't', "2023-11-14T22:13:20Z",
	  "not after" },
	{ "pair of unknown type", "more", 'x', "1", "unknown type" },
};

static void test_headers(void)
{
	struct proto_error err;
	char *text, big[ENVELOPE_HEADER_MAX];
	int got;

	passes(with_pair("more", 's', "1", TAIL), policy(), 0, NULL,
	       "a further pair is allowed");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		text = with_pair(headers[i].name, headers[i].type,
				 headers[i].value, TAIL);
		err.text[0] = '\0';
		got = check(text, strlen(text), policy(), &err);
		ok(got && strstr(err.text, headers[i].word),
		   "refused: %s (%s)", headers[i].what, err.text);
		free(text);
	}
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	passes(with_pair("more", 's', big, TAIL), policy(), E2BIG, "too long",
	       "refused: header over 4 KiB");
}

static const struct {
	const char *what, *text;
	int errnum;
} shapes[] = {
	{ "nothing", "", EINVAL },
	{ "one part", "e30=", EINVAL },
	{ "two parts", "e30=.e30=", EINVAL },
	{ "no header", ".e30=.none", EINVAL },
	{ "no signature", "e30=.e30=.", EINVAL },
	{ "four parts", "e30=.e30=.a.b", EINVAL },
	{ "signature with a space", "e30=.e30=.a b", EINVAL },
	{ "signature with a line feed", "e30=.e30=.none\n", EINVAL },
	{ "base64 without padding", "e30.e30=.none", EINVAL },
	{ "base64 of the other alphabet", "-_-_.e30=.none", EINVAL },
	{ "base64 with a line feed", "e3\n0=.e30=.none", EINVAL },
};

static void test_shapes(void)
{
	static const char *const payloads[] = {
		"..none", ".e30.none", ".e31=.none", ".e30=e30=.none",
	};
	struct proto_error err = { "" };
	char *text;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		passes(strdup(shapes[i].text), policy(), shapes[i].errnum,
		       NULL, shapes[i].what);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		passes(with_pair("more", 's', "1", payloads[i]), policy(),
		       EINVAL, "payload", payloads[i]);
	text = calloc(1, ENVELOPE_TEXT_MAX + 2);
	memset(text, 'A', ENVELOPE_TEXT_MAX + 1);
	ok(check(text, ENVELOPE_TEXT_MAX + 1, policy(), &err) == E2BIG,
	   "refused: over the limit of all (%s)", err.text);
	free(text);
}

static void test_bounds(void)
{
	struct envelope_params p = params("none");
	char *payload = malloc(ENVELOPE_PAYLOAD_MAX + 1), *text;

	memset(payload, 'x', ENVELOPE_PAYLOAD_MAX + 1);
	text = envelope_pack(&p, payload, ENVELOPE_PAYLOAD_MAX + 1, NULL);
	ok(!text && errno == E2BIG, "a payload over 4 MiB is not packed");
	text = envelope_pack(&p, payload, ENVELOPE_PAYLOAD_MAX, NULL);
	ok(text && !check(text, strlen(text), policy(), NULL),
	   "a payload of 4 MiB passes");
	free(text);
	free(payload);
	ok(!envelope_pack(&p, "", 0, NULL) && errno == EINVAL, "no payload");
	p.lifetime = 0;
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "no lifetime");
	p = params("none");
	p.nonce = "00";
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "short nonce");
	p = params("none");
	p.instance = NULL;
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL, "no instance");
	p = params("pgp");
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EINVAL,
	   "no such mechanism");
}

/* ---- golden file: format version 1 as it was first written ---- */

static void test_golden(void)
{
	const char *src = getenv("srcdir");
	struct envelope_params p = params("sodium");
	struct envelope_policy pol = policy();
	char path[512], golden[2048];
	FILE *f;
	char *text;

	snprintf(path, sizeof(path), "%s/t/unit/golden/envelope-1.txt",
		 src ? src : ".");
	f = fopen(path, "r");
	if (!ok(f && fgets(golden, sizeof(golden), f), "golden file %s", path))
		return;
	fclose(f);
	golden[strcspn(golden, "\n")] = '\0';
	p.userid = 1000;
	text = pack(p);
	is_str(text, golden, "version 1 is written as ever");
	free(text);
	snprintf(path, sizeof(path), "%s/golden", base);
	mkdir(path, 0755);
	strcat(path, "/1000");
	if (link(public, path))
		ok(0, "link");
	*strrchr(path, '/') = '\0';
	pol.sender = 1000;
	pol.keydir = path;
	passes(strdup(golden), pol, 0, NULL, "version 1 passes as ever");
}

int main(void)
{
	set_up();
	test_headers();
	test_shapes();
	test_bounds();
	test_golden();
	return tear_down();
}
