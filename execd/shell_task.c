/* SPDX-License-Identifier: Apache-2.0 */
/* A task of the shell: its start, signals, its end. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "execd/shell.h"

/* ---- in the child, before exec ----
 * It shares the shell's memory (vfork): no copy of it has to be made for a
 * process that lives for some system calls, and what goes wrong is simply
 * written down. Only the child's own kernel state may be changed here. */

static void set_limits(const struct shell_spec *shell)
{
	static const struct { const char *name; int resource; } limits[] = {
		{ "cpu", RLIMIT_CPU }, { "fsize", RLIMIT_FSIZE },
		{ "data", RLIMIT_DATA }, { "stack", RLIMIT_STACK },
		{ "core", RLIMIT_CORE }, { "nofile", RLIMIT_NOFILE },
		{ "as", RLIMIT_AS }, { "rss", RLIMIT_RSS },
		{ "nproc", RLIMIT_NPROC }, { "memlock", RLIMIT_MEMLOCK },
	};
	json_t *o = json_object_get(shell->jobspec->shell_options, "rlimit");
	struct rlimit r;
	size_t i;

	/* the shell's own has been raised */
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = shell->nofile;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		json_t *v = json_object_get(o, limits[i].name);

		if (!json_is_integer(v) ||
		    getrlimit(limits[i].resource, &r) < 0)
			continue;
		r.rlim_cur = json_integer_value(v) < 0 ? RLIM_INFINITY :
			     (rlim_t)json_integer_value(v);
		if (r.rlim_cur > r.rlim_max)
			r.rlim_cur = r.rlim_max;
		setrlimit(limits[i].resource, &r);
	}
}

/* What went wrong before the command ran. */
struct trouble {
	volatile int errnum;
	volatile bool in_cwd;
};

/* A frame of its own: what it writes must not be where its parent, which goes
 * on in the same memory, keeps something else. */
__attribute__((noinline, noreturn))
static void child(const struct shell *s, const char *const *argv,
		  const int theirs[3], struct trouble *trouble, pid_t shell)
{
	const struct jobspec *spec = s->spec->jobspec;
	sigset_t none;
	int i;

	setpgid(0, 0);
	dup2(theirs[IN], 0);
	dup2(theirs[OUT], 1);
	dup2(theirs[ERR], 2);
	/* a shell that is killed takes its tasks along */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != shell)
		_exit(1);
	for (i = 1; i < NSIG; i++)	/* who started execd may ignore some */
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (s->spec->bound)
		sched_setaffinity(0, sizeof(cpu_set_t), &s->spec->cpus);
	set_limits(s->spec);
	if (spec->cwd && chdir(spec->cwd) < 0) {
		trouble->in_cwd = true;
		trouble->errnum = errno;
	} else {
		execvp(argv[0], (char *const *)argv);
		trouble->errnum = errno;
	}
	_exit(127);
}

/* ---- in the shell ---- */

static void close_all(const int fd[3])
{
	int i;

	for (i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Pipes; standard input is a file, or for the job's first task only: others
 * read nothing. */
static int make_pipes(struct shell *s, struct task *t, int theirs[3])
{
	bool file = redirected_input(s);
	int i, pair[2];

	theirs[IN] = theirs[OUT] = theirs[ERR] = -1;
	for (i = IN; i <= ERR; i++) {
		if (i == IN && file) {
			theirs[IN] = redirect_input(s, t);
			if (theirs[IN] < 0)
				return -1;
			continue;
		}
		if (i == IN && t->rank != 0) {
			theirs[IN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
			if (theirs[IN] < 0)
				return -1;
			continue;
		}
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -1;
		theirs[i] = i == IN ? pair[0] : pair[1];
		t->fd[i] = i == IN ? pair[1] : pair[0];
		fcntl(t->fd[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static int refuse(struct shell *s, const struct task *t, const char *what,
		  const char *why, int exit_code)
{
	if (asprintf(&s->failure, "task %d (host %s): start failed: %s: %s",
		     t->rank, s->spec->host, what, why) < 0)
		s->failure = NULL;
	s->failure_status = exit_code << 8;
	return -1;
}

static void free_words(char **words)
{
	size_t i;

	for (i = 0; words[i]; i++)
		free(words[i]);
	free(words);
}

/* Forks; 0, or -1 as task_start. */
static int spawn(struct shell *s, struct task *t, const char *const *argv,
		 const int theirs[3])
{
	const struct jobspec *spec = s->spec->jobspec;
	struct trouble trouble = { 0 };
	pid_t shell = getpid();

	environ = s->env;
	t->pid = vfork();
	if (t->pid == 0)
		child(s, argv, theirs, &trouble, shell);
	if (t->pid < 0) {
		t->pid = 0;
		return refuse(s, t, "fork", strerror(errno), 1);
	}
	if (!trouble.errnum) {
		s->running++;
		return 0;
	}
	/* it never ran: what it ends with counts for nothing */
	waitpid(t->pid, NULL, 0);
	t->pid = 0;
	if (trouble.in_cwd)
		return refuse(s, t, spec->cwd, strerror(trouble.errnum), 1);
	return refuse(s, t, argv[0], strerror(trouble.errnum),
		      trouble.errnum == ENOENT ? 127 : 126);
}

int task_start(struct shell *s, struct task *t)
{
	int theirs[3], r;
	char **argv;

	if (redirect_open(s, t) < 0)
		return -1;
	if (make_pipes(s, t, theirs) < 0) {
		close_all(theirs);
		return s->failure ? -1 :
			refuse(s, t, "pipe", strerror(errno), 1);
	}
	env_make(s, t);
	argv = template_fill_all(s, t, s->spec->jobspec->argv);
	r = spawn(s, t, (const char *const *)argv, theirs);
	free_words(argv);
	close_all(theirs);
	return r;
}

void task_signal(struct shell *s, int signum)
{
	int i;

	for (i = 0; i < s->ntasks; i++)
		if (s->task[i].pid > 0)
			kill(-s->task[i].pid, signum);
}

void task_reap(struct shell *s)
{
	int i, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < s->ntasks; i++)
			if (s->task[i].pid == pid) {
				s->task[i].pid = 0;
				s->task[i].status = status;
				stdio_close(s, &s->task[i], IN);
				s->running--;
			}
}

int task_greatest_status(const struct shell *s)
{
	int i, status = s->failed ? s->failure_status : 0;

	for (i = 0; i < s->ntasks; i++)
		if (s->task[i].status > status)
			status = s->task[i].status;
	return status;
}
