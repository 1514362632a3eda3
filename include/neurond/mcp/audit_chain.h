#ifndef NEUROND_MCP_AUDIT_CHAIN_H
#define NEUROND_MCP_AUDIT_CHAIN_H

// How the lines of an audit file hold together, so that none can be changed, removed or
// moved without a trace:
//
//     {"chain":C,"seq":N, …the record…, "prev":D}
//
// C names the life of one reactor, N counts from 0, D is the SHA-256 (hex) of the line
// before it in the chain, without its line end. Record 0 is a `start`, which names the
// last record that was in the file. It and a `checkpoint` end in the Ed25519 signature
// (base64) of their own line up to the comma before `"signature"`. What stands between
// two records without being one (the beginning of a line that a crash or a full disk
// cut) is told by the next record's `torn`, and what could not be written at all by its
// `lost`.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "neurond/base/clock.h"

namespace neuron {

/// What identifies a record.
struct AuditLink {
    std::string chain;
    uint64_t seq = 0;
    std::string digest;  ///< SHA-256 of its line, hex
};

/// Why a checkpoint is written.
enum class CheckpointReason { kInterval, kRotation, kStop };

/// The chain that one reactor writes. A value: a copy is a point to go back to.
class AuditChain {
  public:
    AuditChain() = default;
    /// `name` is the chain's own; `previous` is what the file ended with.
    AuditChain(std::string name, std::optional<AuditLink> previous);

    /// `record` is a JSON object in one line; the answer is the line, its end included.
    std::string link(std::string_view record);
    /// The first line, signed: it covers what the file ended with.
    std::string start(std::string_view seed, WallTime when);
    std::string checkpoint(CheckpointReason reason, std::string_view seed, WallTime when);

    bool started() const noexcept { return next_ > 0; }
    /// Something is linked that no checkpoint covers.
    bool uncovered() const noexcept { return uncovered_; }
    /// Bytes now stand in the file after the last record, and are none. What was told
    /// before and not yet linked belongs to them.
    void set_torn(std::string bytes) { torn_ = std::move(bytes); }
    const std::string& torn() const noexcept { return torn_; }
    void add_lost(uint64_t records) noexcept { lost_ += records; }

  private:
    std::string sealed(std::string_view record, std::string_view seed);

    std::string name_;
    uint64_t next_ = 0;
    std::string prev_;
    std::optional<AuditLink> previous_;
    std::string torn_;
    uint64_t lost_ = 0;
    bool uncovered_ = false;
};

/// What a file ends with.
struct AuditTail {
    std::optional<AuditLink> last;  ///< the last whole record
    std::string torn;               ///< what comes after it and is none
    bool inside_line = false;       ///< there is no line end at the end
};

/// Reads the end of the regular file at `path`; blocks on the disk. What cannot be read,
/// or has no record in its last kMaxAuditTailBytes, has no last record.
AuditTail read_audit_tail(const std::string& path);

/// Reads chain and seq of a line (without its end). Nothing when it is no record.
std::optional<AuditLink> read_audit_link(std::string_view line);

}  // namespace neuron

#endif
