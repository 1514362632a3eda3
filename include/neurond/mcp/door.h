#ifndef NEUROND_MCP_DOOR_H
#define NEUROND_MCP_DOOR_H

// Translation between clients and the model of a call: one Door an era, pure, the same
// for every transport.

#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/mcp/list_pages.h"
#include "neurond/mcp/listen.h"
#include "neurond/mcp/revision.h"
#include "neurond/wire/json_scan.h"

namespace neuron {

/// What a client's request asks for.
struct DoorRequest {
    enum class Kind {
        kInitialize,
        kDiscover,
        kPing,
        kList,
        kSetLevel,  ///< `call.log_level`; the answer is empty
        kCall,
        kListen,       ///< `listen`
        kSubscribe,    ///< to `uri`
        kUnsubscribe,  ///< from `uri`
        kRefused,  ///< answer `error`, over HTTP with `status`
    };
    Kind kind = Kind::kRefused;
    OwnError error;
    int status = 200;
    /// For kCall: everything but request_id, identity, party, asker, tag, view, revision
    /// and, of legacy clients, caps.
    CallRequest call;
    ListenFilter listen;
    std::string uri;
    ItemKind list = ItemKind::kTool;    ///< for kList
    std::optional<std::string> cursor{};  ///< for kList
};

/// How clients of one era are understood and answered.
class Door {
  public:
    virtual bool modern() const noexcept = 0;
    /// Reads a request; `message` was classified from `scan` and `text`, kind kRequest.
    virtual DoorRequest read_request(const JsonRpcMessage& message,
                                     const JsonScanner& scan,
                                     const Slice& text) const = 0;
    /// A page of a list, or the error that its cursor is not valid.
    virtual void write_list(OutQueue& out, std::string_view id_raw,
                            const DoorRequest& asked, const Viewer& viewer,
                            const ListSettings& settings) const = 0;
    /// `request_id` goes into the data of errors of our own.
    virtual void write_answer(OutQueue& out, std::string_view id_raw,
                              const Answer& answer,
                              std::string_view request_id) const = 0;
    /// The HTTP status of an answer that goes out alone, as JSON (mcp-protocol 2.3).
    virtual int status_of(const Answer& answer) const = 0;

  protected:
    ~Door() = default;
};

const Door& legacy_door() noexcept;
const Door& modern_door() noexcept;

/// The header fields that decide about a modern request over HTTP; values trimmed.
struct ModernHeaders {
    std::optional<std::string_view> version;  ///< MCP-Protocol-Version
    std::optional<std::string_view> method;   ///< Mcp-Method
    std::optional<std::string_view> name;     ///< Mcp-Name
};

/// Whose rules a message is to be read by.
struct EraChoice {
    enum class Era { kLegacy, kModern, kRefused };
    Era era = Era::kLegacy;
    int status = 400;  ///< for kRefused, over HTTP
    OwnError error;
    std::string data;  ///< of that error, raw JSON
};

/// Rungs 6 and 7 of the ladder in mcp-protocol 2.2, the earliest that fails deciding.
/// `message` is a request or a notification. Without `headers` (a byte stream) the rungs
/// about header fields do not exist.
EraChoice choose_era(const JsonRpcMessage& message, const JsonScanner& scan,
                     std::string_view text, const ModernHeaders* headers);

/// The tool, prompt or resource that the params of a request name, decoded; empty if none.
std::string named_target(const JsonRpcMessage& message, const JsonScanner& scan,
                         std::string_view text);

/// Whether a message says in its `_meta` which revision it is of, as only modern ones do.
bool claims_modern(const JsonScanner& scan, std::string_view text);

/// What a modern request says its client can be asked.
ClientCaps read_request_caps(const JsonScanner& scan, std::string_view text);

/// The raw id that a `notifications/cancelled` names; empty if it names none.
std::string_view read_cancelled_id(const JsonScanner& scan, std::string_view text);

/// `token_raw` is the client's own progress token, put back where ours stands.
void write_notice(OutQueue& out, const Notice& notice, std::string_view token_raw);
/// An error of our own with its data (DESIGN 1.7).
void write_own_error(OutQueue& out, std::string_view id_raw, const OwnError& error,
                     std::string_view request_id);

/// Reads the params of a call (tools/call, prompts/get, resources/read or
/// completion/complete) or says what is wrong with them.
DoorRequest read_call(const JsonRpcMessage& message, const JsonScanner& scan,
                      const Slice& text);
/// What clients of both eras ask in the same words: calls and lists. Nothing if it is
/// something else.
std::optional<DoorRequest> read_shared_request(const JsonRpcMessage& message,
                                               const JsonScanner& scan,
                                               const Slice& text);
DoorRequest refused_request(JsonRpcError code, std::string message, int status = 200);

/// The page that is asked for. Nothing when the cursor is not valid: `out` is the error.
std::optional<ListPage> list_page_or_error(OutQueue& out, std::string_view id_raw,
                                           const DoorRequest& asked, const Viewer& viewer,
                                           const ListSettings& settings);
/// The members of a list's result that both eras have.
void write_list_members(OutQueue& out, ItemKind kind, const ListPage& page, bool legacy);

extern const char* const kInstructions;
/// To a subscription that there cannot be.
extern const char* const kNotSubscribable;

}  // namespace neuron

#endif
