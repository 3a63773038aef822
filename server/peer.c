// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/peer.h"

#include <netinet/in.h>
#include <string.h>

_Static_assert(sizeof(struct peer) == 24, "no padding");

enum { V6_PREFIX_BYTES = 8 };

void peer_from(const struct sockaddr *address, struct peer *out)
{
	struct peer peer = { .family = address->sa_family };

	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

		memcpy(peer.address, &v6->sin6_addr, sizeof(v6->sin6_addr));
		peer.port = ntohs(v6->sin6_port);
		peer.scope = v6->sin6_scope_id;
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		memcpy(peer.address, &v4->sin_addr, sizeof(v4->sin_addr));
		peer.port = ntohs(v4->sin_port);
	}
	*out = peer;
}

socklen_t peer_address(const struct peer *peer, struct sockaddr *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	if (peer->family == AF_INET6) {
		*v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(peer->port),
			.sin6_scope_id = peer->scope,
		};
		memcpy(&v6->sin6_addr, peer->address, sizeof(v6->sin6_addr));
		return sizeof(*v6);
	}
	*v4 = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons(peer->port) };
	memcpy(&v4->sin_addr, peer->address, sizeof(v4->sin_addr));
	return sizeof(*v4);
}

void peer_to_source(struct peer *peer)
{
	peer->port = 0;
	if (peer->family == AF_INET6)
		memset(peer->address + V6_PREFIX_BYTES, 0,
		       sizeof(peer->address) - V6_PREFIX_BYTES);
}
