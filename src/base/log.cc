// The log: one event, one line, one write(2), and never a wait. A line is at most PIPE_BUF
// bytes, so that lines of several processes on one pipe do not mix, and so that poll()
// knows beforehand whether the pipe takes it whole; what is not taken is dropped and
// counted. What repeats itself is counted, too.

#include "neurond/base/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "neurond/base/clock.h"
#include "neurond/base/limits.h"
#include "neurond/base/log_repeats.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

struct Logger {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
    LogOutput output;
    LogRepeats repeats;
    bool to_journal = false;  ///< where it goes to stderr
    bool no_stderr = false;   ///< for lines; a start may still say why it fails
    bool echo_errors = false;
    uint64_t dropped = 0;
    uint64_t reported = 0;  ///< of those dropped
};

Logger g_logger;

constexpr const char* kLevelNames[] = {"debug", "info", "warn", "error", "critical"};
constexpr char kPriorities[] = {'7', '6', '4', '3', '2'};  // syslog(3)

/// What a line is made of. Without a server it is the daemon's own.
struct Record {
    LogLevel level;
    std::string_view module;
    std::string_view server;
    std::string_view message;
    std::string_view summary;  ///< with fields: the message of the JSON form
    const std::vector<LogField>* fields = nullptr;
};

/// Appends `text` up to `limit` bytes in all, marked where it was cut.
/// encode(piece) -> what to write for one character.
template <typename Encode>
void append_bounded(std::string& out, std::string_view text, size_t limit,
                    Encode encode) {
    constexpr std::string_view kCut = "...";
    size_t cut = out.size();  // the last place that leaves room for the mark
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        const std::string_view piece = text.substr(0, length > 0 ? length : 1);
        out.append(encode(piece, length > 0));
        text.remove_prefix(piece.size());
        if (out.size() > limit) {
            out.resize(cut);
            out.append(kCut);
            return;
        }
        if (out.size() + kCut.size() <= limit) {
            cut = out.size();
        }
    }
}

/// Callers escape; this only keeps one event on one line if one forgot.
std::string encode_text(std::string_view piece, bool /*valid*/) {
    const auto first = static_cast<unsigned char>(piece[0]);
    return first < 0x20 || first == 0x7f ? " " : std::string(piece);
}

/// RFC 8259 section 7.
std::string encode_json(std::string_view piece, bool valid) {
    if (!valid) {
        return "\xef\xbf\xbd";  // U+FFFD
    }
    const char c = piece[0];
    if (c == '"' || c == '\\') {
        return {'\\', c};
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
        char unicode[8];
        std::snprintf(unicode, sizeof unicode, "\\u%04x", static_cast<unsigned>(c));
        return unicode;
    }
    return std::string(piece);
}

bool to_syslog() {
    return g_logger.output.kind() == LogTarget::Kind::kSyslog;
}

/// What stands in front of both forms: for syslog as RFC 3164 has it, without the time,
/// which the receiver puts there.
std::string begin_line(LogLevel level) {
    constexpr int kDaemon = 3 << 3;  // LOG_DAEMON
    const char priority = kPriorities[static_cast<size_t>(level)];
    if (to_syslog()) {
        return "<" + std::to_string(kDaemon + priority - '0') + ">neurond[" +
               std::to_string(::getpid()) + "]: ";
    }
    const bool journal =
        g_logger.to_journal && g_logger.output.kind() == LogTarget::Kind::kStderr;
    return journal ? std::string("<") + priority + ">" : std::string();
}

std::string text_line(const Record& record, std::string_view timestamp) {
    constexpr size_t kLimit = kMaxLogLineBytes - 1;  // the newline
    std::string line = begin_line(record.level);
    if (!to_syslog()) {
        line.append(timestamp).append(" ");
        line.append(kLevelNames[static_cast<size_t>(record.level)]).append(" ");
    }
    line.append(record.module).append(": ");
    if (!record.server.empty()) {
        line.append(record.server).append(": ");
    }
    append_bounded(line, record.message, kLimit, encode_text);
    return line += '\n';
}

/// `,"name":value`; without a limit, for whoever appends it sees whether it fits.
std::string json_member(const LogField& field) {
    std::string member = ",\"" + std::string(field.name) + "\":";
    if (field.is_number) {
        return member += field.value;
    }
    const std::string shown = mask_secrets(field.value);
    member += '"';
    append_bounded(member, shown, kMaxLogLineBytes, encode_json);
    return member += '"';
}

std::string json_line(const Record& record, std::string_view timestamp) {
    constexpr std::string_view kEnd = "\"}\n";
    constexpr size_t kLimit = kMaxLogLineBytes - kEnd.size();
    const auto append_member = [](std::string& line, std::string_view name,
                                  std::string_view value) {
        line.append(name);
        append_bounded(line, value, kLimit, encode_json);
    };
    std::string line = begin_line(record.level);
    append_member(line, "{\"timestamp\":\"", timestamp);
    append_member(line, "\",\"level\":\"",
                  kLevelNames[static_cast<size_t>(record.level)]);
    append_member(line, "\",\"module\":\"", record.module);
    if (!record.server.empty()) {
        append_member(line, "\",\"server\":\"", record.server);
        line.append("\",\"stream\":\"stderr");
    }
    if (record.fields == nullptr) {
        append_member(line, "\",\"message\":\"", record.message);
        return line.append(kEnd);
    }
    append_member(line, "\",\"message\":\"", mask_secrets(record.summary));
    line += '"';
    for (const LogField& field : *record.fields) {
        const std::string member = json_member(field);
        if (line.size() + member.size() <= kLimit) {
            line.append(member);
        }
    }
    return line.append(kEnd.substr(1));
}

void write_record(const Record& record) {
    const std::string timestamp = to_rfc3339(wall_now());
    const std::string message = mask_secrets(record.message);
    Record shown = record;
    shown.message = message;
    std::string line = g_logger.format == LogFormat::kJson ? json_line(shown, timestamp)
                                                           : text_line(shown, timestamp);
    if (g_logger.echo_errors && record.level >= LogLevel::kError &&
        g_logger.output.kind() != LogTarget::Kind::kStderr) {
        LogOutput().write(line);
    }
    if (to_syslog()) {
        line.pop_back();  // a datagram is a line
    }
    if (!g_logger.output.write(std::move(line))) {
        ++g_logger.dropped;
    }
}

/// Says how many lines are missing, in their place.
void report_dropped() {
    if (g_logger.dropped == g_logger.reported) {
        return;
    }
    const uint64_t now = g_logger.dropped;
    const std::string message =
        std::to_string(now - g_logger.reported) + " lines lost, " + g_logger.output.loss();
    write_record({LogLevel::kWarn, "log", {}, message, {}});
    if (g_logger.dropped == now) {
        g_logger.reported = now;
    } else {
        g_logger.dropped = now;  // a lost report is not a lost line
    }
}

void report_withheld(bool all) {
    while (const auto withheld = g_logger.repeats.report(monotonic_now(), all)) {
        const std::string message = std::to_string(withheld->count) + " more of: " +
                                    withheld->line;
        write_record({LogLevel::kWarn, "log", {}, message, {}});
    }
}

/// Lines of servers have a limit of their own, each server one; at debug level whoever
/// reads wants it all.
bool is_withheld(const Record& record) {
    if (!record.server.empty() || record.level == LogLevel::kDebug) {
        return false;
    }
    const std::string line =
        std::string(record.module) + ": " + std::string(record.message);
    return !g_logger.repeats.admit(line, monotonic_now());
}

void write_event(const Record& record) {
    const int saved_errno = errno;
    report_withheld(false);
    if (!is_withheld(record)) {
        report_dropped();
        write_record(record);
    }
    errno = saved_errno;
}

}  // namespace

void log_configure(LogLevel level, LogFormat format) {
    g_logger.level = level;
    g_logger.format = format;
    g_logger.to_journal = stderr_is_journal();
}

// JOURNAL_STREAM is inherited by shells and redirections; only device and inode tell
// whether this stderr is the journal's (systemd.exec(5)).
bool stderr_is_journal() {
    const char* const expected = std::getenv("JOURNAL_STREAM");
    struct stat about;
    if (expected == nullptr || ::fstat(STDERR_FILENO, &about) != 0) {
        return false;
    }
    return expected ==
           std::to_string(about.st_dev) + ':' + std::to_string(about.st_ino);
}

void log_without_stderr() {
    g_logger.no_stderr = true;
}

bool log_goes_nowhere() noexcept {
    return g_logger.output.kind() == LogTarget::Kind::kNowhere;
}

Status log_open(const LogTarget& target) {
    LogOutput& output = g_logger.output;
    if (target.kind != LogTarget::Kind::kStderr || !g_logger.no_stderr) {
        return output.open(target);
    }
    return output.open({LogTarget::Kind::kSyslog, {}})
               ? Ok{}
               : output.open({LogTarget::Kind::kNowhere, {}});
}

Status log_reopen() {
    return g_logger.output.reopen();
}

void log_echo_errors(bool on) {
    g_logger.echo_errors = on;
}

void log_flush() {
    report_withheld(true);
    report_dropped();
}

bool log_enabled(LogLevel level) noexcept {
    return level >= g_logger.level;
}

void log_line(LogLevel level, const char* module, const char* format, ...) {
    const int saved_errno = errno;
    char message[kMaxLogLineBytes + 1];  // one more than fits, so that the cut is seen
    va_list arguments;
    va_start(arguments, format);
    const int n = std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    errno = saved_errno;
    const size_t size = n < 0 ? 0 : static_cast<size_t>(n);
    write_event({level,
                 module,
                 {},
                 {message, size < sizeof message ? size : sizeof message - 1},
                 {}});
}

void log_fields(LogLevel level, const char* module, std::string_view text,
                std::string_view summary, const std::vector<LogField>& fields) {
    write_event({level, module, {}, text, summary, &fields});
}

void log_about_request(LogLevel level, const char* module, const std::string& what,
                       const RequestFacts& about) {
    if (!log_enabled(level)) {
        return;
    }
    const std::string summary = about.reason.empty() ? what : what + ": " + about.reason;
    std::vector<LogField> fields;
    const auto add = [&fields](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            fields.push_back({name, value});
        }
    };
    add("request_id", about.request_id);
    add("server", about.server);
    add("operation", about.operation);
    add("reason", about.reason);
    const std::string id =
        about.request_id.empty() ? "" : " [req=" + about.request_id + "]";
    log_fields(level, module, summary + id, summary, fields);
}

void log_child_line(std::string_view server, std::string_view line) {
    if (log_enabled(LogLevel::kInfo)) {
        write_event({LogLevel::kInfo, "stderr", server, line, {}});
    }
}

uint64_t log_dropped_lines() noexcept {
    return g_logger.dropped;
}

}  // namespace neuron
