#ifndef NEUROND_WIRE_MCP_HEADER_H
#define NEUROND_WIRE_MCP_HEADER_H

#include <optional>
#include <string>
#include <string_view>

namespace neuron {

// Values of Mcp-Name and Mcp-Param-* (mcp-protocol 2.7): plain where an HTTP field can
// carry them, else `=?base64?` + padded Base64 of the UTF-8 + `?=`.

/// What to write for `text`.
std::string encode_mcp_header(std::string_view text);

/// What a field value (blanks around it already trimmed) stands for. Nothing when it has
/// the markers and is not Base64 between them, or holds bytes no plain value may have.
/// A value without both markers, in exact case, is literal.
std::optional<std::string> decode_mcp_header(std::string_view value);

}  // namespace neuron

#endif
