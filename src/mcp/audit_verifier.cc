// Reads an audit file as an auditor does: believes nothing but digests and signatures.

#include "neurond/mcp/audit_verifier.h"

#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr std::string_view kSignatureMember = R"(,"signature":)";

/// Should be, or says so.
bool is_signed(const JsonView& record) {
    return record.find("event").is_string("checkpoint") ||
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
    Chain& chain = chains_[link->chain];
    chain.next = link->seq + 1;
    chain.digest = link->digest;
    chain.last = here_;
    chain.covered = record.find("event").is_string("checkpoint");
    chain.stopped = chain.covered && record.find("reason").is_string("stop");
    ++records_;
    return true;
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
        return fail(here_, "the signature of this checkpoint is not by this key");
    }
    ++checkpoints_;
    return true;
}

bool AuditVerifier::finish() {
    return !torn_at_ || fail(*torn_at_, "the file ends in something that is no record");
}

std::vector<std::string> AuditVerifier::notes() const {
    std::vector<std::string> out;
    for (const auto& [name, chain] : chains_) {
        if (chain.headless) {
            out.push_back(text_of(*chain.headless) + ": chain " + name +
                          " goes on from a file that was not given");
        }
        if (!chain.stopped) {
            out.push_back(text_of(chain.last) + ": chain " + name +
                          " is open: it was written by a daemon that still runs or was "
                          "killed; what came after this line would not be missed");
        }
    }
    return out;
}

}  // namespace neuron
