#ifndef NEUROND_MCP_KEY_FILE_H
#define NEUROND_MCP_KEY_FILE_H

#include <cstddef>
#include <string>

#include "neurond/base/result.h"

namespace neuron {

/// In the state directory: what signs the checkpoints of the audit.
constexpr const char* kAuditKeyFile = "audit.key";

/// The secret at `path`: `bytes` raw bytes, made at the first start (0600). An unreadable
/// or damaged one is an error, since a new one would silently break what the old one
/// held together; `remedy` says how to get over that ("remove it to …"). Blocks.
Result<std::string> load_or_create_key(const std::string& path, size_t bytes,
                                       const char* remedy);

}  // namespace neuron

#endif
