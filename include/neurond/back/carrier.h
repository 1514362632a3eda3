#ifndef NEUROND_BACK_CARRIER_H
#define NEUROND_BACK_CARRIER_H

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "neurond/back/lifecycle.h"
#include "neurond/base/out_queue.h"
#include "neurond/base/result.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// What a carrier must know of a message besides its bytes. A stdio carrier needs none of
/// it; HTTP puts every message on a POST of its own, with headers that repeat parts of it.
struct Outgoing {
    enum class Kind { kRequest, kNotification, kAnswer };
    Kind kind = Kind::kRequest;
    uint64_t id = 0;          ///< of a request: ours
    std::string_view method;  ///< of a request or notification
    /// The revision the message is written in: which headers go with it.
    Revision revision = Revision::k20251125;
    /// For `Mcp-Name` in the modern revision: the own name or URI; empty = no such header.
    std::string_view name;
    /// Further headers: `Mcp-Param-*`, forwarded ones. May be null.
    const std::vector<std::pair<std::string, std::string>>* fields = nullptr;
};

/// Why a request will get no answer, though the server as a whole lives.
struct RequestFailure {
    enum class Kind {
        kUnreachable,     ///< no connection: nothing was sent
        kUnsent,          ///< its process ended before any of it was written
        kLost,            ///< the connection ended before the answer did
        kSessionExpired,  ///< 404 to a request with a session id
        kUnauthorized,    ///< 401, 403
        kStatus,          ///< another status without a JSON-RPC answer in its body
        kProtocol,        ///< not HTTP, not JSON, another id
        kTooLarge,        ///< over limits.message_max
    };
    Kind kind = Kind::kLost;
    int status = 0;         ///< the HTTP status, where there was one
    bool executed = true;   ///< false: provably not processed, so it may be repeated
    std::string why;        ///< for people: "connect 127.0.0.1:8080: Connection refused"
};

/// The `data.type` (DESIGN 1.7) of a call that failed so.
const char* error_type(RequestFailure::Kind kind) noexcept;

/// For CarrierOwner::on_message(): the carrier is one pipe for everything.
constexpr uint64_t kAnyExchange = UINT64_MAX;

/// Uses a carrier: an instance. Callbacks come from the loop, never from inside a call.
class CarrierOwner {
  public:
    /// One message; `scan` is done with exactly `text`, which has no line breaks. Keep a
    /// copy of a small text rather than the slice. `exchange`: our id of the request whose
    /// response brought it, 0 = none's, or kAnyExchange.
    virtual void on_message(const JsonScanner& scan, const Slice& text,
                            uint64_t exchange) = 0;
    /// What came is not JSON: `scan` says why, `head` is its beginning, `id_raw` the id of
    /// the message it may have been meant as.
    virtual void on_garbage(const JsonScanner& scan, std::string_view head,
                            std::string_view id_raw) = 0;
    /// A message over the limit was dropped; its raw id, if it could be told.
    virtual void on_oversized(std::string_view id_raw) = 0;
    /// The same, because limits.buffer_total was used up.
    virtual void on_shed(std::string_view id_raw) { on_oversized(id_raw); }
    virtual void on_request_failed(uint64_t id, const RequestFailure& failure) = 0;
    /// The server has hung up, and tells the answer to this request later: it may take
    /// long. The carrier sees to it.
    virtual void on_answer_deferred(uint64_t /*id*/) {}
    /// The server has forgotten our session, which was found out without a request.
    virtual void on_session_expired() {}
    /// From now on the server's notifications are heard; before, it may have sent some.
    virtual void on_notices_missed() {}
    virtual void on_output_room() = 0;
    /// The server says nothing more, though it has not ended yet.
    virtual void on_output_closed() = 0;
    /// It is over; the last callback.
    virtual void on_carrier_end(const Ending& ending) = 0;

  protected:
    ~CarrierOwner() = default;
};

/// Moves messages to one server and back. Knows frames and connections, not what the
/// messages mean.
class Carrier {
  public:
    virtual ~Carrier() = default;

    /// Fails when it can be told at once that there will be no server.
    virtual Status start() = 0;
    virtual void send(OutQueue&& message, const Outgoing& about) = 0;
    /// Nobody waits for the answer to this request any more. Over HTTP that closes its
    /// exchange, which in the modern revision cancels it.
    virtual void forget(uint64_t id) = 0;
    /// The answer to this request waits for people, or does no more: meanwhile it should be
    /// in no other's way.
    virtual void set_aside(uint64_t /*id*/, bool /*aside*/) {}
    /// Enough is queued; wait for on_output_room().
    virtual bool congested() const noexcept = 0;
    /// Even answers to what the server asks would only pile up.
    virtual bool overloaded() const noexcept { return congested(); }
    /// Begins to end it in good order; on_carrier_end() follows.
    virtual void stop() = 0;
    /// At once and hard; on_carrier_end() follows.
    virtual void kill() = 0;
    /// Of the process behind it; 0 when there is none of ours.
    virtual pid_t pid() const noexcept = 0;
};

}  // namespace neuron

#endif
