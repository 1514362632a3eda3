#ifndef NEUROND_BASE_LOG_H
#define NEUROND_BASE_LOG_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/log_target.h"

namespace neuron {

/// kCritical: somebody should be woken. It cannot be switched off.
enum class LogLevel { kDebug, kInfo, kWarn, kError, kCritical };
enum class LogFormat { kText, kJson };

/// The one global of the program. Writes one line an event, one write(2) a line, to stderr
/// until log_open() says otherwise; with "<N>" priorities under systemd's journal
/// (JOURNAL_STREAM). A line that comes again and again is withheld and counted.
/// Text: `2026-11-21T01:02:03.456Z info supervisor: redis: healthy [req=…]`; syslog puts
/// time and priority there itself.
void log_configure(LogLevel level, LogFormat format);

/// From now on lines go to `target`. On an error they go where they went before.
Status log_open(const LogTarget& target);
/// A file is opened anew by its name, for those who rotate it.
Status log_reopen();
/// From the next log_open() on a target of stderr means syslog or, where there is none,
/// nowhere: a daemon's stderr ends when it has started.
void log_without_stderr();
bool log_goes_nowhere() noexcept;
/// Whether this stderr is the journal's, in which case it stays.
bool stderr_is_journal();
/// Until it is switched off, errors are written to stderr, too, wherever the log goes:
/// whoever starts a daemon wants to see why it does not start. Off at first.
void log_echo_errors(bool on);
/// Writes how many lines have been withheld, now that no more come.
void log_flush();
bool log_enabled(LogLevel level) noexcept;

/// `module` is the part in front of the colon. errno is saved and restored. Bytes from
/// outside must pass escape() before they come here; known secrets are masked.
void log_line(LogLevel level, const char* module, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

/// A part of an event that has a name of its own in the JSON form.
struct LogField {
    std::string_view name;  ///< a plain word, of ours
    std::string value;      ///< as in log_line(): escaped
    bool is_number = false;
};

/// As log_line(), for an event of several facts. The text form has `text`; in the JSON form
/// `message` is `summary`, and a member each has what else there is. A field that does not
/// fit in the line any more is left out.
void log_fields(LogLevel level, const char* module, std::string_view text,
                std::string_view summary, const std::vector<LogField>& fields);

/// Which request a warning or an error is about. What is empty is left out.
struct RequestFacts {
    std::string request_id;
    std::string server;     ///< the downstream
    std::string operation;  ///< "tools/call redis.get", "POST /mcp"
    std::string reason;     ///< for people; of a system call or TLS, what these say
};

/// `what: reason [req=ID]`; as JSON the members request_id, server, operation and reason.
void log_about_request(LogLevel level, const char* module, const std::string& what,
                       const RequestFacts& about);

/// One line of `server`'s own stderr, already escaped.
void log_child_line(std::string_view server, std::string_view line);

/// Lines that were lost because the target did not take them at once: the daemon never
/// waits for the reader of its log.
uint64_t log_dropped_lines() noexcept;

#define log_debug(...) NEUROND_LOG(::neuron::LogLevel::kDebug, __VA_ARGS__)
#define log_info(...) NEUROND_LOG(::neuron::LogLevel::kInfo, __VA_ARGS__)
#define log_warn(...) NEUROND_LOG(::neuron::LogLevel::kWarn, __VA_ARGS__)
#define log_error(...) NEUROND_LOG(::neuron::LogLevel::kError, __VA_ARGS__)
#define log_critical(...) NEUROND_LOG(::neuron::LogLevel::kCritical, __VA_ARGS__)
#define NEUROND_LOG(level, ...)                 \
    do {                                        \
        if (::neuron::log_enabled(level)) {     \
            ::neuron::log_line(level, __VA_ARGS__); \
        }                                       \
    } while (false)

}  // namespace neuron

#endif
