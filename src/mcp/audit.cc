// The audit file: what was asked, by whom, and how it ended. A call whose line cannot be
// written does not happen (unless the operator says otherwise).

#include "neurond/mcp/audit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/log.h"
#include "neurond/wire/json_splice.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr Millis kSyncInterval{100};

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

/// True for a file that a crash or a full disk left without its last line end.
bool ends_inside_line(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    char last = '\n';
    return fd && ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) &&
           info.st_size > 0 && ::pread(fd.get(), &last, 1, info.st_size - 1) == 1 &&
           last != '\n';
}

}  // namespace

std::string audit_line(const AuditRecord& record, AuditSettings::Arguments arguments,
                       WallTime when) {
    JsonWriter w;
    w.begin_object().key("event").string(record.event);
    w.key("timestamp").string(to_rfc3339(when));
    write_text(w, "request_id", record.request_id);
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
    return w.end_object().take() + "\n";
}

AuditLog::AuditLog(EventLoop& loop, Helper& writer, AuditSettings settings)
    : writer_(writer),
      settings_(std::move(settings)),
      sync_timer_(loop, [this] { sync(); }) {}

Status AuditLog::open() {
    if (!enabled()) {
        return Ok{};
    }
    // Not blocking, because a FIFO has a reader who may be slow.
    Fd fd(::open(settings_.path.c_str(),
                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640));
    if (!fd) {
        return sys_error("open", settings_.path);
    }
    if (sync_timer_.armed()) {
        sync();  // what is still due belongs to the old file
    }
    fd_ = std::move(fd);
    torn_ = ends_inside_line(settings_.path);
    return Ok{};
}

void AuditLog::add(const AuditRecord& record) {
    if (enabled()) {
        lines_ += audit_line(record, settings_.arguments, wall_now());
    }
}

/// After a short write the next line must not continue the torn one.
Status AuditLog::write_now() {
    if (torn_) {
        lines_.insert(lines_.begin(), '\n');
    }
    ssize_t n = 0;
    do {
        n = ::write(fd_.get(), lines_.data(), lines_.size());
    } while (n < 0 && errno == EINTR);
    const int err = n < 0 ? errno : ENOSPC;
    const bool whole = n == static_cast<ssize_t>(lines_.size());
    if (n > 0) {
        torn_ = !whole && lines_[static_cast<size_t>(n) - 1] != '\n';
    }
    lines_.clear();
    return whole ? Status(Ok{}) : sys_error("write", settings_.path, err);
}

void AuditLog::write(Done done) {
    if (lines_.empty()) {
        done(Ok{});
        return;
    }
    const Status written = write_now();
    report(written);
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
void AuditLog::report(const Status& written) {
    if (!written && !failing_) {
        log_error("audit", "%s", written.error().message.c_str());
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
