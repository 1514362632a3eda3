// `neurond events`: follows what changes, one JSON object a line, until the daemon stops.

#include <cstdio>
#include <string>

#include "neurond/cli/admin.h"
#include "neurond/cli/options.h"
#include "neurond/cli/verbs.h"
#include "neurond/protocol.h"
#include "neurond/wire/sse.h"

namespace neuron {

namespace {

constexpr size_t kMaxEventBytes = 1024 * 1024;
/// A daemon with nothing to say says so every 15 seconds.
constexpr Millis kMaxSilence{60 * 1000};

/// Prints the events in what has come; false when there is no use in more.
bool print_events(SseDecoder& decoder, std::string_view in) {
    for (;;) {
        const SseStep step = decoder.decode(in);
        in.remove_prefix(step.used);
        if (step.state != Scan::kDone) {
            return step.state != Scan::kBad;
        }
        const std::string line(decoder.data());
        if (std::printf("%s\n", line.c_str()) < 0 || std::fflush(stdout) != 0) {
            return false;
        }
    }
}

}  // namespace

int run_events(const Options& options) {
    Result<ControlClient> client = admin_client(options);
    if (!client) {
        return fail(client.error());
    }
    ControlRequest request;
    request.target = kAdminEvents;
    request.timeout = kMaxSilence;
    SseDecoder decoder(kMaxEventBytes);
    const Result<ControlReply> reply = client->exchange(
        request, [&decoder](const ControlReply&, std::string_view bytes) {
            return print_events(decoder, bytes);
        });
    if (!reply) {
        return fail(reply.error());
    }
    return reply->status == 200 ? kExitDone : fail(Error{refusal_text(*reply)});
}

}  // namespace neuron
