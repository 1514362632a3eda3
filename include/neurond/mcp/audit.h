#ifndef NEUROND_MCP_AUDIT_H
#define NEUROND_MCP_AUDIT_H

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/clock.h"
#include "neurond/base/fd.h"
#include "neurond/base/log.h"
#include "neurond/base/result.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/helper.h"
#include "neurond/mcp/audit_chain.h"

namespace neuron {

constexpr mode_t kAuditFileMode = 0640;

/// One line of the audit (DESIGN 1.8). Views; they need to live until add() returns.
struct AuditRecord {
    std::string_view event;  ///< call, retry, result
    std::string_view request_id;
    std::string_view continues{};  ///< of a retry: the request_id of the call
    std::string_view client;
    std::string_view peer;
    std::string_view method;
    std::string_view tool;
    std::string_view downstream;
    std::string_view params;  ///< raw JSON of the arguments; empty = none
    bool allowed = true;
    std::string_view rule;
    /// success, error, blocked, cancelled, timeout; empty while it is open.
    std::string_view result;
    Millis duration{0};
    size_t bytes_in = 0;
    size_t bytes_out = 0;
};

/// Records of calls; neither starts nor checkpoints.
struct AuditCounts {
    uint64_t written = 0;
    uint64_t lost = 0;
};

struct AuditSettings {
    enum class Arguments { kFull, kHash, kNone };
    enum class Sync { kBatch, kEach, kNo };

    std::string path;  ///< "none" = off
    Arguments arguments = Arguments::kFull;
    Sync sync = Sync::kBatch;
    Millis checkpoint{60000};  ///< between signed records, while there are others
    std::string key;           ///< the Ed25519 seed that signs them
};

/// The signing key at `path`, made at the first start (0600). An unreadable or damaged one
/// is an error: checkpoints signed with a new one would prove nothing about the old.
Result<std::string> load_or_create_audit_key(const std::string& path);

/// A record as a JSON object in one line, not yet linked. The arguments stand in the call's
/// record only: as the bytes that came (line breaks between tokens as spaces), as
/// "sha256:" and the digest of those, or not at all. What has no result yet has neither
/// duration nor bytes_out.
std::string audit_line(const AuditRecord& record, AuditSettings::Arguments arguments,
                       WallTime when);

/// The audit file. Lines are collected during a turn and written with one write(2) before
/// the calls they tell of go on. Every reactor writes a chain of its own (audit_chain.h).
class AuditLog {
  public:
    /// Told how writing (and, with sync = each, forcing to the medium) went.
    using Done = std::function<void(const Status&)>;

    AuditLog(EventLoop& loop, Helper& writer, AuditSettings settings);

    /// Opens the file for appending, or makes it (0640), and begins the chain. It need not
    /// succeed for calls to be refused properly later.
    Status open();
    /// Opens it anew, after it has been moved away: the old one ends in a checkpoint, the
    /// chain goes on in the new one. On failure the old one stays.
    Status reopen();
    /// Writes what has been added and the last checkpoint.
    void close();
    /// Other settings from now on, but for path and key.
    void change(AuditSettings settings);
    bool enabled() const noexcept { return settings_.path != "none"; }
    const AuditCounts& counts() const noexcept { return counts_; }

    void add(const AuditRecord& record);
    /// Writes what has been added. `done` is called inside, or, with Sync::kEach, after
    /// the medium has it. After a failure the records are lost, which the next one that
    /// can be written tells; what went out of a line is closed by a line end before it.
    void write(Done done);

  private:
    /// A line that waits to be written.
    struct Line {
        size_t end;         ///< in text_
        bool record;        ///< of a call
        AuditChain before;  ///< to go back to when it cannot be
    };

    void append(bool record, const std::function<std::string()>& make);
    Status write_now();
    void fall_back(size_t written);
    Status open_file();
    void begin_chain();
    void checkpoint(CheckpointReason reason);
    void report(const Status& written, const RequestFacts& about);
    void sync();

    Helper& writer_;
    AuditSettings settings_;
    Fd fd_;
    AuditChain chain_;
    std::string text_;  ///< what is to be written
    std::vector<Line> lines_;  ///< its lines
    RequestFacts first_;       ///< whom the first record of these is about
    bool inside_line_ = false;  ///< the file ends inside a line
    AuditCounts counts_;
    bool failing_ = false;  ///< the last write failed, which has been logged
    Timer sync_timer_;
    Timer checkpoint_timer_;
};

}  // namespace neuron

#endif
