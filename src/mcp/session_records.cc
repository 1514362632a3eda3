// What a later reactor must know of sessions that it did not open. A record is small and
// says nothing that would let its reader in.

#include "neurond/mcp/session_records.h"

#include <algorithm>
#include <utility>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr const char* kEnded = "ended";
constexpr const char* kUsed = "used";
constexpr const char* kLevel = "level";
constexpr const char* kSubscribed = "subscribed";
constexpr const char* kUnsubscribed = "unsubscribed";
constexpr const char* kNoLevel = "none";
constexpr size_t kKeyBytes = 16;  // of the hash; twice as many digits

std::string key_of(std::string_view token) {
    return hex_encode(std::string_view(sha256(token)).substr(0, kKeyBytes));
}

std::string line_of(const char* what, const std::string& key,
                    std::chrono::seconds created, std::string_view rest) {
    std::string line = what;
    line.append(" ").append(key).append(" ").append(std::to_string(created.count()));
    if (!rest.empty()) {
        line.append(" ").append(rest);
    }
    return line + "\n";
}

std::string problem_at(size_t line) {
    return "line " + std::to_string(line) +
           ": expected what neurond wrote about a session";
}

/// The next word of a line, taken from its front.
std::string_view take_word(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    return word;
}

}  // namespace

const SessionRecords::Record* SessionRecords::find(std::string_view token) const {
    const auto found = records_.find(key_of(token));
    return found != records_.end() ? &found->second : nullptr;
}

SessionRecords::Record& SessionRecords::record(const std::string& key,
                                               Seconds created) {
    const auto [found, is_new] = records_.try_emplace(key);
    if (is_new) {
        found->second.created = created;
        order_.push_back(key);
        if (order_.size() > kMaxSessionRecords) {
            forget_first();
        }
    }
    return found->second;
}

void SessionRecords::forget_first() {
    if (const auto first = records_.find(order_.front()); first != records_.end()) {
        clear(first->second);
        records_.erase(first);
    }
    order_.pop_front();
}

void SessionRecords::clear(Record& record) {
    for (const std::string& uri : record.resources) {
        uri_bytes_ -= uri.size();
    }
    record.resources.clear();
    record.level.reset();
}

void SessionRecords::write(const char* what, const std::string& key, Seconds created,
                           std::string_view rest) const {
    if (write_) {
        write_(line_of(what, key, created, rest));
    }
}

void SessionRecords::end(std::string_view token, Seconds created) {
    const std::string key = key_of(token);
    Record& known = record(key, created);
    clear(known);
    if (!std::exchange(known.ended, true)) {
        write(kEnded, key, created, {});
    }
}

void SessionRecords::set_level(std::string_view token, Seconds created,
                               std::optional<MessageLevel> level) {
    const std::string key = key_of(token);
    if (std::optional<MessageLevel>& known = record(key, created).level;
        known != level) {
        known = level;
        write(kLevel, key, created, level ? to_string(*level) : kNoLevel);
    }
}

void SessionRecords::change(Record& record, const std::string& uri, bool subscribed) {
    if (subscribed) {
        uri_bytes_ += record.resources.insert(uri).second ? uri.size() : 0;
    } else {
        uri_bytes_ -= record.resources.erase(uri) != 0 ? uri.size() : 0;
    }
}

void SessionRecords::set_subscribed(std::string_view token, Seconds created,
                                    const std::string& uri, bool subscribed) {
    const std::string key = key_of(token);
    Record& known = record(key, created);
    const bool full = uri_bytes_ + uri.size() > kMaxSessionRecordBytes;
    if ((known.resources.count(uri) != 0) == subscribed || (subscribed && full)) {
        return;
    }
    change(known, uri, subscribed);
    write(subscribed ? kSubscribed : kUnsubscribed, key, created, json_quote(uri));
}

void SessionRecords::set_used(std::string_view token, Seconds created, Seconds when) {
    const std::string key = key_of(token);
    record(key, created).used = when;
    write(kUsed, key, created, std::to_string(when.count()));
}

Status SessionRecords::read(std::string_view text, Seconds oldest) {
    size_t number = 1;
    for (size_t end = text.find('\n'); end != text.npos;
         end = text.find('\n'), ++number) {
        if (!apply(text.substr(0, end), oldest)) {
            return Error{problem_at(number)};
        }
        text.remove_prefix(end + 1);
    }
    // Half a line is what a process leaves that dies; zeros, a machine.
    return text.find('\0') == text.npos ? Status(Ok{}) : Error{problem_at(number)};
}

bool SessionRecords::apply(std::string_view line, Seconds oldest) {
    const std::string_view what = take_word(line);
    const std::string key(take_word(line));
    const auto created = parse_u64(take_word(line));
    if (key.size() != 2 * kKeyBytes || !created) {
        return false;
    }
    const Seconds when(static_cast<int64_t>(*created));
    const bool old = when < oldest;
    if (what == kEnded) {
        if (!old) {
            Record& known = record(key, when);
            clear(known);
            known.ended = true;
        }
        return true;
    }
    if (what == kUsed) {
        const auto used = parse_u64(line);
        if (used && !old) {
            record(key, when).used = Seconds(static_cast<int64_t>(*used));
        }
        return used.has_value();
    }
    if (what == kLevel) {
        const auto level = parse_message_level(line);
        if (!old) {
            record(key, when).level = level;
        }
        return level || line == kNoLevel;
    }
    const auto uri = JsonView(line).as_string();
    if (uri && !old) {
        change(record(key, when), *uri, what == kSubscribed);
    }
    return uri && (what == kSubscribed || what == kUnsubscribed);
}

std::string SessionRecords::text() const {
    std::string out;
    for (const std::string& key : order_) {
        const Record& known = records_.find(key)->second;
        if (known.ended) {
            out += line_of(kEnded, key, known.created, {});
        } else if (known.used > known.created) {
            out += line_of(kUsed, key, known.created, std::to_string(known.used.count()));
        }
        if (known.level) {
            out += line_of(kLevel, key, known.created, to_string(*known.level));
        }
        for (const std::string& uri : known.resources) {
            out += line_of(kSubscribed, key, known.created, json_quote(uri));
        }
    }
    return out;
}

}  // namespace neuron
