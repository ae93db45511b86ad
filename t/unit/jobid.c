/* SPDX-License-Identifier: Apache-2.0 */
/* Job ids: every form both ways, what is refused, and the generator. */
#include "config.h"

#include <errno.h>

#include "proto/jobid.h"
#include "t/unit/tap.h"

static const struct {
	uint64_t id;
	const char *dec, *hex, *dothex, *f58, *emoji;
} same[] = {
	{ 0, "0", "0x0", "0000.0000.0000.0000", "ƒ1", "😃" },
	{ 57, "57", "0x39", "0000.0000.0000.0039", "ƒz", "🙊" },
	{ 58, "58", "0x3a", "0000.0000.0000.003a", "ƒ21", "💌" },
	{ 6731191091817518, "6731191091817518", "0x17e9fb8df16c2e",
	  "0017.e9fb.8df1.6c2e", "ƒuZZybuNNy", "👩💅📓😸👑🚓" },
	{ 4181414752813056, "4181414752813056", "0xedaf97d000000",
	  "000e.daf9.7d00.0000", "ƒZemgA8Bzf", "💕🆙🔑🙅🍠👘" },
	{ 7499415552, "7499415552", "0x1bf000000", "0000.0001.bf00.0000",
	  "ƒCRhTy9", "💀👤🔐👘" },
	{ 418021113856, "418021113856", "0x6154000000", "0000.0061.5400.0000",
	  "ƒByt6UWj", "😆💸🍤📆🍹" },
	{ UINT64_MAX, "18446744073709551615", "0xffffffffffffffff",
	  "ffff.ffff.ffff.ffff", "ƒjpXCZedGfVQ", "🚹💗💧👗😷📷📚" },
};

static void check_parse(const char *text, uint64_t want)
{
	struct proto_error err = { "" };
	uint64_t got = ~want;

	if (!ok(!jobid_parse(text, &got, &err) && got == want, "parse '%s'",
		text))
		diag("got %llu, %s", (unsigned long long)got, err.text);
}

static void test_forms(void)
{
	char buf[JOBID_SIZE], kvs[JOBID_SIZE], plain[JOBID_SIZE];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		uint64_t id = same[i].id;

		snprintf(kvs, sizeof(kvs), "job.%s", same[i].dothex);
		snprintf(plain, sizeof(plain), "f%s", same[i].f58 + 2);
		is_str(jobid_encode(id, JOBID_DEC, buf), same[i].dec, "dec");
		is_str(jobid_encode(id, JOBID_HEX, buf), same[i].hex, "hex");
		is_str(jobid_encode(id, JOBID_DOTHEX, buf), same[i].dothex,
		       "dothex");
		is_str(jobid_encode(id, JOBID_KVS, buf), kvs, "kvs");
		is_str(jobid_encode(id, JOBID_F58, buf), same[i].f58, "f58");
		is_str(jobid_encode(id, JOBID_F58PLAIN, buf), plain,
		       "f58plain");
		check_parse(same[i].dec, id);
		check_parse(same[i].hex, id);
		check_parse(same[i].dothex, id);
		check_parse(kvs, id);
		check_parse(same[i].f58, id);
		check_parse(plain, id);
		is_str(jobid_encode(id, JOBID_EMOJI, buf), same[i].emoji,
		       "emoji");
		check_parse(same[i].emoji, id);
	}
	check_parse(" \tƒz\n", 57);
	check_parse("0xABcd", 0xabcd);
	check_parse("007", 7);
}

static void check_refused(const char *text, int errnum, const char *what)
{
	struct proto_error err = { "" };
	uint64_t id;

	errno = 0;
	ok(jobid_parse(text, &id, &err) < 0 && errno == errnum &&
	   strstr(err.text, what), "'%s' refused: %s", text, err.text);
}

static void test_refused(void)
{
	check_refused("", EINVAL, "empty");
	check_refused(" \n", EINVAL, "empty");
	check_refused("f", EINVAL, "no digits");
	check_refused("ƒ", EINVAL, "no digits");
	check_refused("0x", EINVAL, "no digits");
	check_refused("12x", EINVAL, "position 3");
	check_refused(" 1 2", EINVAL, "position 3");
	check_refused("f0", EINVAL, "position 2");
	check_refused("fOIl", EINVAL, "position 2");
	check_refused("0xfg", EINVAL, "position 4");
	check_refused("18446744073709551616", EOVERFLOW, "64 bits");
	check_refused("0x10000000000000000", EOVERFLOW, "64 bits");
	check_refused("fjpXCZedGfVR", EOVERFLOW, "64 bits");
	check_refused("fzzzzzzzzzzzzzzz", EOVERFLOW, "64 bits");
	check_refused("0017.e9fb.8df1", EINVAL, "four groups");
	check_refused("0017.e9fb.8df1.6c2", EINVAL, "four groups");
	check_refused("0017.e9fb.8df1.6c2g", EINVAL, "four groups");
	check_refused("0017.e9fb.8df1.6C2e", EINVAL, "four groups");
	check_refused("0017.e9fb.8df1.6c2e.0", EINVAL, "four groups");
	check_refused("0017.e9fb8.df1.6c2e", EINVAL, "four groups");
	check_refused("job.", EINVAL, "four groups");
	check_refused("-1", ENOTSUP, "word form");
	check_refused("academy-academy-academy--academy-academy-academy",
		      ENOTSUP, "word form");
	check_refused("\xf0\x9f\x98\x83\xf0\x9f", EINVAL, "emoji 2");
	check_refused("\xf0\x9f\x98\x80", EINVAL, "emoji 1");
	check_refused("\xf0\x9f\x98\x84\xf0\x9f\x98\x83"
		      "\xf0\x9f\x98\x83\xf0\x9f\x98\x83"
		      "\xf0\x9f\x98\x83\xf0\x9f\x98\x83"
		      "\xf0\x9f\x98\x83\xf0\x9f\x98\x83",
		      EOVERFLOW, "64 bits");
}

static void test_elements(void)
{
	const uint64_t array = UINT64_C(0x1bf000000);
	struct jobid_gen gen;
	uint64_t id, of, a, b;
	uint32_t index;

	ok(!jobid_element(array, 17, &id) && id == array + 1041,
	   "the id of an element");
	ok(jobid_is_element(id, &of, &index) && of == array && index == 17,
	   "and back");
	check_parse("fCRhTy9[17]", id);
	check_parse(" 7499415552[17]\n", id);
	check_parse("job.0000.0001.bf00.0000[17]", id);
	ok(!jobid_element(array, JOBID_INDEX_MAX, &id) &&
	   id == (array | 0xffffff), "the last index");
	ok(jobid_element(array, JOBID_INDEX_MAX + 1, &id) < 0 &&
	   errno == EINVAL, "there is none behind it");
	ok(jobid_element(array + 1, 0, &id) < 0 && errno == EINVAL,
	   "no array, no element");
	ok(jobid_element(0, 0, &id) < 0, "0 is no array");
	ok(!jobid_is_element(array, &of, &index) &&
	   !jobid_is_element(array + 1023, &of, &index) &&
	   !jobid_is_element(5000, &of, &index), "what is no element");
	check_refused("fCRhTy9[]", EINVAL, "no digits");
	check_refused("fCRhTy9[-1]", EINVAL, "position");
	check_refused("fCRhTy9[16776192]", EINVAL, "at most 16776191");
	check_refused("fCRhTy9[99999999999999999999]", EOVERFLOW, "64 bits");
	check_refused("fCRhTy9 17]", EINVAL, "no [");
	check_refused("[17]", EINVAL, "no array's id");
	check_refused("fz[17]", EINVAL, "no array's id");
	check_refused("fCRhTy9[1][2]", EINVAL, "position");
	check_refused("]", EINVAL, "no [");
	jobid_gen_init(&gen, 1000, 0, 0);
	jobid_gen_next(&gen, 1005, &a);
	ok(!jobid_gen_array(&gen, 1005, &id) && id > a && !(id & 0xffffff),
	   "an array's id, later than others");
	ok(!jobid_gen_next(&gen, 1005, &b) && b > id && b < id + 1024,
	   "the next is no element's");
	ok(!jobid_gen_array(&gen, 1005, &a) && a > b && !(a & 0xffffff),
	   "another array in the same millisecond");
	jobid_gen_init(&gen, 1000, 5, 0);
	ok(jobid_gen_array(&gen, 1005, &id) < 0 && errno == EINVAL,
	   "other generators have no arrays");
}

static void test_form_names(void)
{
	struct proto_error err;
	enum jobid_form form;

	ok(!jobid_form_parse("kvs", &form, &err) && form == JOBID_KVS, "kvs");
	ok(!jobid_form_parse("f58plain", &form, &err) &&
	   form == JOBID_F58PLAIN, "f58plain");
	ok(jobid_form_parse("words", &form, &err) < 0 && errno == ENOTSUP,
	   "words: %s", err.text);
	ok(jobid_form_parse("f59", &form, &err) < 0 && errno == EINVAL,
	   "f59: %s", err.text);
}

static void test_generator(void)
{
	const uint64_t epoch = 1700000000000;
	struct jobid_gen gen;
	uint64_t id, last = 0;
	bool rising = true;

	ok(jobid_gen_init(&gen, epoch, JOBID_GENERATORS, 0) < 0 &&
	   errno == EINVAL, "a generator number out of range is refused");
	ok(!jobid_gen_init(&gen, epoch, 5, 0), "init");
	jobid_gen_next(&gen, epoch, &id);
	ok(id > 0, "the first id is not 0 even at the epoch");
	jobid_gen_next(&gen, epoch + 1000, &id);
	ok(id == (UINT64_C(1000) << 24 | 5 << 10), "time, generator, 0");
	last = id;
	for (int i = 1; i < 1024; i++) {
		jobid_gen_next(&gen, epoch + 1000, &id);
		rising = rising && id == last + 1;
		last = id;
	}
	ok(rising && (id & 1023) == 1023, "1024 ids in one millisecond");
	jobid_gen_next(&gen, epoch + 1000, &id);
	ok(id == (UINT64_C(1001) << 24 | 5 << 10),
	   "the next one borrows from the next millisecond");
	last = id;
	jobid_gen_next(&gen, epoch - 5, &id);
	ok(id == last + 1, "a clock gone back makes no smaller id");
	last = id;

	jobid_gen_init(&gen, epoch, 3, last);
	jobid_gen_next(&gen, epoch + 10, &id);
	ok(id > last && id >> 24 == 1002,
	   "after a restart: a fresh millisecond above the highest id");
	jobid_gen_init(&gen, 0, 0, UINT64_MAX);
	errno = 0;
	ok(jobid_gen_next(&gen, 1, &id) < 0 && errno == EOVERFLOW,
	   "40 bits of time used up is an error");
}

int main(void)
{
	test_forms();
	test_refused();
	test_elements();
	test_form_names();
	test_generator();
	return done();
}
