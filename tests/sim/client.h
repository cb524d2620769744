/*
 * client.h - a client of the simulated server: asks what its workload says, keeps what it is told.
 *
 *     workload --frame--> link.to_server          link.to_client --reply--> history
 *                |                                                 ^
 *                '--> in flight: which deeds, which operation -----'  answered in order
 *                          | the connection breaks
 *                          '--> lost: sent again, the same bytes, on a new connection
 *
 * It speaks the wire by the codec, has many frames in flight, sends some of them twice, and asks
 * questions among its writes: a reply to any of them tells of an LSN that must survive (history.h).
 *
 * What it does not know stays unknown: when a connection breaks, every deed in flight that is not
 * known to be done may still be, also one that was refused, if it was sent twice. A frame that is
 * at large, on a connection that the server still reads, may be executed after a later one of the
 * same deeds was refused; so a refusal counts for nothing until it has ended.
 */
#ifndef HF_SIM_CLIENT_H
#define HF_SIM_CLIENT_H

#include "tests/lib/workload.h"
#include "tests/sim/node.h"

#define HF_CLIENT_IN_FLIGHT_MAX 12u
#define HF_CLIENT_AT_LARGE_MAX 64u

struct hf_client_frame {
    unsigned operation;
    uint32_t first; /* deed */
    uint32_t count; /* deeds; 0: a question */
    uint64_t correlation;
    bool is_again;     /* was sent before */
    bool was_at_large; /* when it was sent, the server might still read an earlier copy */
};

/* Deeds that an abandoned connection may still bring to the server. */
struct hf_client_large {
    uint32_t link, life; /* of the connection */
    uint32_t first, count;
};

struct hf_client_counts {
    uint64_t breaks_count;  /* connections that broke while the server lived */
    uint64_t again_count;   /* frames sent again */
    uint64_t settled_count; /* deeds whose outcome such a frame told */
};

struct hf_client {
    struct hf_node *node;
    struct hf_history *history;
    uint32_t link; /* while connected */
    bool is_connected;
    uint64_t correlation;
    struct hf_client_frame in_flight[HF_CLIENT_IN_FLIGHT_MAX]; /* oldest first */
    uint32_t in_flight_count;
    struct hf_client_frame lost[HF_CLIENT_IN_FLIGHT_MAX]; /* to be sent again, oldest first */
    uint32_t lost_count;
    struct hf_client_large at_large[HF_CLIENT_AT_LARGE_MAX];
    uint32_t at_large_count;
    bool is_clock_steady; /* the server's clock never jumps: levels may be set as of a time */
    bool is_repeating;    /* sends its newest frame twice */
    struct hf_workload workload;
    struct hf_client_counts counts;

    /* the port's call under way (hf_client_port) */
    const uint32_t *asked;
    struct hf_answer *answers;
};

void hf_client_init(struct hf_client *client, struct hf_node *node, struct hf_history *history);
/* The server is gone: what is in flight is not known and is not sent again. */
void hf_client_disconnect(struct hf_client *client);

/* How a connection can break while the server lives on. */
enum hf_client_break {
    HF_BREAK_RESET, /* both ends know */
    HF_BREAK_END,   /* the server takes it for a half that was shut down */
    HF_BREAK_SILENT /* the server does not know; what was sent may still arrive */
};
/* Part of what the server had sent arrives, then the connection breaks. False: a violation. */
bool hf_client_break(struct hf_client *client, enum hf_client_break way);

/* Connect, or send one more frame; false: there is nothing to send (in flight enough, no link is
 * free, or the memory for deeds is used up). */
bool hf_client_send(struct hf_client *client);
/* Read all replies that have come whole. False: a violation, in the history. */
bool hf_client_read(struct hf_client *client);

/* How a proof asks (history.h): writes go over the wire and drive the world until they are
 * answered; questions go to the engine itself. The client must have nothing in flight. */
struct hf_port hf_client_port(struct hf_client *client);
/* Let the world go on, without a death, until the client has all its answers. */
bool hf_client_wait(struct hf_client *client);

#endif
