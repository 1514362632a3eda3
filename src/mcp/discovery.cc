// Which era does a server speak? The table of mcp-protocol 2.8. No single error code
// decides: whatever is not a recognised modern answer means legacy, except where it may
// just as well be an outage.

#include "neurond/mcp/discovery.h"

#include "neurond/base/text.h"
#include "neurond/mcp/leg_legacy.h"
#include "neurond/mcp/leg_modern.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

struct Offered {
    bool modern = false;
    bool legacy = false;
};

Offered offered(const JsonView& versions) {
    Offered out;
    for (const JsonView version : versions.elements()) {
        const auto revision = parse_revision(version.as_string().value_or(""));
        out.modern = out.modern || (revision && !is_legacy(*revision));
        out.legacy = out.legacy || (revision && is_legacy(*revision));
    }
    return out;
}

}  // namespace

Discovery::Step Discovery::begin() {
    const bool probe = protocol_ == Protocol::kModern ||
                       (protocol_ == Protocol::kAuto && modern_.value_or(true));
    return go(probe ? Step::kDiscover : Step::kInitialize);
}

Discovery::Step Discovery::fail(std::string why) {
    why_ = std::move(why);
    return go(Step::kFailed);
}

Discovery::Step Discovery::legacy() {
    if (protocol_ == Protocol::kModern) {
        return fail("it does not speak 2026-07-28, and protocol = modern");
    }
    modern_ = false;
    return go(Step::kInitialize);
}

Discovery::Step Discovery::on_result(std::string_view result) {
    if (probing()) {
        return on_discovered(result);
    }
    Result<ServerHello> hello = read_initialize_result(result);
    if (!hello) {
        return fail(hello.error().message);
    }
    hello_ = std::move(*hello);
    return go(Step::kReady);
}

Discovery::Step Discovery::on_discovered(std::string_view result) {
    const JsonView supported = JsonView(result).find("supportedVersions");
    if (!supported.exists()) {
        return legacy();  // it says yes to what it does not know
    }
    const Offered versions = offered(supported);
    if (versions.modern) {
        modern_ = true;
        hello_ = read_discover_result(result);
        return go(Step::kReady);
    }
    return versions.legacy ? legacy() : fail("it supports no protocol version of ours");
}

Discovery::Step Discovery::on_error(std::string_view error) {
    const auto parts = read_error_object(error);
    if (!probing()) {
        modern_.reset();  // it may have learned something new: ask again next time
        return fail("it refused initialize: " + escape(error, 256));
    }
    if (parts && parts->code == static_cast<int>(JsonRpcError::kUnsupportedVersion)) {
        return on_unsupported(parts->data);
    }
    return legacy();
}

/// A modern server that names what it supports is asked once more, even when that is the
/// version it has just refused.
Discovery::Step Discovery::on_unsupported(std::string_view data) {
    const Offered versions = offered(JsonView(data).find("supported"));
    if (versions.modern && !retried_) {
        retried_ = true;
        return go(Step::kDiscover);
    }
    if (versions.legacy && !versions.modern) {
        return legacy();
    }
    return fail("it refuses protocol version 2026-07-28");
}

Discovery::Step Discovery::on_silence() {
    return probing() && !http_ ? legacy() : fail("it did not answer in time");
}

Discovery::Step Discovery::on_status(int status, const std::string& why) {
    const bool refused = status >= 400 && status < 500 && status != 401 && status != 403 &&
                         status != 408 && status != 429;
    if (!probing() && refused) {
        modern_.reset();
    }
    return probing() && refused ? legacy() : fail(why);
}

/// Some servers end when the first thing they hear is not `initialize`.
Discovery::Step Discovery::on_end() {
    if (!probing() || http_ || protocol_ == Protocol::kModern) {
        return fail("it ended during the handshake");
    }
    modern_ = false;
    return go(Step::kRestart);
}

}  // namespace neuron
