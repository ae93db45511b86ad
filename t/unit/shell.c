/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the job shell one by one, in this process: what a task sees,
 * how it ends, how its output is cut, and the shell's end of the link with
 * this test as the agent. execd(8), execd/link.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "execd/link.h"
#include "execd/shell.h"
#include "proto/output.h"
#include "t/unit/tap.h"

static char socket_path[108];
static struct shell_spec spec;
static struct jobspec *jobspec;
static char tmpdir[] = "/nowhere/tmp";

/* ---- a shell with NTASKS tasks of COMMAND, a JSON array ---- */

static void shell_make(struct shell *s, int ntasks, const char *command,
		       const char *system)
{
	struct idset *tasks = idset_create();
	struct proto_error error;
	char text[2048];
	int i;

	snprintf(text, sizeof(text), "{\"resources\":[{\"type\":\"slot\","
		 "\"count\":%d,\"with\":[{\"type\":\"core\",\"count\":1}],"
		 "\"label\":\"t\"}],\"tasks\":[{\"command\":%s,\"slot\":\"t\","
		 "\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{"
		 "\"duration\":0%s}},\"version\":1}", ntasks, command, system);
	jobspec = jobspec_parse(text, strlen(text), &error);
	if (!jobspec) {
		diag("%s", error.text);
		abort();
	}
	idset_range_set(tasks, 0, (unsigned)ntasks - 1);
	spec = (struct shell_spec) {
		.id = 0x6154000000, .jobspec = jobspec, .node = 1, .nnodes = 3,
		.ntasks = ntasks, .tasks = tasks, .rank = 5, .host = "here",
		.uri = "local:///run/x", .rundir = "/nowhere",
		.socket_path = socket_path, .nofile = 64, .away_ms = 1000,
	};
	*s = (struct shell) { .spec = &spec, .fd = -1, .ntasks = ntasks,
			      .tmpdir = tmpdir };
	s->task = calloc((size_t)ntasks, sizeof(*s->task));
	for (i = 0; i < ntasks; i++)
		s->task[i] = (struct task) { .rank = i, .local = i,
					     .fd = { -1, -1, -1 } };
}

static void shell_unmake(struct shell *s)
{
	int i, k;

	for (i = 0; i < s->ntasks; i++)
		for (k = IN; k <= ERR; k++)
			stdio_close(s, &s->task[i], k);
	if (s->fd >= 0)
		close(s->fd);
	wire_decoder_destroy(s->decoder);
	output_decoder_destroy(s->input_decoder);
	wire_buf_free(&s->send);
	wire_buf_free(&s->output);
	wire_buf_free(&s->input);
	free(s->failure);
	free(s->task);
	env_clear(s);
	shell_spec_free(&spec);
}

/* Until task I has written all, and has ended. */
static void run(struct shell *s, int i)
{
	struct task *t = &s->task[i];
	siginfo_t info;

	while (t->fd[OUT] >= 0 || t->fd[ERR] >= 0) {
		struct pollfd p[] = { { t->fd[OUT], POLLIN, 0 },
				      { t->fd[ERR], POLLIN, 0 } };

		poll(p, 2, -1);
		if (p[0].revents)
			stdio_read(s, t, OUT);
		if (p[1].revents)
			stdio_read(s, t, ERR);
	}
	while (t->pid) {
		waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOWAIT);
		task_reap(s);
	}
}

/* ---- what was put out, and in which records ---- */

struct told {
	char text[3][1 << 20];
	size_t len[3], largest;
	int records, ends;
	char log[256];
};

static int take(const struct output_record *r, void *arg)
{
	struct told *told = arg;

	if (r->type == OUTPUT_DATA) {
		if (r->offset == 0)
			told->records++;
		if (r->total > told->largest)
			told->largest = r->total;
		memcpy(told->text[r->stream] + told->len[r->stream], r->data,
		       r->len);
		told->len[r->stream] += r->len;
		told->text[r->stream][told->len[r->stream]] = '\0';
	} else if (r->type == OUTPUT_EOF) {
		told->ends++;
	} else if (r->type == OUTPUT_LOG) {
		snprintf(told->log, sizeof(told->log), "%s", r->data);
	}
	return 0;
}

static struct told *told_of(const struct shell *s)
{
	static struct told told;
	struct output_decoder *d = output_decoder_create();
	struct wire_buf head;
	struct proto_error error = { "" };

	memset(&told, 0, sizeof(told));
	wire_buf_init(&head);
	output_encode_header(&head, 2);
	if (output_decode(d, head.data, head.len, take, &told, &error) < 0 ||
	    output_decode(d, s->output.data, s->output.len, take, &told,
			  &error) < 0 ||
	    output_decode_end(d, &error) < 0)
		ok(false, "output is well formed: %s", error.text);
	wire_buf_free(&head);
	output_decoder_destroy(d);
	return &told;
}

/* ---- tests ---- */

static void test_environment(void)
{
	struct told *told;
	struct shell s;

	shell_make(&s, 2, "[\"/usr/bin/env\"]",
		   ",\"environment\":{\"A\":\"b c\",\"GONE\":null,"
		   "\"WEIR_JOB_ID\":\"mine\",\"T\":\"{{taskid}}\"}");
	ok(task_start(&s, &s.task[0]) == 0, "a task starts");
	run(&s, 0);
	told = told_of(&s);
	is_str(told->text[OUTPUT_STDOUT], "A=b c\nWEIR_JOB_ID=\u0192Byt6UWj\n"
	       "T=0\nWEIR_JOB_SIZE=2\nWEIR_JOB_NNODES=3\n"
	       "WEIR_JOB_TMPDIR=/nowhere/tmp\n"
	       "WEIR_KVS_NAMESPACE=job-418021113856\n"
	       "WEIR_URI=local:///run/x\nCUDA_VISIBLE_DEVICES=-1\n"
	       "CUDA_DEVICE_ORDER=PCI_BUS_ID\nWEIR_TASK_RANK=0\n"
	       "WEIR_TASK_LOCAL_ID=0\n", "it sees this and nothing else");
	is_int(told->ends, 2, "its streams end");
	wire_buf_reset(&s.output);
	ok(task_start(&s, &s.task[1]) == 0, "so does another");
	run(&s, 1);
	told = told_of(&s);
	ok(strstr(told->text[OUTPUT_STDOUT], "\nT=1\n") &&
	   strstr(told->text[OUTPUT_STDOUT], "\nWEIR_TASK_RANK=1\n"),
	   "which sees its own rank");
	shell_unmake(&s);
}

static void test_status(void)
{
	static const struct { const char *script; int status; } cases[] = {
		{ "exit 0", 0 }, { "exit 3", 3 << 8 }, { "exit 255", 255 << 8 },
		{ "kill -9 $$", 9 }, { "kill -15 $$", 15 },
	};
	char command[128];
	struct shell s;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(command, sizeof(command), "[\"/bin/sh\",\"-c\","
			 "\"%s\"]", cases[i].script);
		shell_make(&s, 2, command, "");
		s.task[1].status = 1 << 8;
		if (task_start(&s, &s.task[0]) == 0)
			run(&s, 0);
		is_int(s.task[0].status, cases[i].status, cases[i].script);
		is_int(task_greatest_status(&s), cases[i].status > 256 ?
		       cases[i].status : 256, "the greatest of two counts");
		is_int(s.running, 0, "none runs");
		shell_unmake(&s);
	}
}

static void test_refused(void)
{
	struct shell s;

	shell_make(&s, 1, "[\"/no/such\"]", "");
	ok(task_start(&s, &s.task[0]) < 0, "no such command");
	is_str(s.failure, "task 0 (host here): start failed: /no/such: No such "
	       "file or directory", "the note says which");
	is_int(s.failure_status, 127 << 8, "127");
	ok(s.running == 0 && s.task[0].pid == 0, "nothing runs");
	shell_unmake(&s);
	shell_make(&s, 1, "[\"/\"]", "");
	ok(task_start(&s, &s.task[0]) < 0, "a folder");
	is_int(s.failure_status, 126 << 8, "126");
	shell_unmake(&s);
	shell_make(&s, 1, "[\"/bin/true\"]", ",\"cwd\":\"/no/such\"");
	ok(task_start(&s, &s.task[0]) < 0, "no such folder");
	is_int(s.failure_status, 1 << 8, "1");
	is_str(s.failure, "task 0 (host here): start failed: /no/such: No such "
	       "file or directory", "and which");
	shell_unmake(&s);
}

static void test_descriptors(void)
{
	struct shell s;

	shell_make(&s, 1, "[\"/bin/sh\",\"-c\",\"ulimit -Sn\"]", "");
	if (task_start(&s, &s.task[0]) == 0)
		run(&s, 0);
	is_str(told_of(&s)->text[OUTPUT_STDOUT], "64\n",
	       "a task has the limit of descriptors that is its own");
	shell_unmake(&s);
	shell_make(&s, 1, "[\"/bin/sh\",\"-c\",\"ulimit -Sn\"]",
		   ",\"shell\":{\"options\":{\"rlimit\":{\"nofile\":50}}}");
	if (task_start(&s, &s.task[0]) == 0)
		run(&s, 0);
	is_str(told_of(&s)->text[OUTPUT_STDOUT], "50\n", "or was asked for");
	shell_unmake(&s);
}

/* A pipe in the place of a task's output, with TEXT in it. */
static int pipe_with(struct task *t, int which, const char *text, size_t len)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    fcntl(fd[1], F_SETPIPE_SZ, 1 << 20) < 0 ||
	    write(fd[1], text, len) != (ssize_t)len)
		abort();
	t->fd[which] = fd[0];
	return fd[1];
}

static void test_lines(void)
{
	static char large[300000];
	struct told *told;
	struct shell s;
	int fd;

	shell_make(&s, 1, "[\"true\"]", "");
	fd = pipe_with(&s.task[0], OUT, "one\ntwo\npart", 12);
	stdio_read(&s, &s.task[0], OUT);
	told = told_of(&s);
	is_str(told->text[OUTPUT_STDOUT], "one\ntwo\n", "whole lines go out");
	is_int(told->records, 1, "in one record");
	ok(write(fd, "ial\nx", 5) == 5, "more is written");
	stdio_read(&s, &s.task[0], OUT);
	is_str(told_of(&s)->text[OUTPUT_STDOUT], "one\ntwo\npartial\n",
	       "a part waits for its rest");
	close(fd);
	stdio_read(&s, &s.task[0], OUT);
	told = told_of(&s);
	is_str(told->text[OUTPUT_STDOUT], "one\ntwo\npartial\nx",
	       "or for the end");
	ok(told->ends == 1 && s.task[0].fd[OUT] < 0, "which is told");
	shell_unmake(&s);

	/* a line without an end */
	memset(large, 'z', sizeof(large));
	shell_make(&s, 1, "[\"true\"]", "");
	close(pipe_with(&s.task[0], OUT, large, sizeof(large)));
	while (s.task[0].fd[OUT] >= 0)
		stdio_read(&s, &s.task[0], OUT);
	told = told_of(&s);
	is_int((long long)told->len[OUTPUT_STDOUT], sizeof(large),
	       "a line without end loses nothing");
	ok(told->largest <= 64 * 1024, "and is cut into records of 64 KiB");
	shell_unmake(&s);

	shell_make(&s, 1, "[\"true\"]", "");
	fd = pipe_with(&s.task[0], ERR, "part", 4);
	stdio_read(&s, &s.task[0], ERR);
	is_str(told_of(&s)->text[OUTPUT_STDERR], "part",
	       "standard error does not wait for a line's end");
	close(fd);
	s.unbuffered = true;
	fd = pipe_with(&s.task[0], OUT, "part", 4);
	stdio_read(&s, &s.task[0], OUT);
	is_str(told_of(&s)->text[OUTPUT_STDOUT], "part",
	       "nor does output that is unbuffered");
	close(fd);
	shell_unmake(&s);
}

static void test_room(void)
{
	static char large[1 << 20];
	struct shell s;
	int fd;

	memset(large, '\n', sizeof(large));
	shell_make(&s, 1, "[\"true\"]", "");
	fd = pipe_with(&s.task[0], OUT, large, sizeof(large));
	ok(stdio_room(&s), "there is room at first");
	while (stdio_room(&s))
		stdio_read(&s, &s.task[0], OUT);
	ok(s.output.len >= LINK_OUTPUT_MAX &&
	   s.output.len < LINK_OUTPUT_MAX + 70000,
	   "and none when 1 MiB is kept");
	close(fd);
	shell_unmake(&s);

	shell_make(&s, 1, "[\"true\"]", "");
	fd = pipe_with(&s.task[0], OUT, "rest", 4);
	stdio_drain(&s, &s.task[0], OUT);
	is_str(told_of(&s)->text[OUTPUT_STDOUT], "rest",
	       "what a pipe held when a task ended is taken");
	ok(s.task[0].fd[OUT] < 0, "and the pipe, still held, is closed");
	close(fd);
	shell_unmake(&s);
}

static void test_input(void)
{
	struct wire_buf b;
	char got[64];
	struct shell s;
	int fd[2];

	signal(SIGPIPE, SIG_IGN);
	shell_make(&s, 1, "[\"true\"]", "");
	if (pipe2(fd, O_CLOEXEC) < 0)
		abort();
	s.task[0].fd[IN] = fd[1];
	wire_buf_init(&b);
	output_encode_header(&b, 1);
	output_encode_data(&b, OUTPUT_STDIN, 0, 1, "hello", 5);
	output_encode_eof(&b, OUTPUT_STDIN, 0, 1);
	stdio_input(&s, b.data, 10);
	stdio_input(&s, b.data + 10, b.len - 10);
	is_int((long long)s.input_offset, (long long)b.len,
	       "input is counted");
	stdio_write_stdin(&s);
	ok(read(fd[0], got, sizeof(got)) == 5 && !memcmp(got, "hello", 5) &&
	   read(fd[0], got, sizeof(got)) == 0,
	   "reaches the task, with its end");
	close(fd[0]);
	shell_unmake(&s);

	shell_make(&s, 1, "[\"true\"]", "");
	stdio_input(&s, "rubbish\n", 8);
	ok(s.input_eof && *told_of(&s)->log, "malformed input ends it: %s",
	   told_of(&s)->log);
	shell_unmake(&s);
	wire_buf_free(&b);
}

/* ---- the link ---- */

static int listener;

static void listen_here(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/weir-unit.XXXXXX";

	if (!mkdtemp(folder))
		abort();
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	strcpy(addr.sun_path, socket_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(listener, 10) < 0)
		abort();
}

static void listen_no_more(void)
{
	close(listener);
	unlink(socket_path);
	*strrchr(socket_path, '/') = '\0';
	rmdir(socket_path);
}

/* All that the shell has sent to FD; without the payloads' meaning. */
static const char *heard(int fd, size_t *len)
{
	static char text[4 << 20];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	*len = n > 0 ? (size_t)n : 0;
	text[*len] = '\0';
	return text;
}

static void is_heard(int fd, const char *want, const char *what)
{
	size_t len;

	is_str(heard(fd, &len), want, what);
}

static void tell(struct shell *s, int fd, const char *text)
{
	if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
	link_read(s);
	link_tell(s);
	link_write(s);
}

static int connected(struct shell *s)
{
	char hello[64];
	int fd;

	link_open(s);
	link_tell(s);
	link_write(s);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	snprintf(hello, sizeof(hello), "hello 5 418021113856 %d\n",
		 (int)getpid());
	is_heard(fd, hello, "it says hello, and waits");
	return fd;
}

static void test_link_output(void)
{
	struct shell s;
	int fd;

	shell_make(&s, 1, "[\"true\"]", "");
	wire_buf_add(&s.output, "0123456789", 10);
	s.spoken = true;
	s.started = true;
	fd = connected(&s);
	tell(&s, fd, "resume 0\n");
	is_heard(fd, "start\noutput 0 {10}\n0123456789\n",
		 "told where to go on it says what there is");
	tell(&s, fd, "ack 4\n");
	is_int((long long)s.output.len, 6, "what is durable is let go");
	tell(&s, fd, "ack 999\nack 2\n");
	is_int((long long)s.output.len, 6, "no other acknowledgement counts");
	s.finished = true;
	s.task[0].status = 3 << 8;
	link_tell(&s);
	link_write(&s);
	is_heard(fd, "finish 768\n", "the result follows all output");
	close(fd);
	link_read(&s);
	ok(s.fd < 0 && s.retry_at > 0, "a link that broke is noticed");
	fd = connected(&s);
	tell(&s, fd, "resume 6\n");
	is_heard(fd, "start\noutput 6 {4}\n6789\nfinish 768\n",
		 "another agent is told all that is not durable");
	tell(&s, fd, "done\n");
	ok(s.done, "and says when it is");
	close(fd);
	shell_unmake(&s);
}

static void test_link_pieces(void)
{
	static char large[600000];
	size_t len;
	struct shell s;
	int fd;

	shell_make(&s, 1, "[\"true\"]", "");
	memset(large, 'x', sizeof(large));
	wire_buf_add(&s.output, large, sizeof(large));
	s.spoken = true;
	fd = connected(&s);
	if (send(fd, "resume 0\n", 9, 0) != 9)
		abort();
	link_read(&s);
	link_tell(&s);
	ok(!strncmp(s.send.data, "output 0 {262144}\n", 18),
	   "a frame has at most 256 KiB");
	ok(s.send.len < 2 * LINK_PIECE_MAX, "and few are made ahead");
	while (link_has_output(&s) || s.send.len) {
		link_write(&s);
		link_tell(&s);
		heard(fd, &len);
	}
	is_int((long long)s.sent, sizeof(large), "all are sent");
	close(fd);
	shell_unmake(&s);
}

static void test_link_orders(void)
{
	struct shell s;
	int fd;

	shell_make(&s, 1, "[\"/bin/sh\",\"-c\",\"trap 'echo caught' USR1; "
		   "echo up; read x; read x\"]", "");
	fd = connected(&s);
	if (task_start(&s, &s.task[0]) < 0)
		abort();
	while (!s.output.len) {
		struct pollfd p = { s.task[0].fd[OUT], POLLIN, 0 };

		poll(&p, 1, -1);
		stdio_read(&s, &s.task[0], OUT);
	}
	tell(&s, fd, "signal 99999 1\nsignal 0 1\nsignal 10\nsignal x 1\n");
	is_int((long long)s.signals, 0, "no such signals");
	tell(&s, fd, "signal 10 1\nsignal 9 1\n");
	is_int((long long)s.signals, 1, "each ordinal is delivered once");
	tell(&s, fd, "input 0 {5}\nabcde\ninput 3 {4}\n");
	is_int((long long)s.input_offset, 5, "input is counted");
	tell(&s, fd, "defg\n");
	is_int((long long)s.input_offset, 7, "and what it has is skipped");
	tell(&s, fd, "signal 9 2\n");
	run(&s, 0);
	is_int(s.task[0].status, 9, "a signal reaches the task");
	tell(&s, fd, "nonsense\ninput 0\n");
	ok(s.fd >= 0, "an unknown word is passed over");
	tell(&s, fd, "input 0 {x}\n");
	ok(s.fd < 0, "a malformed line ends the link");
	close(fd);
	shell_unmake(&s);
}

static void test_link_failure(void)
{
	struct shell s;
	int fd;

	shell_make(&s, 1, "[\"/no/such\"]", "");
	fd = connected(&s);
	s.failed = task_start(&s, &s.task[0]) < 0;
	s.finished = true;
	tell(&s, fd, "resume 0\n");
	is_heard(fd, "exception exec 0 32512 {69}\ntask 0 (host here): start "
		 "failed: /no/such: No such file or directory\nfinish 32512\n",
		 "a command that cannot be started is an exception");
	close(fd);
	shell_unmake(&s);
}

/* ---- orders, to a shell without a job ---- */

static void run_order(struct wire_buf *b, const char *command)
{
	static const char sets[] = "tasks {1}\n0\ncores {1}\n0\ngpus {0}\n\n";
	char text[1024];

	snprintf(text, sizeof(text), "{\"resources\":[{\"type\":\"slot\","
		 "\"count\":1,\"with\":[{\"type\":\"core\",\"count\":1}],"
		 "\"label\":\"t\"}],\"tasks\":[{\"command\":%s,\"slot\":\"t\","
		 "\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{"
		 "\"duration\":0}},\"version\":1}", command);
	wire_buf_add(b, sets, sizeof(sets) - 1);
	wire_verbatim(b, "run");
	wire_u64(b, 7);
	wire_u64(b, 0);
	wire_u64(b, 1);
	wire_u64(b, 1);
	wire_end_payload(b, text, strlen(text));
	wire_buf_add(b, "resume 0\n", 9);
}

/* What a shell says of COMMAND until it has ended, WANT among it; "": nothing. */
static void one_job(struct shell *s, int fd, const char *command,
		    const char *want, const char *what)
{
	struct wire_buf b;
	const char *told;
	size_t len;

	wire_buf_init(&b);
	run_order(&b, command);
	wire_buf_add(&b, "", 1);
	tell(s, fd, b.data);
	wire_buf_free(&b);
	if (s->ntasks)
		run(s, 0);
	s->finished = s->spec != NULL;
	link_tell(s);
	link_write(s);
	told = heard(fd, &len);
	ok(*want ? strstr(told, want) != NULL : len == 0, "%s", what);
}

static struct shell waiting(const struct shell_spec *home, int *fd)
{
	struct shell s = { .home = home, .again = true, .lock = -1 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair) < 0)
		abort();
	s.fd = pair[0];
	*fd = pair[1];
	link_begin(&s);
	return s;
}

static void not_waiting(struct shell *s, int fd)
{
	shell_forget(s);
	wire_decoder_destroy(s->decoder);
	wire_buf_free(&s->send);
	if (s->fd >= 0)
		close(s->fd);
	close(fd);
}

static void test_orders(void)
{
	static cpu_set_t cpus;
	char folder[] = "/tmp/weir-unit.XXXXXX", file[64], text[32] = "";
	struct shell_spec home = { .host = "here", .uri = "local:///x",
		.rundir = folder, .socket_path = "/nowhere", .nofile = 64,
		.core_cpus = &cpus, .core_count = 1 };
	struct wire_buf b;
	struct shell s;
	int fd, n;

	if (!mkdtemp(folder) || sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		abort();
	snprintf(file, sizeof(file), "%s/job-0-7", folder);
	s = waiting(&home, &fd);
	one_job(&s, fd, "[\"/bin/sh\",\"-c\",\"exit 3\"]",
		"start\nfinish 768\n", "a shell runs what it is told to");
	n = open(file, O_RDONLY | O_CLOEXEC);
	ok(n >= 0 && read(n, text, sizeof(text) - 1) > 0 &&
	   atoi(text) == (int)getpid(), "its pid is in the job's file");
	close(n);
	tell(&s, fd, "done\n");
	unlink(file);	/* as the agent does */
	one_job(&s, fd, "[\"/no/such\"]", "exception exec 0 32512 {69}\n"
		"task 0 (host here): start failed: /no/such: No such file or "
		"directory\n", "and then the next");
	tell(&s, fd, "done\n");
	unlink(file);
	one_job(&s, fd, "[\"/bin/true\"]", "start\nfinish 0\n",
		"of which a former failure is forgotten");
	tell(&s, fd, "done\n");
	one_job(&s, fd, "[\"/bin/true\"]", "",
		"what was started before is not started again");
	ok(s.ended && !s.spec, "and the shell ends");
	not_waiting(&s, fd);
	unlink(file);

	s = waiting(&home, &fd);
	wire_buf_init(&b);
	run_order(&b, "[\"/bin/true\"]");
	if (send(fd, b.data, b.len, 0) != (ssize_t)b.len)
		abort();
	wire_buf_free(&b);
	shutdown(fd, SHUT_WR);
	link_read(&s);
	ok(s.ended && !s.spec && s.ntasks == 0,
	   "an order of an agent that is gone is not followed");
	not_waiting(&s, fd);
	n = open(file, O_RDONLY | O_CLOEXEC);
	ok(n >= 0 && read(n, text, 1) == 0,
	   "and the next agent finds the job never started");
	close(n);
	unlink(file);

	s = waiting(&home, &fd);
	rmdir(folder);
	one_job(&s, fd, "[\"/bin/true\"]", "exception exec 0 256 {59}\n"
		"the job's file in the run folder: No such file or directory\n"
		"finish 256\n", "a run folder that is gone is told");
	not_waiting(&s, fd);
}

int main(void)
{
	test_environment();
	test_status();
	test_refused();
	test_descriptors();
	test_lines();
	test_room();
	test_input();
	listen_here();
	test_link_output();
	test_link_pieces();
	test_link_orders();
	test_link_failure();
	listen_no_more();
	test_orders();
	return done();
}
