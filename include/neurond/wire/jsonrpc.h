#ifndef NEUROND_WIRE_JSONRPC_H
#define NEUROND_WIRE_JSONRPC_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/block.h"
#include "neurond/base/out_queue.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_splice.h"

namespace neuron {

/// Error codes of JSON-RPC 2.0 and of MCP, all revisions.
enum class JsonRpcError : int {
    kParse = -32700,
    kInvalidRequest = -32600,
    kMethodNotFound = -32601,
    kInvalidParams = -32602,
    kInternal = -32603,
    kUserRejected = -1,
    kTransport = -32000,         ///< what SDKs say for "connection closed"
    kSessionNotFound = -32001,   ///< what SDKs say for it
    kResourceNotFound = -32002,  ///< up to 2025-11-25
    kHeaderMismatch = -32020,    ///< from 2026-07-28 on, like the next two
    kMissingClientCapability = -32021,
    kUnsupportedVersion = -32022,
    kUrlElicitationRequired = -32042,  ///< 2025-11-25 only
};

/// What one JSON text means as a JSON-RPC message. All spans count from the beginning of
/// the text that was classified; empty = not there.
struct JsonRpcMessage {
    enum class Kind : uint8_t { kRequest, kNotification, kResult, kError, kInvalid };

    Kind kind = Kind::kInvalid;
    /// The raw bytes of the id, quotes included. Empty for a notification, for an error
    /// without a usable id (absent or null), and where it could not be read.
    Span id;
    std::string method;  ///< decoded
    Span params;         ///< an object
    Span result;         ///< an object
    Span error;          ///< an object with an integer `code` and a string `message`

    // For kInvalid only:
    JsonRpcError code = JsonRpcError::kInvalidRequest;
    std::string reason;
    /// False for a broken notification or answer, which nobody may answer. The id of a
    /// broken answer is there if it could be read: its caller deserves an error.
    bool answerable = true;
};

/// Decides what a scanned text is. `scanner` is done or bad with exactly this text.
///
/// kInvalid, with the code and reason to answer:
///   -32700  the scanner refused the text (the id is not to be trusted, so it is absent)
///   -32600  duplicate keys, or too many, on a level that is read; an array (batches are
///           the caller's business) or a scalar; jsonrpc not "2.0"; method not a string; an
///           id that is neither string nor integer; both or neither of method and an
///           answer, both of result and error; a result without id; a result that is not
///           an object; an error that is not {code: integer, message: string}
///   -32602  params that are not an object (JSON-RPC knows arrays too, MCP does not)
///
/// An error with `"id":null` or without id is accepted. Unknown members of the envelope
/// are ignored; since messages are written anew around params, result or error, they are
/// not passed on.
JsonRpcMessage classify(const JsonScanner& scanner, std::string_view text);

/// Whether two raw ids are one: type and value must be the same, so `1` and `"1"` are
/// two, and `"a"` and `"\u0061"` are one.
bool same_id(std::string_view a, std::string_view b) noexcept;

/// An error object taken apart. `data` is raw JSON, empty when there is none.
struct JsonRpcErrorObject {
    int64_t code = 0;
    std::string message;
    std::string_view data;
};
/// Nothing if it is not an object with integer code and string message.
std::optional<JsonRpcErrorObject> read_error_object(std::string_view object);

// Writers. `id_raw` are bytes of JSON (a string with its quotes, or an integer), never
// empty except where said; `method` is plain text and gets its quotes here; a body is
// JSON. The order of members is jsonrpc, id, then the rest; one line, no line end.

/// Part of a text with edits, as splice() takes it: the params of a request or the result
/// of an answer on its way through. An empty `part` means no body.
struct JsonBody {
    const Slice& text;
    Span part;
    const std::vector<Edit>& edits;
};

void write_request(OutQueue& out, std::string_view id_raw, std::string_view method,
                   const JsonBody& params);
/// `params` may be empty = none.
void write_request(OutQueue& out, std::string_view id_raw, std::string_view method,
                   std::string_view params);
void write_notification(OutQueue& out, std::string_view method, const JsonBody& params);
void write_notification(OutQueue& out, std::string_view method,
                        std::string_view params);
void write_result(OutQueue& out, std::string_view id_raw, const JsonBody& result);
void write_result(OutQueue& out, std::string_view id_raw, const Slice& result);
/// An error that passes through: `error` is the whole error object. An empty `id_raw`
/// leaves the id out.
void write_error(OutQueue& out, std::string_view id_raw, const Slice& error);
/// An error of our own. An empty `id_raw` leaves the id out; empty `data_json` too.
void write_error(OutQueue& out, std::string_view id_raw, JsonRpcError code,
                 std::string_view message, std::string_view data_json = {});

}  // namespace neuron

#endif
