// Sessions outlive reactors, and so must their ends. Who is told that a session has ended
// may count on it, whatever dies in the next moment.

#include "neurond/mcp/session_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "neurond/base/atomic_file.h"
#include "neurond/base/file_owner.h"
#include "neurond/base/limits.h"
#include "neurond/base/log.h"
#include "neurond/base/memory_file.h"

namespace neuron {

namespace {

constexpr mode_t kMode = 0600;
constexpr Millis kSyncDelay{1000};
constexpr Millis kRetryInterval{10000};
constexpr size_t kMaxStaleBytes = 1024 * 1024;
constexpr const char* kDamaged = ".damaged";
/// Older ids mean nothing anyway.
constexpr std::chrono::hours kKept(24 * kMaxSealedDays);

std::chrono::seconds oldest() {
    const auto now = wall_now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now) - kKept;
}

/// Nothing: there is no such file.
Result<std::optional<std::string>> read_if_there(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) {
        return std::optional<std::string>();
    }
    Result<std::string> text = read_file(path, kMaxSessionJournalBytes);
    if (!text) {
        return text.error();
    }
    return std::optional(std::move(*text));
}

}  // namespace

Status mend_session_journal(const std::string& path, const std::string& key_path) {
    const auto text = read_if_there(path);
    if (!text) {
        return text.error();
    }
    SessionRecords records;
    const Status fine = *text ? records.read(**text, oldest()) : Status(Ok{});
    if (fine) {
        return Ok{};
    }
    log_warn("daemon", "read %s: %s: it is put aside as %s, and all sessions end",
             path.c_str(), fine.error().message.c_str(), (path + kDamaged).c_str());
    if (::unlink(key_path.c_str()) != 0 && errno != ENOENT) {
        return sys_error("remove", key_path);
    }
    if (::rename(path.c_str(), (path + kDamaged).c_str()) != 0) {
        return sys_error("rename", path);
    }
    return Ok{};
}

SessionJournal::SessionJournal(EventLoop& loop, Helper& writer, std::string path,
                               SessionRecords& records)
    : writer_(writer),
      path_(std::move(path)),
      records_(records),
      flush_task_(loop, Phase::kStage, [this] { flush(); }),
      sync_timer_(loop, [this] { sync(); }),
      retry_timer_(loop, [this] { replace(); }) {}

Status SessionJournal::open() {
    if (Status done = read(); !done) {
        return done;
    }
    if (Status opened = open_file(); !opened) {
        return opened;
    }
    records_.set_write([this](std::string_view line) { add(line); });
    return Ok{};
}

Status SessionJournal::read() {
    const auto text = read_if_there(path_);
    if (!text) {
        return text.error();
    }
    const std::string_view lines = *text ? std::string_view(**text) : std::string_view();
    if (Status done = records_.read(lines, oldest()); !done) {
        return Error{"read " + path_ + ": " + done.error().message};
    }
    if (!lines.empty() && (lines.back() != '\n' || lines.size() > kMaxStaleBytes)) {
        return write_file_atomically(path_, records_.text(), kMode);
    }
    return Ok{};
}

Status SessionJournal::open_file() {
    Result<Fd> file = open_to_append(path_, kMode);
    struct stat info {};
    if (!file) {
        return file.error();
    }
    if (::fstat(file->get(), &info) != 0) {
        return sys_error("stat", path_);
    }
    file_ = std::move(*file);
    size_ = base_ = static_cast<size_t>(info.st_size);
    return Ok{};
}

void SessionJournal::add(std::string_view line) {
    lines_ += line;
    flush_task_.schedule();
}

void SessionJournal::flush() {
    const std::string lines = std::exchange(lines_, {});
    if (replacing_) {
        behind_ += lines;
    }
    append(lines);
}

/// All of it or nothing, so that no line is ever cut off in the middle of the file.
void SessionJournal::append(const std::string& lines) {
    const ssize_t n = ::write(file_.get(), lines.data(), lines.size());
    if (n == static_cast<ssize_t>(lines.size())) {
        size_ += lines.size();
        if (!sync_timer_.armed()) {
            sync_timer_.arm(kSyncDelay);
        }
        if (size_ > 2 * base_ + kMaxStaleBytes) {
            replace();
        }
        return;
    }
    const Error why = sys_error("write", path_, n < 0 ? errno : ENOSPC);
    if (n > 0 && ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) {
        size_ += static_cast<size_t>(n);
    }
    fail(why.message);
}

void SessionJournal::sync() {
    writer_.request(writer_sync_request(), file_.get(),
                    [this](bool ok, std::string_view why) {
                        if (!ok) {
                            fail("sync " + path_ + ": " + std::string(why));
                        }
                    });
}

void SessionJournal::replace() {
    if (replacing_) {
        return;
    }
    const Result<Fd> text = text_to_memfd("neurond-sessions", records_.text());
    if (!text) {
        fail(text.error().message);
        return;
    }
    replacing_ = true;
    behind_.clear();
    writer_.request(writer_copy_request(path_, kMode), text->get(),
                    [this](bool ok, std::string_view why) { on_replaced(ok, why); });
}

void SessionJournal::on_replaced(bool ok, std::string_view why) {
    replacing_ = false;
    const Status done = ok ? open_file() : Status(Error{std::string(why)});
    if (!done) {
        base_ = size_;  // not again at every turn
        fail(done.error().message);
        return;
    }
    broken_ = false;
    append(std::exchange(behind_, {}));
}

/// What the file lacks is in the records: it is written anew once there is room.
void SessionJournal::fail(const std::string& why) {
    if (!std::exchange(broken_, true)) {
        log_warn("daemon", "what changes of sessions is not kept: %s", why.c_str());
    }
    retry_timer_.arm(kRetryInterval);
}

}  // namespace neuron
