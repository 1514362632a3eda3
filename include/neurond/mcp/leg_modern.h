#ifndef NEUROND_MCP_LEG_MODERN_H
#define NEUROND_MCP_LEG_MODERN_H

// Towards modern servers (2026-07-28): no handshake, every request says who speaks which
// revision and what it can be asked.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "neurond/base/result.h"
#include "neurond/mcp/leg.h"

namespace neuron {

const Leg& modern_leg() noexcept;

void write_discover(OutQueue& out, uint64_t id);
/// `subscriptions/listen` for the changes of every list, and of these resources.
void write_listen(OutQueue& out, uint64_t id, const std::set<std::string>& uris);
/// What a `notifications/subscriptions/acknowledged` begins.
struct Acknowledged {
    uint64_t listen = 0;  ///< its id; 0: none of ours
    std::set<std::string> resources;
};
Acknowledged read_acknowledged(const JsonScanner& scan, std::string_view text);
/// `result` is the validated result of server/discover that offers a revision we speak.
ServerHello read_discover_result(std::string_view result);

}  // namespace neuron

#endif
