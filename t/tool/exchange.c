/* SPDX-License-Identifier: Apache-2.0 */
/* exchange PORT|PATH: sends standard input there, a TCP port of this machine
 * or a Unix socket, and prints all that comes back until the other side
 * closes. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *where)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in inet = { .sin_family = AF_INET };
	int port = atoi(where);
	int fd = socket(port ? AF_INET : AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet.sin_port = htons(port);
	snprintf(local.sun_path, sizeof(local.sun_path), "%s", where);
	if (port ? connect(fd, (struct sockaddr *)&inet, sizeof(inet)) :
		   connect(fd, (struct sockaddr *)&local, sizeof(local)))
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	char buf[65536];
	int fd = argc == 2 ? connect_to(argv[1]) : -1;
	size_t len;
	ssize_t n;

	if (fd < 0) {
		perror("exchange");
		return 1;
	}
	while ((len = fread(buf, 1, sizeof(buf), stdin)))
		if (write(fd, buf, len) != (ssize_t)len)
			return 1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	close(fd);
	return n < 0;
}
