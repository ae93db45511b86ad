/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of the links to shells: who may say what, and what becomes
 * of a link that says something else. execd/link.h. */
#include "config.h"

#include <errno.h>

#include "t/unit/links.h"
#include "t/unit/tap.h"

/* FD says TEXT; what the agent then does. */
static void says(int fd, const char *text, const char *want, const char *what)
{
	*links_told = '\0';
	if (*text && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		diag("send: %s", strerror(errno));
	links_turn();
	is_str(links_told, want, what);
}

/* What the agent has sent; "-" if the link is closed. */
static const char *heard(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "-";
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_reports(void)
{
	int fd = links_connect();

	says(fd, "start\nfinish 0\n", "", "before its hello nothing counts");
	says(fd, "hello 3 42 1234\n", "connected\n", "hello");
	says(fd, "start\n", "started 1234\n", "start, of the process it said");
	says(fd, "output 0 {3}\nabc\noutput 3 {0}\n\n",
	     "output 0 3\noutput 3 0\n", "output");
	says(fd, "exception exec 0 256 {4}\noops\n",
	     "exception exec 0 256 oops\n", "exception");
	says(fd, "fin", "", "a part of a line");
	says(fd, "ish 768\n", "finished 768\n", "finish");
	is_str(heard(fd), "", "nothing was said to it");
	link_send_resume(links_job.link, 7);
	link_send_ack(links_job.link, 8);
	link_send_signal(links_job.link, 15, 1);
	link_send_input(links_job.link, 9, "in", 2);
	link_send_done(links_job.link);
	links_turn();
	is_str(heard(fd), "resume 7\nack 8\nsignal 15 1\ninput 9 {2}\nin\n"
	       "done\n", "what the agent says");
	ok(!link_idle(&links_agent),
	   "a shell of another agent is given no other job");
	close(fd);
	says(-1, "", "lost\n", "its end is noticed");
}

/* The first word of TEXT, for the name of a point. */
static const char *word(const char *text)
{
	static char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, " \n"), text);
	return name;
}

/* Each ends a link that has said hello. */
static void test_refused(void)
{
	static const char *const lines[] = {
		"hello 3 42 1234\n", "hello 3 43 1\n", "dance\n", "output\n",
		"output 1\n", "output x {1}\nx\n", "output 1 2 {1}\nx\n",
		"finish\n", "finish -1\n", "finish 65536\n", "finish 1 2\n",
		"exception exec 8 0 {1}\nx\n", "exception exec 0 0\n",
		"exception exec 0 65536 {1}\nx\n", "exception {1}\nx\n",
	};
	static const char *const malformed[] = {
		"\n", " start\n", "output 0 {262145}\n", "output 0 {x}\n",
		"output 0 {1}\nxx", "start\r\n", "start%0\n",
	};
	size_t i;
	int fd;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fd = links_connect();
		says(fd, "hello 3 42 1234\n", "connected\n", "hello");
		says(fd, lines[i], "lost\n", word(lines[i]));
		is_str(heard(fd), "-", "it is closed");
		close(fd);
	}
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		fd = links_connect();
		says(fd, "hello 3 42 1234\n", "connected\n", "hello");
		says(fd, malformed[i], "log\nlost\n", "a malformed line");
		is_str(heard(fd), "-", "it is logged, and closed");
		close(fd);
	}
}

static void test_hello(void)
{
	static const char *const wrong[] = {
		"hello\n", "hello 3 42\n", "hello 4 42 1\n", "hello x 42 1\n",
		"hello 3 -1 1\n", "hello 3 42 1 1\n",
	};
	int fd, other;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fd = links_connect();
		says(fd, wrong[i], "", word(wrong[i]));
		is_str(heard(fd), "-", "is refused");
		close(fd);
	}
	fd = links_connect();
	says(fd, "hello 3 42 1\n", "connected\n", "a shell");
	other = links_connect();
	says(other, "hello 3 42 1\n", "lost\nconnected\n",
	     "that connects again: the new link counts");
	is_str(heard(fd), "-", "the former is closed");
	says(other, "start\n", "started 1\n", "and the new one works");
	close(fd);
	close(other);
	says(-1, "", "lost\n", "it ends");

	fd = links_connect();
	says(fd, "hello 3 77 1\n", "", "the shell of a job that is forgotten");
	is_str(heard(fd), "signal 9 0\ndone\nend\n", "is told to end");
	says(fd, "output 0 {1}\nx\nfinish 0\n", "", "what it says is dropped");
	close(fd);
	links_turn();
	links_agent.synced = false;
	fd = links_connect();
	says(fd, "hello 3 77 1\n", "", "before all assignments are known");
	is_str(heard(fd), "-", "it has to come again");
	links_agent.synced = true;
	close(fd);
}

/* The agent's end of the link of a shell that it has started; *FD: the other
 * one. */
static struct link *started(int *fd)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair) < 0)
		abort();
	*fd = pair[1];
	return link_adopt(&links_agent, pair[0], 1234);
}

static void run_job(struct link *l)
{
	link_run(l, &links_job, "{}", 2);
	job_connected(&links_job, l);
	links_turn();
}

static void test_again(void)
{
	struct link *l, *other;
	int fd, fd2;

	links_job.tasks = idset_decode("0-3", NULL);
	links_job.R = resource_set_create();
	links_job.nnodes = 1;
	links_job.ntasks = 4;
	ok(!link_idle(&links_agent), "at first no shell waits for a job");
	l = started(&fd);
	run_job(l);
	is_str(heard(fd), "tasks {3}\n0-3\ncores {0}\n\ngpus {0}\n\n"
	       "run 42 0 1 4 {2}\n{}\n", "a new one is told what to run");
	says(fd, "start\nfinish 0\n", "started 1234\nfinished 0\n",
	     "it does");
	ok(!link_idle(&links_agent), "until its result is durable it is busy");
	*links_told = '\0';
	link_send_done(l);
	ok(!links_job.link && !strcmp(links_told, "lost\n"),
	   "then the job has no shell");
	ok(link_idle(&links_agent) == l, "and the shell may have another");
	run_job(l);
	is_str(heard(fd), "done\ntasks {3}\n0-3\ncores {0}\n\ngpus {0}\n\n"
	       "run 42 0 1 4 {2}\n{}\n", "which it is told");
	link_kill(l);
	links_turn();
	is_str(heard(fd), "signal 9 0\ndone\nend\n",
	       "one whose job is forgotten on the way has to end");
	says(fd, "finish 9\n", "", "and what it says is dropped");
	ok(!link_idle(&links_agent), "it is given no more");
	close(fd);
	links_turn();

	l = started(&fd);
	other = started(&fd2);
	run_job(l);
	says(fd, "finish 0\n", "finished 0\n", "a shell ends its job");
	link_kill(l);
	run_job(other);
	says(fd2, "finish 0\n", "finished 0\n", "so does another");
	link_send_done(other);
	links_turn();
	heard(fd);
	is_str(strstr(heard(fd2), "done"), "done\nend\n",
	       "not more of them wait than the node has cores");
	close(fd2);
	close(fd);
	links_turn();
	ok(!link_idle(&links_agent), "nor one that has died");
	resource_set_destroy(links_job.R);
	idset_destroy(links_job.tasks);
	links_job.R = NULL;
	links_job.tasks = NULL;
}

int main(void)
{
	if (!ok(links_begin() == 0, "the agent listens"))
		return done();
	test_reports();
	test_refused();
	test_hello();
	test_again();
	links_end();
	return done();
}
