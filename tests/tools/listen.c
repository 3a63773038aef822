// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds a listening socket until it is killed, answering nothing:
 *   listen udp|tcp ADDRESS PORT     prints "ready" when it listens
 * Several may share an address and a port (SO_REUSEPORT).
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/args.h"

static int open_socket(const char *proto, const char *address, uint16_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} where = { 0 };
	bool v6 = strchr(address, ':');
	int type = strcmp(proto, "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
	int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
	where.any.sa_family = v6 ? AF_INET6 : AF_INET;
	/* The port is at the same place in both. */
	where.v4.sin_port = htons(port);
	if (fd < 0 ||
	    inet_pton(where.any.sa_family, address,
		      v6 ? (void *)&where.v6.sin6_addr : &where.v4.sin_addr) != 1 ||
	    bind(fd, &where.any, v6 ? sizeof(where.v6) : sizeof(where.v4)) < 0)
		return -1;
	if (type == SOCK_STREAM && listen(fd, 16) < 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	struct args_why why;
	uint64_t port;

	if (argc != 4 || args_count(argv[3], 1, UINT16_MAX, &port, &why) < 0 ||
	    open_socket(argv[1], argv[2], (uint16_t)port) < 0) {
		perror("listen");
		return EXIT_FAILURE;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
