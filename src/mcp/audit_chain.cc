// What makes an audit file evidence: each record carries the digest of the one before.

#include "neurond/mcp/audit_chain.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/fd.h"
#include "neurond/base/limits.h"
#include "neurond/base/version.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

const char* to_string(CheckpointReason reason) noexcept {
    switch (reason) {
        case CheckpointReason::kInterval:
            return "interval";
        case CheckpointReason::kRotation:
            return "rotation";
        case CheckpointReason::kStop:
            return "stop";
    }
    return "";
}

/// Up to `limit` bytes at the end of a regular file.
std::string read_end(const std::string& path, size_t limit) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return {};
    }
    const auto size = static_cast<size_t>(info.st_size);
    std::string text(size < limit ? size : limit, '\0');
    const off_t from = static_cast<off_t>(size - text.size());
    size_t have = 0;
    while (have < text.size()) {
        const ssize_t n = ::pread(fd.get(), text.data() + have, text.size() - have,
                                  from + static_cast<off_t>(have));
        if (n <= 0) {
            return {};
        }
        have += static_cast<size_t>(n);
    }
    return text;
}

}  // namespace

AuditChain::AuditChain(std::string name, std::optional<AuditLink> previous)
    : name_(std::move(name)),
      prev_(previous ? previous->digest : std::string(2 * kSha256Bytes, '0')),
      previous_(std::move(previous)) {}

std::string AuditChain::link(std::string_view record) {
    uncovered_ = true;
    return sealed(record, {});
}

/// `seed`: of the key to sign with; empty = not signed.
std::string AuditChain::sealed(std::string_view record, std::string_view seed) {
    std::string line = R"({"chain":")" + name_ + R"(","seq":)" + std::to_string(next_) +
                       "," + std::string(record.substr(1, record.size() - 2));
    if (lost_ != 0) {
        line += R"(,"lost":)" + std::to_string(lost_);
    }
    if (!torn_.empty()) {
        line += R"(,"torn":{"bytes":)" + std::to_string(torn_.size()) +
                R"(,"sha256":")" + hex_encode(sha256(torn_)) + R"("})";
    }
    line += R"(,"prev":")" + prev_ + "\"";
    if (!seed.empty()) {
        line += R"(,"signature":")" + base64_encode(ed25519_sign(seed, line)) + "\"";
    }
    line += "}";
    ++next_;
    lost_ = 0;
    torn_.clear();
    prev_ = hex_encode(sha256(line));
    return line + "\n";
}

std::string AuditChain::start(std::string_view seed, WallTime when) {
    JsonWriter w;
    w.begin_object().key("event").string("start");
    w.key("timestamp").string(to_rfc3339(when)).key("version").string(kVersion);
    w.key("key").string(base64_encode(ed25519_public_key(seed))).key("previous");
    if (previous_) {
        w.begin_object().key("chain").string(previous_->chain);
        w.key("seq").unsigned_integer(previous_->seq);
        w.key("sha256").string(previous_->digest).end_object();
    } else {
        w.null();
    }
    uncovered_ = false;
    return sealed(w.end_object().take(), seed);
}

std::string AuditChain::checkpoint(CheckpointReason reason, std::string_view seed,
                                   WallTime when) {
    JsonWriter w;
    w.begin_object().key("event").string("checkpoint");
    w.key("timestamp").string(to_rfc3339(when));
    w.key("reason").string(to_string(reason)).end_object();
    uncovered_ = false;
    return sealed(w.take(), seed);
}

std::optional<AuditLink> read_audit_link(std::string_view line) {
    JsonScanner scanner(UINT16_MAX);
    if (scanner.finish(line) != Scan::kDone) {
        return std::nullopt;
    }
    const JsonView record(line);
    const auto chain = record.find("chain").as_string();
    const auto seq = record.find("seq").as_int64();
    if (!chain || chain->empty() || !seq || *seq < 0) {
        return std::nullopt;
    }
    return AuditLink{*chain, static_cast<uint64_t>(*seq), hex_encode(sha256(line))};
}

AuditTail read_audit_tail(const std::string& path) {
    const std::string text = read_end(path, kMaxAuditTailBytes);
    AuditTail tail;
    tail.inside_line = !text.empty() && text.back() != '\n';
    std::string_view rest = text;
    while (!rest.empty() && !tail.last) {
        const bool ended = rest.back() == '\n';
        const std::string_view body = rest.substr(0, rest.size() - (ended ? 1 : 0));
        const size_t before = body.rfind('\n');
        const size_t begin = before == std::string_view::npos ? 0 : before + 1;
        if (ended) {
            tail.last = read_audit_link(body.substr(begin));
        }
        rest = tail.last ? rest : rest.substr(0, begin);
    }
    tail.torn = text.substr(rest.size());
    if (!tail.torn.empty() && !tail.inside_line) {
        tail.torn.pop_back();
    }
    return tail;
}

}  // namespace neuron
