#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"
#include "neurond/mcp/audit_chain.h"
#include "neurond/mcp/audit_verifier.h"

using namespace neuron;

namespace {

const WallTime kWhen{std::chrono::milliseconds(1795223045678)};
const std::string kSeed(kEd25519KeyBytes, 's');
const std::string kPublic = ed25519_public_key(kSeed);

using Lines = std::vector<std::string>;

/// Lines without their ends.
std::string bare(std::string line) {
    line.pop_back();
    return line;
}

/// start, `records` records, a checkpoint of a stop.
Lines whole_chain(const std::string& name, size_t records,
                  std::optional<AuditLink> previous = {}) {
    AuditChain chain(name, std::move(previous));
    Lines lines = {bare(chain.start(kSeed, kWhen))};
    for (size_t i = 0; i < records; ++i) {
        lines.push_back(bare(chain.link(R"({"event":"call","n":)" + std::to_string(i) + "}")));
    }
    lines.push_back(bare(chain.checkpoint(CheckpointReason::kStop, kSeed, kWhen)));
    return lines;
}

/// "LINE: why", or "ok".
std::string verdict(const Lines& lines, const std::string& key = kPublic) {
    AuditVerifier verifier(key);
    verifier.begin_file("f");
    for (const std::string& line : lines) {
        if (!verifier.line(line, true)) {
            break;
        }
    }
    if (!verifier.fault()) {
        verifier.finish();
    }
    return verifier.fault() ? std::to_string(verifier.fault()->place.line) + ": " +
                                  verifier.fault()->why
                            : "ok";
}

/// What the verifier notes of sound lines, each with a line end.
std::string notes(const Lines& lines) {
    AuditVerifier verifier(kPublic);
    verifier.begin_file("f");
    for (const std::string& line : lines) {
        REQUIRE(verifier.line(line, true));
    }
    std::string out;
    for (const std::string& note : verifier.notes()) {
        out += note + "\n";
    }
    return out;
}

/// The line at which `verdict` finds fault, 0 for none.
int bad_line(const Lines& lines) {
    const std::string found = verdict(lines);
    return found == "ok" ? 0 : std::atoi(found.c_str());
}

}  // namespace

TEST_CASE("a record says where in which chain it stands, and what was before") {
    AuditChain chain("c", std::nullopt);
    const std::string start = chain.start(kSeed, kWhen);
    const std::string text = R"({"chain":"c","seq":0,"event":"start","timestamp":")" +
                       to_rfc3339(kWhen) + R"(","version":")" +
                       *JsonView(start).find("version").as_string() + R"(","key":")" +
                       base64_encode(kPublic) + R"(","previous":null,"prev":")" +
                       std::string(64, '0') + "\"";
    CHECK(start == text + R"(,"signature":")" + base64_encode(ed25519_sign(kSeed, text)) +
                       "\"}\n");
    CHECK(chain.link(R"({"event":"call"})") ==
          R"({"chain":"c","seq":1,"event":"call","prev":")" +
              hex_encode(sha256(bare(start))) + "\"}\n");
}

TEST_CASE("a whole file verifies") {
    CHECK(verdict(whole_chain("c", 5)) == "ok");
    CHECK(verdict({}) == "0: no records: there is nothing to verify");
}

TEST_CASE("every change of a byte in every line is found at its line") {
    const Lines sound = whole_chain("c", 3);
    for (size_t row = 0; row < sound.size(); ++row) {
        for (size_t at = 0; at < sound[row].size(); ++at) {
            Lines lines = sound;
            lines[row][at] = static_cast<char>(lines[row][at] ^ 1);
            const int bad = bad_line(lines);
            CAPTURE(row);
            CAPTURE(at);
            CHECK(bad != 0);
            // a changed `prev` accuses the record before, a changed seq or chain the next
            CHECK(bad >= static_cast<int>(row));
            CHECK(bad <= static_cast<int>(row) + 2);
        }
    }
}

TEST_CASE("removed, doubled, swapped and foreign lines are found") {
    const Lines sound = whole_chain("c", 6);
    const struct {
        const char* what;
        std::function<void(Lines&)> spoil;
        const char* expected;
    } rows[] = {
        {"the start is gone", [](Lines& l) { l.erase(l.begin()); }, "ok"},  // see notes()
        {"a record is gone", [](Lines& l) { l.erase(l.begin() + 3); },
         "4: record 4 comes where 3 should: records are missing or out of order"},
        {"two are gone", [](Lines& l) { l.erase(l.begin() + 3, l.begin() + 5); },
         "4: record 5 comes where 3 should: records are missing or out of order"},
        {"two are swapped", [](Lines& l) { std::swap(l[3], l[4]); },
         "4: record 4 comes where 3 should: records are missing or out of order"},
        {"one is there twice", [](Lines& l) { l.insert(l.begin() + 3, l[3]); },
         "5: record 3 comes where 4 should: records are out of order or there twice"},
        {"something else", [](Lines& l) { l.insert(l.begin() + 3, "hello"); },
         "4: this is no audit record"},
        {"something else at the end", [](Lines& l) { l.emplace_back("hello"); },
         "9: the file ends in something that is no record"},
        {"a whole chain after an ended one",
         [](Lines& l) {
             for (std::string& line : whole_chain("d", 1)) {
                 l.push_back(std::move(line));
             }
         },
         "9: this start names no record before it, and there are some"},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.what));
        Lines lines = sound;
        row.spoil(lines);
        CHECK(verdict(lines) == row.expected);
    }
}

TEST_CASE("a chain names the last record of the one before") {
    const Lines first = whole_chain("a", 2);
    const auto last = read_audit_link(first.back());
    REQUIRE(last);
    Lines both = first;
    for (const std::string& line : whole_chain("b", 2, last)) {
        both.push_back(line);
    }
    CHECK(verdict(both) == "ok");
    Lines cut = both;
    cut.erase(cut.begin() + 2, cut.begin() + 4);  // the end of the first chain
    CHECK(verdict(cut) ==
          "3: records 2 to 3 of chain a, which stood before it, are missing");
    Lines headless(both.begin() + 4, both.end());  // the first file was not given
    CHECK(verdict(headless) == "ok");
}

TEST_CASE("records under no signature are let pass at the end of an open chain alone") {
    const auto pieces = [](const std::string& name, std::optional<AuditLink> previous,
                           bool stop) {
        Lines lines = whole_chain(name, 3, std::move(previous));
        lines.resize(lines.size() - (stop ? 0 : 1));
        return lines;
    };
    const auto joined = [](Lines a, const Lines& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    };
    const Lines open = pieces("a", {}, false);
    CHECK(verdict(open) == "ok");
    CHECK(notes(open) == "f:4: chain a is open: it was written by a daemon that still "
                         "runs or was killed; what came after this line would not be "
                         "missed; records 1 to 3, from f:2 on, since , are not "
                         "yet signed\n");
    // killed: the next start names and signs what was there
    const Lines killed = joined(open, pieces("b", read_audit_link(open.back()), true));
    CHECK(verdict(killed) == "ok");
    CHECK(notes(killed) ==
          "f:4: chain a ended without a stop: its daemon was killed; no checkpoint, only "
          "the next start, covers the records from f:2 on\n");
    // written anew behind the record that the next start names
    CHECK(verdict(joined(open, pieces("b", read_audit_link(open[1]), true))) ==
          "2: from here to f:4 records of chain a, which has ended, are under no "
          "signature");
    // its file may have been removed in time
    const Lines later = pieces("b", read_audit_link(open.back()), true);
    CHECK(verdict(later) == "ok");
    CHECK(notes(later) ==
          "chain b starts after record 3 of chain a, which was not given\n");
    CHECK(verdict(Lines(open.begin() + 1, open.end())) ==
          "3: no line up to here is signed: nothing is proved");
}

TEST_CASE("a start that has no signature of the key is none") {
    Lines lines = whole_chain("c", 1);
    lines[0] = lines[0].substr(0, lines[0].find(R"(,"signature")")) + "}";
    CHECK(verdict(lines) == "1: the signature of this start is not by this key");
}

TEST_CASE("two reactors may write at the same time, each its own chain") {
    const Lines a = whole_chain("a", 4);
    const Lines b = whole_chain("b", 4, read_audit_link(a[1]));
    Lines mixed = {a[0], a[1], b[0], a[2], b[1], b[2], a[3], a[4], a[5], b[3], b[4], b[5]};
    CHECK(verdict(mixed) == "ok");
    mixed.erase(mixed.begin() + 6);
    CHECK(bad_line(mixed) == 7);
}

TEST_CASE("a forged checkpoint is found") {
    const Lines sound = whole_chain("c", 2);
    CHECK(verdict(sound, ed25519_public_key(std::string(kEd25519KeyBytes, 'x'))) ==
          "1: the signature of this start is not by this key");
    CHECK(verdict(sound, "") == "ok");  // not checked
    // one who can compute digests, but has no key, writes the chain anew
    AuditChain forged("c", std::nullopt);
    const Lines lines = {
        bare(forged.start(kSeed, kWhen)), bare(forged.link(R"({"event":"call"})")),
        bare(forged.checkpoint(CheckpointReason::kStop, std::string(32, 'y'), kWhen))};
    CHECK(verdict(lines) == "3: the signature of this checkpoint is not by this key");
}

TEST_CASE("the end of a file is found again, whatever a crash left behind it") {
    const Lines chain = whole_chain("c", 2);
    const std::string whole = chain[0] + "\n" + chain[1] + "\n";
    const struct {
        std::string text;
        std::optional<uint64_t> last;
        std::string torn;
        bool inside;
    } rows[] = {
        {"", {}, "", false},
        {whole, 1, "", false},
        {whole + "{\"ch", 1, "{\"ch", true},
        {whole + chain[2], 1, chain[2], true},  // whole but for its end: not counted
        {whole + "{\"ch\n", 1, "{\"ch", false},
        {whole + "a\nb\n", 1, "a\nb", false},
        {whole + "\n", 1, "", false},
        {"{\"old\":1}\n", {}, "{\"old\":1}", false},
        {"x", {}, "x", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        Scratch scratch;
        const std::string path = scratch.path("audit.log");
        REQUIRE(write_file_atomically(path, row.text, 0600));
        const AuditTail tail = read_audit_tail(path);
        CHECK(tail.last.has_value() == row.last.has_value());
        if (tail.last && row.last) {
            CHECK(tail.last->seq == *row.last);
            CHECK(tail.last->digest == hex_encode(sha256(chain[1])));
        }
        CHECK(tail.torn == row.torn);
        CHECK(tail.inside_line == row.inside);
    }
}
