#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool hf_address_find(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    char service[8];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};

    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL) {
        return false;
    }
    memcpy(address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

bool hf_address_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

void hf_address_write(const struct sockaddr_storage *address, char line[HF_ADDRESS_LINE_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(line, HF_ADDRESS_LINE_BYTES, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
        return;
    }
    const struct sockaddr_in6 *v6 = (const void *)address;
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    (void)snprintf(line, HF_ADDRESS_LINE_BYTES, "[%s]:%u", host, (unsigned)ntohs(v6->sin6_port));
}
