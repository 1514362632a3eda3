#ifndef NEUROND_MCP_PARAM_HEADERS_H
#define NEUROND_MCP_PARAM_HEADERS_H

// `Mcp-Param-*`: arguments of a call that the modern revision repeats as header fields,
// where the tool's inputSchema says so by `x-mcp-header` (mcp-protocol 2.7).

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "neurond/mcp/catalog.h"
#include "neurond/mcp/exchange.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// Calls `found(field name, value in the arguments)` for every annotated property that can
/// be reached through `properties` alone. The value may be absent.
void for_each_param_header(
    const CatalogEntry& entry, const JsonView& arguments,
    const std::function<void(const std::string&, const JsonView&)>& found);

/// What is wrong with the annotations of a tool, for which a client over HTTP must not use
/// it (mcp-protocol 2.7); empty if nothing is.
std::string param_header_fault(const JsonView& tool);
/// Leaves out, and notes, the tools of an offer that have such a fault.
void drop_faulty_tools(Offer& offer);

/// The fields that go with a call to this tool, values encoded.
std::vector<std::pair<std::string, std::string>> param_headers(const CatalogEntry& entry,
                                                               const JsonView& arguments);

/// The header fields that go with a call over HTTP: those of the client that are forwarded,
/// `X-Request-Id` as log and audit have it and, where the revision wants it, what it
/// repeats of the arguments.
std::vector<std::pair<std::string, std::string>> call_headers(const Call& call,
                                                              bool repeats);

}  // namespace neuron

#endif
