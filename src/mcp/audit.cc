// The audit file: what was asked, by whom, and how it ended. A call whose line cannot be
// written does not happen (unless the operator says otherwise).

#include "neurond/mcp/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>
#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/text.h"
#include "neurond/mcp/key_file.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr Millis kSyncInterval{100};
constexpr size_t kChainNameBytes = 16;

void write_params(JsonWriter& w, std::string_view params,
                  AuditSettings::Arguments arguments) {
    if (params.empty() || arguments == AuditSettings::Arguments::kNone) {
        return;
    }
    std::string one_line(params);
    blank_line_breaks(one_line.data(), one_line.size());
    w.key("params");
    if (arguments == AuditSettings::Arguments::kHash) {
        w.string("sha256:" + hex_encode(sha256(one_line)));
    } else {
        w.raw(one_line);
    }
}

void write_text(JsonWriter& w, std::string_view key, std::string_view text) {
    if (!text.empty()) {
        w.key(key).string(text);
    }
}

}  // namespace

std::string audit_line(const AuditRecord& record, AuditSettings::Arguments arguments,
                       WallTime when) {
    JsonWriter w;
    w.begin_object().key("event").string(record.event);
    w.key("timestamp").string(to_rfc3339(when));
    write_text(w, "request_id", record.request_id);
    write_text(w, "continues", record.continues);
    write_text(w, "client", record.client);
    write_text(w, "peer", record.peer);
    write_text(w, "method", record.method);
    write_text(w, "tool", record.tool);
    write_text(w, "downstream", record.downstream);
    if (record.event == "call") {
        write_params(w, record.params, arguments);
    }
    w.key("decision").string(record.allowed ? "allowed" : "denied");
    write_text(w, "rule", record.rule);
    write_text(w, "result", record.result);
    if (!record.result.empty()) {
        w.key("duration_ms").integer(record.duration.count());
    }
    w.key("bytes_in").unsigned_integer(record.bytes_in);
    if (!record.result.empty()) {
        w.key("bytes_out").unsigned_integer(record.bytes_out);
    }
    return w.end_object().take();
}

Result<std::string> load_or_create_audit_key(const std::string& path) {
    return load_or_create_key(path, kEd25519KeyBytes,
                              "remove it to make a new one, which has another public key");
}

AuditLog::AuditLog(EventLoop& loop, Helper& writer, AuditSettings settings)
    : writer_(writer),
      settings_(std::move(settings)),
      sync_timer_(loop, [this] { sync(); }),
      checkpoint_timer_(loop, [this] {
          checkpoint(CheckpointReason::kInterval);
          write([](const Status&) {});
      }) {}

/// The chain begins at the first open() and survives every other one.
Status AuditLog::open() {
    return enabled() ? open_file() : Status(Ok{});
}

Status AuditLog::open_file() {
    Result<Fd> fd = open_to_append(settings_.path, kAuditFileMode);
    if (!fd) {
        return fd.error();
    }
    if (sync_timer_.armed()) {
        sync();  // what is still due belongs to the old file
    }
    fd_ = std::move(*fd);
    AuditTail tail = read_audit_tail(settings_.path);
    inside_line_ = tail.inside_line;
    if (!chain_.started()) {
        chain_ = AuditChain(hex_encode(random_bytes(kChainNameBytes)),
                            std::move(tail.last));
    }
    chain_.set_torn(std::move(tail.torn));
    begin_chain();
    if (!text_.empty()) {
        report(write_now(), std::exchange(first_, {}));
    }
    return Ok{};
}

Status AuditLog::reopen() {
    if (!enabled()) {
        return Ok{};
    }
    if (fd_) {
        checkpoint(CheckpointReason::kRotation);
        write([](const Status&) {});
    }
    return open_file();
}

void AuditLog::close() {
    if (enabled() && fd_) {
        checkpoint(CheckpointReason::kStop);
        write([](const Status&) {});
    }
}

void AuditLog::change(AuditSettings settings) {
    settings.path = std::move(settings_.path);
    settings.key = std::move(settings_.key);
    settings_ = std::move(settings);
}

/// The first line of the chain; after a failure to write it, once more.
void AuditLog::begin_chain() {
    if (!chain_.started()) {
        append(false, [this] {
            return chain_.start(settings_.key, wall_now());
        });
    }
}

void AuditLog::append(bool record, const std::function<std::string()>& make) {
    AuditChain before = chain_;
    text_ += make();
    lines_.push_back({text_.size(), record, std::move(before)});
}

void AuditLog::add(const AuditRecord& record) {
    if (!enabled()) {
        return;
    }
    begin_chain();
    if (first_.request_id.empty()) {
        first_ = {
            std::string(record.request_id), std::string(record.downstream),
            std::string(record.method) + " " + escape(record.tool, kMaxToolNameBytes), {}};
    }
    append(true, [&] {
        return chain_.link(audit_line(record, settings_.arguments, wall_now()));
    });
    if (!checkpoint_timer_.armed()) {
        checkpoint_timer_.arm(settings_.checkpoint);
    }
}

void AuditLog::checkpoint(CheckpointReason reason) {
    checkpoint_timer_.cancel();
    // The end of a chain is always marked: without, it looks as if cut off.
    if (!chain_.uncovered() && reason != CheckpointReason::kStop) {
        return;
    }
    begin_chain();
    append(false, [&] { return chain_.checkpoint(reason, settings_.key, wall_now()); });
}

Status AuditLog::write_now() {
    // After a short write the next line must not continue the torn one.
    const size_t closing = inside_line_ ? 1 : 0;
    text_.insert(0, closing, '\n');
    ssize_t n = 0;
    do {
        n = ::write(fd_.get(), text_.data(), text_.size());
    } while (n < 0 && errno == EINTR);
    const int err = n < 0 ? errno : ENOSPC;
    const size_t written = n > 0 ? static_cast<size_t>(n) : 0;
    const bool whole = written == text_.size();
    if (written > 0) {
        inside_line_ = text_[written - 1] != '\n';
    }
    counts_.written += static_cast<uint64_t>(std::count_if(
        lines_.begin(), lines_.end(), [](const Line& line) { return line.record; }));
    if (!whole) {
        text_.erase(0, closing);
        fall_back(written - std::min(written, closing));
    }
    text_.clear();
    lines_.clear();
    return whole ? Status(Ok{}) : sys_error("write", settings_.path, err);
}

/// Takes the chain back to the last record that is whole in the file, `written` bytes of
/// text_ being there. What was to come after it is lost, and what is there of it torn.
void AuditLog::fall_back(size_t written) {
    const auto missing = std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) {
        return line.end > written;
    });
    assert(missing != lines_.end());
    const size_t begin = missing == lines_.begin() ? 0 : std::prev(missing)->end;
    chain_ = missing->before;
    if (written > begin) {
        const std::string earlier = chain_.torn().empty() ? "" : chain_.torn() + "\n";
        chain_.set_torn(earlier + text_.substr(begin, written - begin));
    }
    const auto lost = static_cast<uint64_t>(std::count_if(
        missing, lines_.end(), [](const Line& line) { return line.record; }));
    chain_.add_lost(lost);
    counts_.lost += lost;
    counts_.written -= lost;
}

void AuditLog::write(Done done) {
    if (text_.empty()) {
        done(Ok{});
        return;
    }
    const RequestFacts about = std::exchange(first_, {});
    const Status written = write_now();
    report(written, about);
    if (!written) {
        done(written);
        return;
    }
    switch (settings_.sync) {
        case AuditSettings::Sync::kNo:
            done(written);
            break;
        case AuditSettings::Sync::kBatch:
            if (!sync_timer_.armed()) {
                sync_timer_.arm(kSyncInterval);
            }
            done(written);
            break;
        case AuditSettings::Sync::kEach:
            writer_.request(writer_sync_request(), fd_.get(),
                            [done](bool ok, std::string_view why) {
                                done(ok ? Status(Ok{}) : Error{std::string(why), 0});
                            });
            break;
    }
}

/// Once each way, because a full disk fails every turn.
void AuditLog::report(const Status& written, const RequestFacts& about) {
    if (!written && !failing_) {
        log_about_request(LogLevel::kError, "audit", written.error().message, about);
    } else if (written && failing_) {
        log_info("audit", "records are written again");
    }
    failing_ = !written;
}

void AuditLog::sync() {
    sync_timer_.cancel();
    writer_.request(writer_sync_request(), fd_.get(),
                    [](bool ok, std::string_view why) {
                        if (!ok) {
                            log_error("audit", "sync: %s", std::string(why).c_str());
                        }
                    });
}

}  // namespace neuron
