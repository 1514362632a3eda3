// Whatever is classified as a message can be written anew and is then the same message;
// splicing leaves JSON behind.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/wire/jsonrpc.h"

using namespace neuron;
using Kind = JsonRpcMessage::Kind;

namespace {

constexpr unsigned kDepth = 32;

JsonRpcMessage read(std::string_view text) {
    JsonScanner scanner(kDepth);
    scanner.finish(text);
    return classify(scanner, text);
}

std::string write(const JsonRpcMessage& message, const Slice& text) {
    OutQueue out;
    const std::string_view id = message.id.in(text.view());
    switch (message.kind) {
        case Kind::kRequest:
            write_request(out, id, message.method, JsonBody{text, message.params, {}});
            break;
        case Kind::kNotification:
            write_notification(out, message.method, JsonBody{text, message.params, {}});
            break;
        case Kind::kResult:
            write_result(out, id, JsonBody{text, message.result, {}});
            break;
        case Kind::kError:
            write_error(out, id, text.part(message.error.in(text.view())));
            break;
        case Kind::kInvalid:
            write_error(out, id, message.code, message.reason);
            break;
    }
    return out.to_string();
}

/// Removes every other member of the root, puts one in front, and looks whether it is JSON.
void check_splice(std::string_view text) {
    JsonScanner scanner(kDepth);
    if (scanner.finish(text) != Scan::kDone ||
        scanner.root() != JsonScanner::Root::kObject) {
        return;
    }
    const JsonMembers& members = scanner.root_members();
    std::vector<size_t> gone;
    for (size_t i = 0; i < members.size(); i += 2) {
        gone.push_back(i);
    }
    const std::string member =
        member_text("\x01new", "[1]", gone.size() < members.size());
    std::vector<Edit> edits = {{front_of_object(scanner.value()), member}};
    remove_members(edits, members, gone);
    OutQueue out;
    splice(out, Slice::copy_of(text), edits);
    JsonScanner after(kDepth);
    const Scan scan = after.finish(out.to_string());
    assert(scan == Scan::kDone || after.error() == JsonError::kDuplicateKey);
    assert(scan == Scan::kBad ||
           after.root_members().size() == members.size() - gone.size() + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const JsonRpcMessage message = read(text);
    assert((message.kind == Kind::kInvalid) == !message.reason.empty());

    const std::string written = write(message, Slice::copy_of(text));
    const JsonRpcMessage again = read(written);
    assert(again.kind ==
           (message.kind == Kind::kInvalid ? Kind::kError : message.kind));
    assert(again.id.in(written) == message.id.in(text));
    if (message.kind != Kind::kInvalid) {
        assert(again.method == message.method);
        assert(again.params.in(written) == message.params.in(text));
        assert(again.result.in(written) == message.result.in(text));
        assert(again.error.in(written) == message.error.in(text));
    }
    check_splice(text);
    return 0;
}
