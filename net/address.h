/*
 * address.h - where a server listens: a name or number becomes an address of a socket.
 */
#ifndef HF_NET_ADDRESS_H
#define HF_NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr_storage;

/* The first address of `host` (an address or a name) to listen at. False: there is none. */
bool hf_address_find(const char *host, uint16_t port, struct sockaddr_storage *address);
/* Is it reachable from this machine only? */
bool hf_address_is_loopback(const struct sockaddr_storage *address);

/* "192.0.2.1:4653" or "[2001:db8::1]:4653". */
#define HF_ADDRESS_LINE_BYTES 80
void hf_address_write(const struct sockaddr_storage *address, char line[HF_ADDRESS_LINE_BYTES]);

#endif
