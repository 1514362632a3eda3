// Reads an audit file as an auditor does: believes nothing but digests and signatures.

#include "neurond/mcp/audit_verifier.h"

#include <algorithm>

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kSignatureMember = R"(,"signature":)";

bool is_event(const JsonView& record, std::string_view name) {
    return record.find("event").is_string(name);
}

/// Should be, or says so.
bool is_signed(const JsonView& record) {
    return is_event(record, "checkpoint") || is_event(record, "start") ||
           record.find("signature").exists();
}

std::string text_of(const AuditVerifier::Place& place) {
    return place.file + ":" + std::to_string(place.line);
}

}  // namespace

bool AuditVerifier::fail(Place place, std::string why) {
    fault_ = Fault{std::move(place), std::move(why)};
    return false;
}

void AuditVerifier::begin_file(std::string name) {
    here_ = {std::move(name), 0};
}

bool AuditVerifier::line(std::string_view text, bool ended) {
    ++here_.line;
    const std::optional<AuditLink> link = ended ? read_audit_link(text) : std::nullopt;
    if (!link) {
        torn_ += torn_at_ ? "\n" : "";
        torn_ += text;
        torn_at_ = torn_at_ ? torn_at_ : std::optional(here_);
        return true;
    }
    const JsonView record(text);
    if (!check_torn(record) || !check_record(*link, record) ||
        (is_signed(record) && !check_signature(text, record))) {
        return false;
    }
    take(*link, record);
    return true;
}

void AuditVerifier::take(const AuditLink& link, const JsonView& record) {
    Chain& chain = chains_[link.chain];
    chain.next = link.seq + 1;
    chain.digest = link.digest;
    chain.last = here_;
    chain.row = ++records_;
    chain.stopped =
        is_event(record, "checkpoint") && record.find("reason").is_string("stop");
    if (is_signed(record)) {
        chain.covered = chain.signed_to = chain.next;
        chain.unsigned_from.reset();
    } else if (!chain.unsigned_from) {
        chain.unsigned_from = here_;
        chain.unsigned_since = record.find("timestamp").as_string().value_or("");
    }
    if (link.seq != 0) {
        return;
    }
    newest_start_ = records_;
    const JsonView previous = record.find("previous");
    const std::string name = previous.find("chain").as_string().value_or("");
    const auto seq = static_cast<uint64_t>(previous.find("seq").as_int64().value_or(0));
    if (const auto known = chains_.find(name); known != chains_.end()) {
        known->second.covered = std::max(known->second.covered, seq + 1);
    } else if (!name.empty()) {
        chain.after = "record " + std::to_string(seq) + " of chain " + name;
    }
}

/// What is no record is excused by the next record, which knows what a crash left.
bool AuditVerifier::check_torn(const JsonView& record) {
    const JsonView told = record.find("torn");
    if (!torn_at_) {
        return !told.exists() ||
               fail(here_, "it tells of a torn line before it, and there is none");
    }
    if (!told.find("sha256").is_string(hex_encode(sha256(torn_)))) {
        return fail(*torn_at_, told.exists()
                                   ? "this is not the torn line that the next record "
                                     "tells of"
                                   : "this is no audit record");
    }
    torn_.clear();
    torn_at_.reset();
    return true;
}

bool AuditVerifier::check_record(const AuditLink& link, const JsonView& record) {
    const auto known = chains_.find(link.chain);
    if (known != chains_.end()) {
        const Chain& chain = known->second;
        if (!check_seq(chain, link)) {
            return false;
        }
        if (!record.find("prev").is_string(chain.digest)) {
            return fail(chain.last, "this record was changed: " + text_of(here_) +
                                        " holds another digest of it");
        }
        return true;
    }
    if (link.seq == 0) {
        started_ = true;
        return check_start(record);
    }
    if (started_) {
        return fail(here_, "chain " + link.chain + " begins with record " +
                               std::to_string(link.seq) +
                               ": the records before it are missing");
    }
    chains_[link.chain].headless = here_;  // the file before was not given
    return true;
}

bool AuditVerifier::check_seq(const Chain& chain, const AuditLink& link) {
    if (link.seq == chain.next) {
        return true;
    }
    const std::string seen = "record " + std::to_string(link.seq) + " comes where " +
                             std::to_string(chain.next) + " should: ";
    return fail(here_, seen + (link.seq < chain.next
                                   ? "records are out of order or there twice"
                                   : "records are missing or out of order"));
}

bool AuditVerifier::check_start(const JsonView& record) {
    const JsonView previous = record.find("previous");
    const std::optional<std::string> name = previous.find("chain").as_string();
    if (!name) {
        return chains_.empty() ||
               fail(here_, "this start names no record before it, and there are some");
    }
    if (!record.find("prev").is_string(previous.find("sha256").as_string().value_or(""))) {
        return fail(here_, "this start contradicts itself about the record before it");
    }
    const auto known = chains_.find(*name);
    if (known == chains_.end()) {
        return chains_.empty() || fail(here_, "the record before this start, of chain " +
                                                  *name + ", is missing");
    }
    const Chain& chain = known->second;
    const int64_t seq = previous.find("seq").as_int64().value_or(-1);
    const auto last = static_cast<int64_t>(chain.next) - 1;
    if (seq > last) {
        return fail(here_, "records " + std::to_string(chain.next) + " to " +
                               std::to_string(seq) + " of chain " + *name +
                               ", which stood before it, are missing");
    }
    if (seq == last && !previous.find("sha256").is_string(chain.digest)) {
        return fail(chain.last, "this record was changed: " + text_of(here_) +
                                    " holds another digest of it");
    }
    return true;
}

bool AuditVerifier::check_signature(std::string_view text, const JsonView& record) {
    const size_t at = text.rfind(kSignatureMember);
    const auto signature =
        base64_decode(record.find("signature").as_string().value_or(""));
    if (at == std::string_view::npos || !signature ||
        (!key_.empty() && !ed25519_verify(key_, text.substr(0, at), *signature))) {
        return fail(here_, "the signature of this " +
                               std::string(is_event(record, "start") ? "start"
                                                                     : "checkpoint") +
                               " is not by this key");
    }
    signed_ = true;
    if (is_event(record, "checkpoint")) {
        ++checkpoints_;
    }
    return true;
}

bool AuditVerifier::finish() {
    if (torn_at_) {
        return fail(*torn_at_, "the file ends in something that is no record");
    }
    if (records_ == 0) {
        return fail(here_, "no records: there is nothing to verify");
    }
    if (!signed_) {
        return fail(here_, "no line up to here is signed: nothing is proved");
    }
    for (const auto& [name, chain] : chains_) {
        if (chain.covered < chain.next && !is_open(chain)) {
            return fail(*chain.unsigned_from,
                        "from here to " + text_of(chain.last) +
                            " records of chain " + name +
                            ", which has ended, are under no signature");
        }
    }
    return true;
}

/// Nothing says that it has ended.
bool AuditVerifier::is_open(const Chain& chain) const noexcept {
    return !chain.stopped && chain.row >= newest_start_;
}

uint64_t AuditVerifier::uncovered() const noexcept {
    uint64_t count = 0;
    for (const auto& [name, chain] : chains_) {
        count += chain.next - std::min(chain.next, chain.covered);
    }
    return count;
}

/// Of a chain without a stop record.
std::string AuditVerifier::end_note(const std::string& name, const Chain& chain) const {
    std::string note = text_of(chain.last) + ": chain " + name;
    if (!is_open(chain)) {
        note += " ended without a stop: its daemon was killed";
        return chain.signed_to == chain.next
                   ? note
                   : note + "; no checkpoint, only the next start, covers the records "
                            "from " + text_of(*chain.unsigned_from) + " on";
    }
    note += " is open: it was written by a daemon that still runs or was killed; what "
            "came after this line would not be missed";
    if (chain.covered < chain.next) {
        note += "; records " + std::to_string(chain.covered) + " to " +
                std::to_string(chain.next - 1) + ", from " +
                text_of(*chain.unsigned_from) + " on, since " + chain.unsigned_since +
                ", are not yet signed";
    }
    return note;
}

std::vector<std::string> AuditVerifier::notes() const {
    std::vector<std::string> out;
    for (const auto& [name, chain] : chains_) {
        if (chain.headless) {
            out.push_back(text_of(*chain.headless) + ": chain " + name +
                          " goes on from a file that was not given");
        }
        if (!chain.after.empty()) {
            out.push_back("chain " + name + " starts after " + chain.after +
                          ", which was not given");
        }
        if (!chain.stopped) {
            out.push_back(end_note(name, chain));
        }
    }
    return out;
}

}  // namespace neuron
