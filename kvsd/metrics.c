/* SPDX-License-Identifier: Apache-2.0 */
/* Figures over HTTP: see metrics.h. Who can connect can read them, so it is
 * this machine's loopback or a Unix socket of the owner's unless told
 * otherwise. kvsd(8), --metrics. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/metrics.h"
#include "kvsd/stats.h"
#include "proto/daemon.h"

#define TIMEOUT		10		/* seconds, of a client */
#define HEAD_MAX	8192		/* bytes of a request */
#define UNIX_PREFIX	"unix:"

struct metrics {
	struct evhttp *http;
	char *path;			/* of the socket made, or NULL */
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
	struct sockaddr_storage room;
};

/* ---- where ---- */

static bool is_loopback(const union address *a)
{
	return a->any.sa_family == AF_UNIX ||
		(a->any.sa_family == AF_INET &&
		 ntohl(a->v4.sin_addr.s_addr) >> 24 == 127) ||
		(a->any.sa_family == AF_INET6 &&
		 IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr));
}

/* "ADDRESS:PORT"; port 0 is any that is free. */
static int parse_inet(const char *text, union address *a, int *len)
{
	const char *colon = strrchr(text, ':');
	char *host = colon ? strndup(text, colon - text) : NULL;
	uint64_t port;
	int rc = -1;

	if (host && !wire_parse_u64(colon + 1, &port) && port < 65536)
		rc = evutil_parse_sockaddr_port(host, &a->any, len);
	if (!rc && a->any.sa_family == AF_INET)
		a->v4.sin_port = htons(port);
	else if (!rc)
		a->v6.sin6_port = htons(port);
	free(host);
	return rc;
}

static int parse(const char *text, union address *a, int *len, char *why,
		 size_t size)
{
	const char *path = text + strlen(UNIX_PREFIX);

	memset(a, 0, sizeof(*a));
	*len = sizeof(*a);
	if (!strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX))) {
		*len = sizeof(a->local);
		a->local.sun_family = AF_UNIX;
		if (*path && strlen(path) < sizeof(a->local.sun_path)) {
			strcpy(a->local.sun_path, path);
			return 0;
		}
		snprintf(why, size, "a socket's name has 1 to %zu bytes",
			 sizeof(a->local.sun_path) - 1);
		return -1;
	}
	if (!parse_inet(text, a, len))
		return 0;
	snprintf(why, size, "is neither ADDRESS:PORT, with numbers, nor "
		 "unix:PATH");
	return -1;
}

int metrics_check(const char *text, bool any, char *why, size_t size)
{
	union address a;
	int len;

	if (parse(text, &a, &len, why, size) < 0)
		return -1;
	if (any || is_loopback(&a))
		return 0;
	snprintf(why, size, "is not an address of this machine's own, as "
		 "127.0.0.1 is: that takes --metrics-public");
	return -1;
}

/* ---- serving ---- */

static void on_metrics(struct evhttp_request *request, void *arg)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	struct kvsd *k = arg;
	struct wire_buf text;

	wire_buf_init(&text);
	stats_text(k, &text);
	if (evhttp_add_header(headers, "Content-Type",
			      "text/plain; version=0.0.4; charset=utf-8") < 0 ||
	    evbuffer_add(body, text.data, text.len) < 0)
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(request, HTTP_OK, "OK", NULL);
	wire_buf_free(&text);
}

static void on_other(struct evhttp_request *request, void *arg)
{
	evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

static struct evhttp *make_http(struct kvsd *k)
{
	struct evhttp *http = evhttp_new(k->base);

	if (!http)
		return NULL;
	evhttp_set_timeout(http, TIMEOUT);
	evhttp_set_max_headers_size(http, HEAD_MAX);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET);
	evhttp_set_gencb(http, on_other, NULL);
	if (evhttp_set_cb(http, "/metrics", on_metrics, k) < 0) {
		evhttp_free(http);
		return NULL;
	}
	return http;
}

/* A socket that a server before us has left. */
static void remove_stale(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && !lstat(a->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(a->sun_path);
	if (fd >= 0)
		close(fd);
}

static struct evconnlistener *bind_to(struct kvsd *k, const union address *a,
				      int len)
{
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
		LEV_OPT_REUSEABLE;
	struct evconnlistener *listener;
	mode_t mask;

	if (a->any.sa_family == AF_UNIX)
		remove_stale(&a->local);
	mask = umask(0177);
	listener = evconnlistener_new_bind(k->base, NULL, NULL, flags, -1,
					   &a->any, len);
	umask(mask);
	return listener;
}

/* Port 0 has become another. */
static void announce(struct evconnlistener *listener, const char *text)
{
	union address a;
	socklen_t len = sizeof(a);
	char name[INET6_ADDRSTRLEN] = "";

	if (getsockname(evconnlistener_get_fd(listener), &a.any, &len) < 0)
		return;
	if (a.any.sa_family == AF_INET)
		daemon_log(LOG_INFO, "figures at http://%s:%d/metrics",
			   inet_ntop(AF_INET, &a.v4.sin_addr, name,
				     sizeof(name)), ntohs(a.v4.sin_port));
	else if (a.any.sa_family == AF_INET6)
		daemon_log(LOG_INFO, "figures at http://[%s]:%d/metrics",
			   inet_ntop(AF_INET6, &a.v6.sin6_addr, name,
				     sizeof(name)), ntohs(a.v6.sin6_port));
	else
		daemon_log(LOG_INFO, "figures at %s, /metrics", text);
}

int metrics_create(struct kvsd *k, char *why, size_t size)
{
	const char *text = k->options.metrics;
	struct evconnlistener *listener;
	union address a;
	int len;

	if (!text)
		return 0;
	if (parse(text, &a, &len, why, size) < 0)
		return -1;
	k->metrics = xcalloc(1, sizeof(*k->metrics));
	k->metrics->http = make_http(k);
	listener = k->metrics->http ? bind_to(k, &a, len) : NULL;
	if (!listener) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	if (a.any.sa_family == AF_UNIX)
		k->metrics->path = xstrdup(a.local.sun_path);
	if (!evhttp_bind_listener(k->metrics->http, listener)) {
		evconnlistener_free(listener);
		snprintf(why, size, "no memory");
		return -1;
	}
	announce(listener, text);
	return 0;
}

void metrics_destroy(struct kvsd *k)
{
	if (!k->metrics)
		return;
	if (k->metrics->http)
		evhttp_free(k->metrics->http);
	if (k->metrics->path)
		unlink(k->metrics->path);
	free(k->metrics->path);
	free(k->metrics);
	k->metrics = NULL;
}
