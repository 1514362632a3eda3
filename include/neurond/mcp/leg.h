#ifndef NEUROND_MCP_LEG_H
#define NEUROND_MCP_LEG_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/offer.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// What neurond knows of a server once it has been greeted.
struct ServerHello {
    Revision revision = Revision::k20251125;
    ServerCaps caps;
    std::string instructions;  ///< for models
    std::string name;          ///< for people
    std::string version;
};

/// How servers of one era are spoken to. Pure: writes messages; who sends them is not its
/// business. Towards servers every id is a small integer of our own.
class Leg {
  public:
    /// Asks for a page of a list. A following one has the cursor of the one before.
    virtual void write_list(OutQueue& out, uint64_t id, ItemKind kind,
                            const std::optional<std::string>& cursor) const = 0;
    /// The client's params with the server's own name in them and, if the client wants
    /// progress, with `id` as the progress token. `more`: members to be put into params,
    /// comma-joined.
    virtual void write_call(OutQueue& out, uint64_t id, const Call& call,
                            std::string_view more = {}) const = 0;

  protected:
    ~Leg() = default;
};

const Leg& leg_of(Revision revision) noexcept;

/// `notifications/cancelled` for a request of ours; the same in both eras.
void write_cancelled(OutQueue& out, uint64_t id, std::string_view reason);

/// `ping`, which only the legacy revisions have.
void write_ping(OutQueue& out, uint64_t id);

/// Our call id in a `notifications/progress`, and where it stands in the text.
struct ProgressToken {
    uint64_t id = 0;
    Span where;
};
std::optional<ProgressToken> read_progress(const JsonScanner& scan,
                                           std::string_view text);

/// The id of an answer, if it is one we could have sent.
std::optional<uint64_t> read_leg_id(std::string_view id_raw) noexcept;

/// Puts the client's params of a call into `out` as a request: own name, our progress
/// token, the keys of `_meta` that belong to one hop taken out, and `hop_meta` (members
/// as `"key":value,…`, may be empty) put in, `more` in front of the params. Everything
/// else stays as it came.
void write_call_request(OutQueue& out, uint64_t id, const Call& call,
                        std::string_view hop_meta, std::string_view more = {});

/// What a server says in a `notifications/message`, for whoever wants that: `params` with
/// the name of the server in front of the logger's. Nothing when it has no known level.
std::optional<Notice> read_server_message(std::string_view params,
                                          const std::string& server);
/// `logging/setLevel`.
void write_set_level(OutQueue& out, uint64_t id, MessageLevel level);

}  // namespace neuron

#endif
