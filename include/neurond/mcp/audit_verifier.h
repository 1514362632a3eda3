#ifndef NEUROND_MCP_AUDIT_VERIFIER_H
#define NEUROND_MCP_AUDIT_VERIFIER_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/mcp/audit_chain.h"
#include "neurond/wire/json_view.h"

namespace neuron {

/// Checks audit files (audit_chain.h), line after line, the oldest file first. Pure.
///
/// A signature covers all that stands before it in its chain; that of a start also the
/// chain before, up to the record that it names. Where no signature covers the last
/// records, the chain must be an open one (of a daemon that runs, or was killed and not
/// started again): notes() says where; at the end of any other it is a fault.
class AuditVerifier {
  public:
    struct Place {
        std::string file;
        uint64_t line = 0;  ///< from 1
    };
    struct Fault {
        Place place;
        std::string why;
    };

    /// `public_key`: kEd25519KeyBytes, or empty: signatures are then not checked.
    explicit AuditVerifier(std::string public_key) : key_(std::move(public_key)) {}

    void begin_file(std::string name);
    /// A line without its end; `ended` is false when the file ends inside it. False at
    /// the first fault: nothing more is to be fed.
    bool line(std::string_view text, bool ended);
    /// After the last line. False when that has shown a fault.
    bool finish();

    const std::optional<Fault>& fault() const noexcept { return fault_; }
    uint64_t records() const noexcept { return records_; }
    uint64_t checkpoints() const noexcept { return checkpoints_; }
    size_t chains() const noexcept { return chains_.size(); }
    /// Records that no signature covers; after finish().
    uint64_t uncovered() const noexcept;
    /// Notes for people: where a chain begins or ends without its start or stop record.
    std::vector<std::string> notes() const;

  private:
    struct Chain {
        uint64_t next = 0;
        std::string digest;  ///< of the last record
        Place last;
        uint64_t row = 0;       ///< of the last record, among those of all chains
        bool stopped = false;
        uint64_t covered = 0;   ///< the records before this one are under a signature
        uint64_t signed_to = 0;         ///< and before this one under one of the chain
        std::optional<Place> unsigned_from;  ///< the first record after `signed_to`
        std::string unsigned_since;          ///< its timestamp
        std::optional<Place> headless;  ///< where it begins, when not with its start
        std::string after;  ///< what a start names that was not given
    };

    bool fail(Place place, std::string why);
    void take(const AuditLink& link, const JsonView& record);
    bool is_open(const Chain& chain) const noexcept;
    std::string end_note(const std::string& name, const Chain& chain) const;
    bool check_record(const AuditLink& link, const JsonView& record);
    bool check_start(const JsonView& record);
    bool check_seq(const Chain& chain, const AuditLink& link);
    bool check_torn(const JsonView& record);
    bool check_signature(std::string_view text, const JsonView& record);

    std::string key_;
    Place here_;
    std::map<std::string, Chain> chains_;
    bool started_ = false;  ///< a start record has been seen
    std::string torn_;      ///< lines since the last record that are none
    std::optional<Place> torn_at_;
    std::optional<Fault> fault_;
    uint64_t records_ = 0;
    uint64_t checkpoints_ = 0;
    bool signed_ = false;        ///< some line is
    uint64_t newest_start_ = 0;  ///< the row of the last start
};

}  // namespace neuron

#endif
