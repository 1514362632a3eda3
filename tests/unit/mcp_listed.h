#ifndef NEUROND_TESTS_UNIT_MCP_LISTED_H
#define NEUROND_TESTS_UNIT_MCP_LISTED_H

// What servers list, for tests of offers and catalogs.

#include <string>
#include <string_view>
#include <vector>

#include "neurond/wire/json_scan.h"

namespace neuron {

using Names = std::vector<std::string>;

inline bool is_json(std::string_view text) {
    constexpr unsigned kDepth = 64;
    JsonScanner scanner(kDepth);
    return scanner.finish(text) == Scan::kDone;
}

/// A tool as it is usually listed.
inline std::string tool(const std::string& name) {
    return R"({"name":")" + name + R"(","inputSchema":{"type":"object"}})";
}

inline std::string page(const std::string& tools, const std::string& rest = {}) {
    return R"({"tools":[)" + tools + "]" + rest + "}";
}

}  // namespace neuron

#endif
