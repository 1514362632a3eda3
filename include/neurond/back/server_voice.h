#ifndef NEUROND_BACK_SERVER_VOICE_H
#define NEUROND_BACK_SERVER_VOICE_H

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "neurond/back/carrier.h"
#include "neurond/back/health_check.h"
#include "neurond/back/pending_requests.h"
#include "neurond/mcp/leg.h"

namespace neuron {

/// What an instance says to its server: each message in the server's revision, with what
/// its carrier must know of it; each request with an id, under which it is pending.
class ServerVoice {
  public:
    using Write = std::function<void(OutQueue& out, uint64_t id)>;

    /// All three are the instance's; the carrier may be made later. `http`: headers repeat
    /// arguments.
    ServerVoice(const std::unique_ptr<Carrier>& carrier, const ServerHello& hello,
                PendingRequests& pending, bool http)
        : carrier_(carrier), hello_(hello), pending_(pending), http_(http) {}

    /// The id of the request, which `write` has been given.
    uint64_t request(PendingRequests::Kind kind, std::string_view method,
                     const Write& write);
    /// A health check; `write` says the method.
    template <typename W>
    uint64_t request(HealthCheck::Question, W write) {
        OutQueue message;
        Outgoing about;
        about.id = pending_.add(PendingRequests::Kind::kHealth);
        about.method = write(message, about.id);
        transmit(std::move(message), about);
        return about.id;
    }
    /// `more`: as in Leg::write_call().
    void call(Call& call, std::string_view more);
    void answer(OutQueue&& message);
    void initialized();
    void roots_changed();
    /// Nobody waits for this request any more: it is not pending, nor its exchange open.
    void cancel(uint64_t id, std::string_view reason);

  private:
    void transmit(OutQueue&& message, Outgoing about);
    void notify(OutQueue&& message, std::string_view method);

    const std::unique_ptr<Carrier>& carrier_;
    const ServerHello& hello_;
    PendingRequests& pending_;
    bool http_;
};

}  // namespace neuron

#endif
