/* SPDX-License-Identifier: Apache-2.0 */
/* torture: runs a kvsd under load, kills it at random points, starts it again
 * on the same folder, and so on, and records all that the clients were told
 * (history.h). lincheck then judges the record.
 *
 *	torture [-r ROUNDS] [-s SEED] [-c CLIENTS] [-d DEPTH] [-k KEYS]
 *		[-a ACKS] [-D commit|none] [-p POWERLOSS.SO] [-i] [-w]
 *		KVSD FOLDER HISTORY
 *
 * A round ends when up to ACKS operations, by chance, were answered, or at
 * once when kvsd is ready or before. With -p kvsd also ends itself between or
 * in its writes and syncs, and in half of the rounds, by chance, what was not
 * synced is then lost: a random part of the sectors, or with -w the whole.
 * With -i nothing counts as synced, which the checker must find. Status 1 if kvsd ended by itself, did not
 * start, or gave an error that it has no reason for.
 *
 * For a long run by hand, until something is found:
 *
 *	make check TESTS=t/unit/lincheck.t
 *	while t/tool/torture -r 1000 -s $((seed += 1)) -p \
 *		t/tool/.libs/powerloss.so kvsd/kvsd /tmp/torture /tmp/history &&
 *		t/tool/lincheck /tmp/history; do rm -r /tmp/torture; done
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/tool/load.h"

#define LOG_ROUNDS	25	/* then another log is begun */
#define CALLS_MAX	120	/* writes and syncs in a round */
#define CALLS_FEW	8

static struct kvsd_run kvsd = { .durability = "commit" };
static struct load load = { .run = &kvsd, .clients = 6, .depth = 4,
			    .keys = 5 };
static unsigned long rounds = 100, acks = 200;
static uint64_t seed = 1;

static void usage(void)
{
	fprintf(stderr, "usage: torture [-r ROUNDS] [-s SEED] [-c CLIENTS] "
		"[-d DEPTH] [-k KEYS] [-a ACKS]\n\t[-D commit|none] "
		"[-p POWERLOSS.SO] [-i] [-w] KVSD FOLDER HISTORY\n");
	exit(2);
}

static unsigned long number(const char *s, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (!n || n > max || *end)
		usage();
	return n;
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:s:c:d:k:a:D:p:iw")) != -1) {
		switch (c) {
		case 'r': rounds = number(optarg, 1000000); break;
		case 's': seed = number(optarg, -1UL); break;
		case 'c': load.clients = number(optarg, 1000); break;
		case 'd': load.depth = number(optarg, 1000); break;
		case 'k': load.keys = number(optarg, 64); break;
		case 'a': acks = number(optarg, 1000000); break;
		case 'D': kvsd.durability = optarg; break;
		case 'p': kvsd.preload = optarg; break;
		case 'i': kvsd.ignore_sync = true; break;
		case 'w': kvsd.lose_all = true; break;
		default: usage();
		}
	}
	if (argc - optind != 3)
		usage();
}

/* -1, or the sectors that were lost. */
static long one_round(bool last)
{
	uint64_t call = kvsd.preload && !last && random_below(&seed, 3) ?
		1 + random_below(&seed, random_below(&seed, 2) ? CALLS_MAX :
				 CALLS_FEW) : 0;
	bool lost = random_below(&seed, 2);
	int rc = kvsd_start(&kvsd, call);

	if (!rc && !last && !random_below(&seed, 20))
		rc = kvsd_kill(&kvsd);
	else if (!rc)
		rc = load_round(&load, last ? 0 :
				1 + random_below(&seed, acks));
	if (rc < 0)
		return -1;
	return kvsd.preload ? power_loss(&kvsd, lost, &seed) : 0;
}

static int run(void)
{
	long undone = 0, n;

	for (unsigned long i = 0; i <= rounds; i++) {
		load.log = i / LOG_ROUNDS;
		n = one_round(i == rounds);
		if (n < 0) {
			fprintf(stderr, "torture: round %lu\n", i);
			return 1;
		}
		undone += n;
	}
	printf("%lu rounds, %" PRIu64 " operations, %" PRIu64
	       " of unknown outcome, %ld sectors lost\n", rounds,
	       load.operations, load.unknown, undone);
	return 0;
}

int main(int argc, char **argv)
{
	char socket[100];
	int rc;

	options(argc, argv);
	kvsd.program = argv[optind];
	kvsd.statedir = argv[optind + 1];
	if ((size_t)snprintf(socket, sizeof(socket), "%s.socket",
			     kvsd.statedir) >= sizeof(socket)) {
		fprintf(stderr, "torture: %s: too long\n", kvsd.statedir);
		return 2;
	}
	kvsd.socket = socket;
	load.seed = &seed;
	load.history = fopen(argv[optind + 2], "we");
	if (!load.history) {
		fprintf(stderr, "torture: %s: %s\n", argv[optind + 2],
			strerror(errno));
		return 2;
	}
	unsetenv("WEIR_KVS_NAMESPACE");
	signal(SIGPIPE, SIG_IGN);
	rc = run();
	if (fclose(load.history)) {
		fprintf(stderr, "torture: cannot write the history\n");
		rc = 1;
	}
	return rc;
}
