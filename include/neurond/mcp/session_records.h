#ifndef NEUROND_MCP_SESSION_RECORDS_H
#define NEUROND_MCP_SESSION_RECORDS_H

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "neurond/base/result.h"
#include "neurond/mcp/log_level.h"

namespace neuron {

/// What is known of sessions besides what their ids say: which have ended, when the others
/// were used, and what they want to be told. It outlives sessions and reactors: as lines
/// of text, one a change, which a later one reads. Ids stand there as hashes. Pure, and
/// bounded: of very many, those that came first are forgotten first.
class SessionRecords {
  public:
    /// Gets each change as a line of text, with its line break.
    using Write = std::function<void(std::string_view line)>;
    using Seconds = std::chrono::seconds;

    struct Record {
        Seconds created{0};  ///< when the session was; calendar time since the epoch
        bool ended = false;
        std::optional<MessageLevel> level;
        std::set<std::string> resources;  ///< subscribed to, as the client calls them
        Seconds used{0};  ///< when it last was, roughly
    };

    void set_write(Write write) { write_ = std::move(write); }

    /// Null: nothing is known. Valid until the next change.
    const Record* find(std::string_view token) const;
    void end(std::string_view token, Seconds created);
    void set_level(std::string_view token, Seconds created,
                   std::optional<MessageLevel> level);
    /// More than kMaxSessionRecordBytes of URIs, all sessions together, are not kept.
    void set_subscribed(std::string_view token, Seconds created, const std::string& uri,
                        bool subscribed);
    void set_used(std::string_view token, Seconds created, Seconds when);

    /// Takes up what such lines say, but of no session created before `oldest`. A line
    /// that is cut off at the end of the text is none; zeros, and any other line that
    /// makes no sense, are an error.
    Status read(std::string_view text, Seconds oldest);
    /// The lines that say all that is known.
    std::string text() const;

  private:
    using Records = std::unordered_map<std::string, Record>;

    Record& record(const std::string& key, Seconds created);
    void forget_first();
    bool apply(std::string_view line, Seconds oldest);
    void change(Record& record, const std::string& uri, bool subscribed);
    void clear(Record& record);
    void write(const char* what, const std::string& key, Seconds created,
               std::string_view rest) const;

    Write write_;
    Records records_;  ///< by hash of the token
    std::deque<std::string> order_;
    size_t uri_bytes_ = 0;
};

}  // namespace neuron

#endif
