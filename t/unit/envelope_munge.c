/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope's mechanism munge, with a munge daemon of our own. */
#include "config.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "t/unit/envelope.h"

static pid_t munged_start(void)
{
	char keyfile[80], key_opt[128], sock[160], pid[128], log[128],
	     seed[128], bytes[129];
	int null, status;
	pid_t child;

	if (access("/usr/sbin/munged", X_OK))
		return -1;
	snprintf(keyfile, sizeof(keyfile), "%s/munge/key", base);
	snprintf(key_opt, sizeof(key_opt), "--key-file=%s", keyfile);
	snprintf(sock, sizeof(sock), "--socket=%s", munge_socket);
	snprintf(pid, sizeof(pid), "--pid-file=%s/munge/pid", base);
	snprintf(log, sizeof(log), "--log-file=%s/munge/log", base);
	snprintf(seed, sizeof(seed), "--seed-file=%s/munge/seed", base);
	snprintf(bytes, sizeof(bytes), "%s/munge", base);
	mkdir(bytes, 0755);
	memset(bytes, 'k', 128);
	bytes[128] = '\0';
	write_file(keyfile, bytes, 0400);
	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* for munged_stop */
	child = fork();
	if (child)
		return waitpid(child, &status, 0) == child && !status ?
		       child : -1;
	/* without --foreground it returns when the socket is ready */
	null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	execl("/usr/sbin/munged", "munged", "--force", "--num-threads=1",
	      key_opt, sock, pid, log, seed, (char *)NULL);
	_exit(127);
}

static void munged_stop(void)
{
	char path[96];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/munge/pid", base);
	f = fopen(path, "r");
	if (f && fscanf(f, "%d", &pid) == 1 && !kill(pid, SIGTERM))
		waitpid(pid, NULL, 0);
	if (f)
		fclose(f);
}

static void test_munge(void)
{
	struct envelope_params p = params("munge");
	struct envelope_policy pol = policy();
	char *text, *other, *sig;

	if (munged_start() < 0) {
		ok(1, "munge # SKIP cannot run a munge daemon here");
		return;
	}
	p.time = time(NULL);
	pol.now = p.time + 1;
	pol.mechanisms = ENVELOPE_MUNGE;
	passes(pack(p), pol, 0, NULL, "munge: good envelope passes");
	text = pack(p);
	ok(!check(text, strlen(text), pol, NULL) &&
	   !check(text, strlen(text), pol, NULL),
	   "munge: schedd and the monitor both can verify");
	text[strcspn(text, ".") + 3] ^= 1;
	passes(text, pol, EBADMSG, "changed", "munge: payload changed");
	text = pack(p);
	sig = strrchr(text, '.');
	sig[40] = sig[40] == 'A' ? 'B' : 'A';
	passes(text, pol, EBADMSG, "munge", "munge: credential changed");
	text = pack(p);
	strcpy(strrchr(text, '.'), ".none");
	passes(text, pol, EBADMSG, "munge", "munge: no credential");
	p.userid++;
	pol.sender++;
	passes(pack(p), pol, EPERM, "signed by user",
	       "munge: in another's name");
	p = params("munge");
	pol = policy();
	pol.mechanisms = ENVELOPE_MUNGE;
	passes(pack(p), pol, ESTALE, "after the time",
	       "munge: credential much later than the header's time");
	p.time = pol.now = time(NULL) + 1000;
	passes(pack(p), pol, ESTALE, "after the time",
	       "munge: credential before the header's time");
	p.time = time(NULL);
	text = pack(p);
	p.nonce = NULL;
	other = pack(p);
	sig = strrchr(other, '.');
	text = realloc(text, strlen(text) + strlen(sig) + 1);
	strcpy(strrchr(text, '.'), sig);
	free(other);
	pol.now = p.time;
	passes(text, pol, EBADMSG, "changed",
	       "munge: credential of another envelope");
	munged_stop();
	p.munge_socket = "/nonexistent";
	ok(!envelope_pack(&p, "x", 1, NULL) && errno == EIO,
	   "munge: no daemon, no signature");
}

int main(void)
{
	set_up();
	test_munge();
	return tear_down();
}
