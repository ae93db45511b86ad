/* SPDX-License-Identifier: Apache-2.0 */
/* weir config: the configuration of an instance, read and changed by dotted
 * names. weir-config(1), weir-config(5). */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/subcommands.h"
#include "proto/duration.h"
#include "proto/yaml_json.h"

#define KEY "config"
#define TRIES 100	/* others may change it between our read and commit */

/* ---- the document ---- */

/* The hash of the key, to be freed; NULL: it is not there. It is asked for
 * before the value, so that no change between them goes unseen. */
static char *ask_hash(weir_t *h)
{
	weir_future_t *f = made(weir_kvs_stat(h, "primary", KEY, NULL), KEY);
	const char *hash = NULL;
	char *copy;

	if (weir_future_get(f) == 0)
		hash = weir_future_option(f, "hash");
	else if (weir_future_error(f) != ENOENT)
		die("%s", weir_future_strerror(f));
	copy = hash ? xstrdup(hash) : NULL;
	weir_future_destroy(f);
	return copy;
}

/* The configuration, {} if there is none. */
static json_t *ask(weir_t *h)
{
	weir_future_t *f = made(weir_kvs_get(h, "primary", KEY, NULL), KEY);
	json_error_t error;
	const char *data;
	size_t len = 0;
	json_t *o;

	if (weir_future_get(f) < 0) {
		if (weir_future_error(f) != ENOENT)
			die("%s", weir_future_strerror(f));
		weir_future_destroy(f);
		return json_object();
	}
	data = weir_future_data(f, &len);
	o = json_loadb(data ? data : "", len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(o))
		die("the key %s is no JSON object: %s", KEY, o ? "" :
		    error.text);
	weir_future_destroy(f);
	return o;
}

/* False: another has changed what had HASH, or NULL was not there. */
static bool commit(weir_t *h, const char *hash, const json_t *o)
{
	char *now = json_dumps(o, JSON_COMPACT);
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f;
	bool done;

	if (!now || !txn ||
	    (hash ? weir_txn_if_value(txn, KEY, hash) :
		    weir_txn_if_absent(txn, KEY)) < 0 ||
	    weir_txn_put(txn, KEY, now, strlen(now)) < 0)
		die("out of memory");
	f = made(weir_kvs_commit(h, "primary", txn, 0), KEY);
	done = weir_future_get(f) == 0;
	if (!done && weir_future_error(f) != ECANCELED)
		die("%s", weir_future_strerror(f));
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	free(now);
	return done;
}

/* The member at the dotted NAME (NULL or "": O itself), or NULL. */
static json_t *find(json_t *o, const char *name)
{
	char *copy = xstrdup(name ? name : ""), *rest = copy, *word;

	while (*copy && o && (word = strsep(&rest, ".")))
		o = json_object_get(o, word);
	free(copy);
	return o;
}

/* The object that the last part of NAME is or will be in; *LAST is that part.
 * NULL: not MAKE, and it is not there. */
static json_t *enter(json_t *o, char *name, char **last, bool make)
{
	char *word, *rest = name;

	for (;;) {
		json_t *child;

		word = strsep(&rest, ".");
		if (!*word)
			die("a part of the name is empty");
		if (!rest)
			break;
		child = json_object_get(o, word);
		if (!child && !make)
			return NULL;
		if (!child) {
			child = json_object();
			json_object_set_new(o, word, child);
		}
		if (!json_is_object(child))
			die("%s is not an object", word);
		o = child;
	}
	*last = word;
	return o;
}

/* ---- types ---- */

static bool is_fsd(const json_t *v, double *seconds)
{
	*seconds = json_number_value(v);
	if (json_is_number(v))
		return *seconds >= 0;
	return json_is_string(v) &&
		duration_parse(json_string_value(v), seconds, NULL) == 0;
}

static const char *const types[] = {
	"string", "integer", "real", "boolean", "object", "array", "fsd",
	"fsd-integer", "fsd-real", NULL
};

static const char *type_option(const char *word)
{
	int i;

	for (i = 0; types[i]; i++)
		if (!strcmp(types[i], word))
			return types[i];
	usage_error("--type: '%s' is not string, integer, real, boolean, "
		    "object, array, fsd, fsd-integer or fsd-real", word);
}

static bool has_type(const json_t *v, const char *type)
{
	double t;

	switch (*type) {
	case 's': return json_is_string(v);
	case 'i': return json_is_integer(v);
	case 'r': return json_is_number(v);
	case 'b': return json_is_boolean(v);
	case 'o': return json_is_object(v);
	case 'a': return json_is_array(v);
	default: return is_fsd(v, &t);
	}
}

static void print(const json_t *v, const char *type)
{
	char *text;
	double t;

	if (type && !strncmp(type, "fsd-", 4) && is_fsd(v, &t)) {
		if (isinf(t))
			puts("inf");
		else if (!strcmp(type, "fsd-integer"))
			printf("%.0f\n", t);
		else
			printf("%.6f\n", t);
		return;
	}
	if (json_is_string(v)) {
		puts(json_string_value(v));
		return;
	}
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY |
			  JSON_REAL_PRECISION(15));
	puts(text ? text : "");
	free(text);
}

/* ---- get ---- */

static json_t *read_document(const char *path)
{
	FILE *f = path && strcmp(path, "-") ? fopen(path, "r") : stdin;
	const char *what = f == stdin ? "standard input" : path;
	struct proto_error error;
	char *text;
	size_t len;
	json_t *o;

	if (!f)
		die("%s: %s", path, strerror(errno));
	text = read_all(f, &len);
	o = yaml_to_json(text, len, &error);	/* JSON is YAML, too */
	if (!json_is_object(o))
		die("%s: %s", what, o ? "must be an object" : error.text);
	free(text);
	if (f != stdin)
		fclose(f);
	return o;
}

static int get(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "default", required_argument, NULL, 'd' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "type", required_argument, NULL, 't' },
		{ "config-path", required_argument, NULL, 'c' },
		{ 0 }
	};
	const char *fallback = NULL, *type = NULL, *path = NULL, *name;
	json_t *o, *v;
	bool quiet = false;
	weir_t *h = NULL;
	int c;

	while ((c = next_option(argc, argv, "d:qt:c:", longs, "weir-config"))
	       != -1) {
		switch (c) {
		case 'd': fallback = optarg; break;
		case 'q': quiet = true; break;
		case 't': type = type_option(optarg); break;
		case 'c': path = optarg; break;
		}
	}
	if (argc - optind > 1)
		verb_usage();
	name = argv[optind];
	if (path) {
		o = read_document(path);
	} else {
		h = open_instance(0);
		o = ask(h);
	}
	v = find(o, name);
	if (!v && fallback) {
		puts(fallback);
	} else if (!v) {
		die("%s is not set", name);
	} else if (type && !has_type(v, type)) {
		die("%s does not have type %s", name ? name : KEY, type);
	} else if (!quiet) {
		print(v, type);
	}
	json_decref(o);
	weir_close(h);
	return 0;
}

/* ---- changes ---- */

struct change {
	const char *name;
	json_t *value;		/* NULL: it goes */
	json_t *whole;		/* or all of it becomes this */
};

static void change(const struct change *c)
{
	weir_t *h = open_instance(0);
	int tries = TRIES;
	bool done = false;

	while (!done && tries-- > 0) {
		char *hash = ask_hash(h), *last, *copy = c->name ? xstrdup(c->name) : NULL;
		json_t *o = ask(h), *at;

		if (c->whole) {
			done = commit(h, hash, c->whole);
		} else {
			at = enter(o, copy, &last, c->value != NULL);
			if (at && c->value)
				json_object_set(at, last, c->value);
			else if (at)
				json_object_del(at, last);
			done = (!hash && !c->value) || commit(h, hash, o);
		}
		json_decref(o);
		free(copy);
		free(hash);
	}
	if (!done)
		die("others change it all the time");
	weir_close(h);
}

/* JSON, or else a string; of TYPE, if that is given. */
static json_t *value_of(const char *text, const char *type)
{
	json_t *v = NULL;

	if (!type || strcmp(type, "string"))
		v = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
			       NULL);
	if (!v)
		v = json_string(text);
	if (!v)
		die("'%s' is not UTF-8", text);
	if (type && !has_type(v, type))
		die("'%s' does not have type %s", text, type);
	return v;
}

static int set(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "type", required_argument, NULL, 't' }, { 0 }
	};
	struct change c = { NULL, NULL, NULL };
	const char *type = NULL;

	while (next_option(argc, argv, "t:", longs, "weir-config") != -1)
		type = type_option(optarg);
	if (argc - optind != 2)
		verb_usage();
	c.name = argv[optind];
	c.value = value_of(argv[optind + 1], type);
	change(&c);
	json_decref(c.value);
	return 0;
}

static const struct option no_options[] = { { 0 } };

static int unset(int argc, char **argv)
{
	struct change c = { NULL, NULL, NULL };

	while (next_option(argc, argv, "", no_options, "weir-config") != -1)
		;
	if (argc - optind != 1)
		verb_usage();
	c.name = argv[optind];
	change(&c);
	return 0;
}

static int load(int argc, char **argv)
{
	struct change c = { NULL, NULL, NULL };

	while (next_option(argc, argv, "", no_options, "weir-config") != -1)
		;
	if (argc - optind > 1)
		verb_usage();
	c.whole = read_document(argv[optind]);
	change(&c);
	json_decref(c.whole);
	return 0;
}

int main_config(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "get", get, "[-d VALUE] [-q] [-t TYPE] [-c PATH] [NAME]" },
		{ "set", set, "[-t TYPE] NAME VALUE" },
		{ "unset", unset, "NAME" },
		{ "load", load, "[PATH]" },
		{ 0 }
	};

	return run_verb(verbs, argc, argv, "weir-config");
}
