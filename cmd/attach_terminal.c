/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's side of a job: standard input becomes records of the key
 * `input` in the job's namespace, signals go to the job's tasks, and two
 * interrupts within two seconds cancel it. weir-job(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/attach.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "proto/output.h"

#define INPUT_PIECE	(64 * 1024)
#define INPUT_FLIGHT	16	/* pieces that are not durable yet, at most */
#define AGAIN_SECONDS	2.0	/* between two interrupts */

struct terminal {
	weir_t *h;
	weir_jobid_t id;
	struct attach *attach;
	bool over, detached;
	int signal_fd;
	double interrupted;	/* monotonic time of the first one, or 0 */
	bool interactive;	/* tell a person what is waited for */
	bool status_shown;
	double began;		/* monotonic */
	/* standard input */
	bool input_open;
	bool headed;		/* the stream has its header */
	bool heading;		/* its commit is on the way */
	int flight;
	weir_future_t **pending;	/* requests without a reply yet */
	size_t count;
};

static double monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Owns F until its reply has come, CB has seen it and forgotten it. */
static void keep(struct terminal *t, weir_future_t *f, weir_future_f *cb,
		 const char *what)
{
	made(f, what);
	t->pending = xrealloc(t->pending,
			      (t->count + 1) * sizeof(*t->pending));
	t->pending[t->count++] = f;
	if (weir_future_then(f, -1, cb, t) < 0)
		die("%s: %s", what, strerror(errno));
}

static void forget(struct terminal *t, weir_future_t *f)
{
	size_t i = 0;

	while (t->pending[i] != f)
		i++;
	t->pending[i] = t->pending[--t->count];
	weir_future_destroy(f);
}

/* ---- input ---- */

static void commit(struct terminal *t, struct wire_buf *buf, bool first,
		   weir_future_f *then)
{
	weir_txn_t *txn = weir_txn_create();
	char ns[64];

	snprintf(ns, sizeof(ns), "job-%llu", (unsigned long long)t->id);
	if (!txn)
		die("out of memory");
	if (first)
		weir_txn_if_absent(txn, "input");
	weir_txn_append(txn, "input", buf->data, buf->len);
	keep(t, weir_kvs_commit(t->h, ns, txn, 0), then, "standard input");
	weir_txn_destroy(txn);
}

/* Others may write the same stream: whoever was first wrote the header. */
static void on_header(weir_future_t *f, void *arg)
{
	struct terminal *t = arg;
	int e = weir_future_error(f);

	t->heading = false;
	if (e == 0 || e == ECANCELED)
		t->headed = true;
	else
		t->input_open = false;
	forget(t, f);
}

static void on_input(weir_future_t *f, void *arg)
{
	struct terminal *t = arg;

	/* An error: the job's namespace is gone, for the job has ended. */
	if (weir_future_error(f))
		t->input_open = false;
	t->flight--;
	forget(t, f);
}

static void write_header(struct terminal *t)
{
	struct wire_buf buf;

	wire_buf_init(&buf);
	if (output_encode_header(&buf, 1) < 0)
		die("out of memory");
	t->heading = true;
	commit(t, &buf, true, on_header);
	wire_buf_free(&buf);
}

static void read_input(struct terminal *t)
{
	char data[INPUT_PIECE];
	struct wire_buf buf;
	ssize_t n = read(STDIN_FILENO, data, sizeof(data));
	int rc;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	wire_buf_init(&buf);
	if (n > 0)
		rc = output_encode_data(&buf, OUTPUT_STDIN, 0, wall_clock(),
					data, (size_t)n);
	else
		rc = output_encode_eof(&buf, OUTPUT_STDIN, 0, wall_clock());
	if (rc < 0)
		die("out of memory");
	if (n <= 0)
		t->input_open = false;
	t->flight++;
	commit(t, &buf, false, on_input);
	wire_buf_free(&buf);
}

static bool wants_input(struct terminal *t)
{
	if (!t->input_open || !attach_running(t->attach))
		return false;
	if (!t->headed) {
		if (!t->heading)
			write_header(t);
		return false;
	}
	return t->flight < INPUT_FLIGHT;
}

/* ---- signals ---- */

static void on_kill(weir_future_t *f, void *arg)
{
	if (weir_future_error(f))
		fprintf(stderr, "weir-job: cannot signal the job: %s\n",
			weir_future_strerror(f));
	forget(arg, f);
}

static void on_interrupt(struct terminal *t)
{
	double now = monotonic();

	if (t->interrupted && now - t->interrupted < AGAIN_SECONDS) {
		fprintf(stderr, "weir-job: canceling the job\n");
		keep(t, weir_job_cancel(t->h, t->id, "interrupted by ctrl-C"),
		     on_kill, "cancel");
		t->interrupted = 0;
		return;
	}
	fprintf(stderr, "weir-job: ctrl-C again within 2 seconds cancels the "
		"job, ctrl-Z leaves it running\n");
	t->interrupted = now;
}

static void on_stop(struct terminal *t)
{
	if (t->interrupted && monotonic() - t->interrupted < AGAIN_SECONDS) {
		fprintf(stderr, "weir-job: leaving the job\n");
		t->detached = true;
		return;
	}
	raise(SIGSTOP);
}

static void take_signals(struct terminal *t)
{
	struct signalfd_siginfo s;

	while (read(t->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGINT)
			on_interrupt(t);
		else if (s.ssi_signo == SIGTSTP)
			on_stop(t);
		else
			keep(t, weir_job_kill(t->h, t->id, (int)s.ssi_signo),
			     on_kill, "signal");
	}
}

static void forwarded_signals(sigset_t *set)
{
	static const int forwarded[] = { SIGINT, SIGTSTP, SIGTERM, SIGHUP,
					 SIGALRM, SIGUSR1, SIGUSR2 };
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
}

void terminal_hold_signals(bool hold)
{
	sigset_t set;

	forwarded_signals(&set);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int catch_signals(void)
{
	sigset_t set;
	int fd;

	terminal_hold_signals(true);
	forwarded_signals(&set);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd: %s", strerror(errno));
	return fd;
}

/* ---- the line that says what is waited for ---- */

/* The cursor stays at its start, so that what comes next replaces it. */
static void show_status(struct terminal *t)
{
	char f58[JOBID_SIZE];
	int s = (int)(monotonic() - t->began);

	if (attach_pending(t->attach)) {
		fprintf(stderr, "weir-job: %s waiting for resources "
			"%20.2d:%02d:%02d\r", text_f58(t->id, f58), s / 3600,
			s / 60 % 60, s % 60);
		t->status_shown = true;
	} else if (t->status_shown) {
		fprintf(stderr, "\033[K");
		t->status_shown = false;
	}
}

/* ---- loop ---- */

static void on_done(struct attach *a, void *arg)
{
	struct terminal *t = arg;

	(void)a;
	t->over = true;
}

static void turn(struct terminal *t)
{
	struct pollfd fds[3] = {
		{ .fd = weir_pollfd(t->h), .events = POLLIN },
		{ .fd = t->signal_fd, .events = POLLIN },
		{ .fd = wants_input(t) ? STDIN_FILENO : -1,
		  .events = POLLIN },
	};

	int timeout = weir_pollevents(t->h) ? 0 : -1;

	if (timeout < 0 && t->interactive && attach_pending(t->attach))
		timeout = 1000;		/* its clock goes on */
	if (poll(fds, 3, timeout) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
	if (fds[1].fd >= 0 && fds[1].revents)
		take_signals(t);
	if (fds[2].fd >= 0 && fds[2].revents)
		read_input(t);
	if (weir_dispatch(t->h) < 0)
		die("connection to the instance lost");
	if (t->interactive)
		show_status(t);
}

int attach_run(weir_t *h, weir_jobid_t id, struct attach_options *options,
	       const struct terminal_options *terminal)
{
	struct terminal t = {
		.h = h, .id = id, .signal_fd = -1, .began = monotonic(),
		.interactive = isatty(STDERR_FILENO) && !options->quiet &&
			       !getenv("WEIR_ATTACH_NONINTERACTIVE"),
	};
	char f58[JOBID_SIZE];
	int code = 0;

	options->done = on_done;
	options->arg = &t;
	if (!terminal->read_only) {
		t.signal_fd = catch_signals();
		t.input_open = fcntl(STDIN_FILENO, F_GETFD) >= 0;
	}
	t.attach = attach_create(h, id, options);
	if (!t.attach)
		die("%s: %s", text_f58(id, f58), strerror(errno));
	while (!t.over && !t.detached)
		turn(&t);
	if (attach_errno(t.attach) == ENOENT)
		fprintf(stderr, "weir-job: Failed to attach to %s: No such "
			"job\n", text_f58(id, f58));
	else if (attach_errno(t.attach))
		fprintf(stderr, "weir-job: %s: %s\n", text_f58(id, f58),
			attach_strerror(t.attach));
	if (!t.detached)
		code = attach_exit_code(t.attach);
	attach_destroy(t.attach);
	while (t.count)
		forget(&t, t.pending[0]);
	free(t.pending);
	if (t.signal_fd >= 0)
		close(t.signal_fd);
	return code;
}
