/*
 * client.h - a client of the simulated server: asks what its workload says, keeps what it is told.
 *
 *     workload --frame--> link.to_server          link.to_client --reply--> history
 *                |                                                 ^
 *                '--> in flight: which deeds, which operation -----'  answered in order
 *
 * It speaks the wire by the codec, has many frames in flight, and asks questions among its writes:
 * a reply to any of them tells of an LSN that must survive (history.h). When the server dies the
 * client reads what had been sent to it or does not, by chance; what it then still waits for is
 * not known.
 */
#ifndef HF_SIM_CLIENT_H
#define HF_SIM_CLIENT_H

#include "tests/lib/workload.h"
#include "tests/sim/world.h"

#define HF_CLIENT_IN_FLIGHT_MAX 12u

struct hf_client_frame {
    unsigned operation;
    uint32_t first; /* deed */
    uint32_t count; /* deeds; 0: a question */
    uint64_t correlation;
};

struct hf_client {
    struct hf_world *world;
    struct hf_history *history;
    uint32_t link;
    bool is_connected;
    uint64_t correlation;
    struct hf_client_frame in_flight[HF_CLIENT_IN_FLIGHT_MAX]; /* oldest first */
    uint32_t in_flight_count;
    struct hf_workload workload;

    /* the port's call under way (hf_client_port) */
    const uint32_t *asked;
    struct hf_answer *answers;
};

void hf_client_init(struct hf_client *client, struct hf_world *world, struct hf_history *history,
                    uint32_t link);
/* The server is gone. */
void hf_client_disconnect(struct hf_client *client);

/* Connect, or send one more frame; false: there is nothing to send (in flight enough, or the
 * memory for deeds is used up). */
bool hf_client_send(struct hf_client *client);
/* Read all replies that have come whole. False: a violation, in the history. */
bool hf_client_read(struct hf_client *client);

/* How a proof asks (history.h): writes go over the wire and drive the world until they are
 * answered; questions go to the engine itself. The client must have nothing in flight. */
struct hf_port hf_client_port(struct hf_client *client);
/* Let the world go on, without a death, until the client has all its answers. */
bool hf_client_wait(struct hf_client *client);

#endif
