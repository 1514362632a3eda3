// `neurond audit`: for those who read the audit. Needs no daemon.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <optional>

#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/fd.h"
#include "neurond/base/limits.h"
#include "neurond/base/text.h"
#include "neurond/cli/admin.h"
#include "neurond/cli/config_place.h"
#include "neurond/cli/options.h"
#include "neurond/cli/verbs.h"
#include "neurond/mcp/audit_verifier.h"
#include "neurond/mcp/key_file.h"
#include "neurond/wire/json_write.h"

namespace neuron {

namespace {

constexpr size_t kReadBytes = 1024 * 1024;
constexpr size_t kMaxPemBytes = 64 * 1024;
constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----\n";
constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----\n";
/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to the key itself.
constexpr std::string_view kSpkiHead("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
                                     12);

std::string pem_of(std::string_view public_key) {
    return std::string(kPemBegin) +
           base64_encode(std::string(kSpkiHead) + std::string(public_key)) + "\n" +
           std::string(kPemEnd);
}

/// The public key in a PEM file as `neurond audit key` prints it.
Result<std::string> read_public_key(const std::string& path) {
    const Result<std::string> text = read_file(path, kMaxPemBytes);
    if (!text) {
        return text.error();
    }
    const Error bad{"read " + path + ": expected an Ed25519 public key in PEM", 0};
    const size_t begin = text->find(kPemBegin);
    const size_t end = text->find(kPemEnd);
    if (begin == std::string::npos || end == std::string::npos || end < begin) {
        return bad;
    }
    const size_t from = begin + kPemBegin.size();
    std::string body = text->substr(from, end - from);
    body.erase(std::remove(body.begin(), body.end(), '\n'), body.end());
    const auto der = base64_decode(body);
    if (!der || der->size() != kSpkiHead.size() + kEd25519KeyBytes ||
        !starts_with(*der, kSpkiHead)) {
        return bad;
    }
    return der->substr(kSpkiHead.size());
}

/// The seed of the daemon that the configuration describes.
Result<std::string> read_seed(const Options& options) {
    const Result<std::string> directory = find_state_dir(options);
    if (!directory) {
        return directory.error();
    }
    const std::string path = *directory + "/" + kAuditKeyFile;
    Result<std::string> seed = read_file(path, kEd25519KeyBytes);
    if (seed && seed->size() != kEd25519KeyBytes) {
        return Error{"read " + path + ": expected " + std::to_string(kEd25519KeyBytes) +
                         " bytes",
                     0};
    }
    return seed;
}

int print_key(const Options& options) {
    if (options.args.size() != 1) {
        return print_usage_error(Error{"'audit key' takes no arguments"});
    }
    const Result<std::string> seed = read_seed(options);
    if (!seed) {
        return fail(seed.error());
    }
    std::fputs(pem_of(ed25519_public_key(*seed)).c_str(), stdout);
    return kExitDone;
}

using Line = std::function<bool(std::string_view text, bool ended)>;

/// Feeds the lines of a file ("-": stdin) until `take` says no.
Status each_line(const std::string& path, const Line& take) {
    Fd file(path == "-" ? ::dup(STDIN_FILENO)
                        : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) {
        return sys_error("open", path);
    }
    std::string buffer;
    size_t begin = 0;
    while (true) {
        buffer.erase(0, begin);
        const size_t have = buffer.size();
        buffer.resize(have + kReadBytes);
        const ssize_t n = ::read(file.get(), buffer.data() + have, kReadBytes);
        if (n < 0 && errno != EINTR) {
            return sys_error("read", path);
        }
        buffer.resize(have + (n > 0 ? static_cast<size_t>(n) : 0));
        begin = 0;
        size_t from = have;
        for (size_t end = 0; (end = buffer.find('\n', from)) != std::string::npos;
             begin = from = end + 1) {
            if (!take(std::string_view(buffer).substr(begin, end - begin), true)) {
                return Ok{};
            }
        }
        if (n == 0) {
            break;
        }
        if (buffer.size() - begin > kMaxAuditTailBytes) {
            return Error{"read " + path + ": a line of over " +
                             std::to_string(kMaxAuditTailBytes) + " bytes",
                         0};
        }
    }
    if (begin < buffer.size()) {
        take(std::string_view(buffer).substr(begin), false);
    }
    return Ok{};
}

/// The timestamp of a file's first record: what rotated files are put in order by, since
/// a shell's pattern lists the newest first. One without records has hardly begun.
std::string first_time(const std::string& path) {
    std::string time;
    if (path != "-") {
        (void)each_line(path, [&time](std::string_view text, bool) {
            if (read_audit_link(text)) {
                time = JsonView(text).find("timestamp").as_string().value_or("");
            }
            return time.empty();
        });
        time = time.empty() ? "~" : time;
    }
    return time;
}

std::vector<std::string> oldest_first(std::vector<std::string> files) {
    std::vector<std::pair<std::string, std::string>> timed;
    for (std::string& file : files) {
        timed.emplace_back(first_time(file), std::move(file));
    }
    std::stable_sort(timed.begin(), timed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    files.clear();
    for (auto& [time, file] : timed) {
        files.push_back(std::move(file));
    }
    return files;
}

void print_json(const AuditVerifier& verifier, bool checked) {
    JsonWriter w;
    w.begin_object().key("ok").boolean(!verifier.fault());
    w.key("records").unsigned_integer(verifier.records());
    w.key("chains").unsigned_integer(verifier.chains());
    w.key("checkpoints").unsigned_integer(verifier.checkpoints());
    w.key("signatures_checked").boolean(checked);
    w.key("unsigned").unsigned_integer(verifier.uncovered());
    if (verifier.fault()) {
        w.key("file").string(verifier.fault()->place.file);
        w.key("line").unsigned_integer(verifier.fault()->place.line);
        w.key("reason").string(verifier.fault()->why);
    }
    w.key("notes").begin_array();
    for (const std::string& note : verifier.notes()) {
        w.string(note);
    }
    std::puts(w.end_array().end_object().take().c_str());
}

void print_text(const AuditVerifier& verifier, bool checked) {
    for (const std::string& note : verifier.notes()) {
        std::printf("note: %s\n", note.c_str());
    }
    if (verifier.fault()) {
        const AuditVerifier::Place& place = verifier.fault()->place;
        const std::string line = place.line == 0 ? "" : ":" + std::to_string(place.line);
        std::fprintf(stderr, "neurond: %s%s: %s\n", place.file.c_str(), line.c_str(),
                     verifier.fault()->why.c_str());
        return;
    }
    std::string signatures = ", signatures verified";
    if (!checked) {
        signatures = "; signatures NOT checked (no key: name one with --key)";
    } else if (verifier.uncovered() > 0) {
        signatures = "; the last " + std::to_string(verifier.uncovered()) +
                     " not yet signed";
    }
    std::printf("audit OK: %llu records in %zu %s, %llu checkpoints%s\n",
                static_cast<unsigned long long>(verifier.records()), verifier.chains(),
                verifier.chains() == 1 ? "chain" : "chains",
                static_cast<unsigned long long>(verifier.checkpoints()),
                signatures.c_str());
}

int verify(const Options& options) {
    std::string key;
    if (!options.key_path.empty()) {
        Result<std::string> given = read_public_key(options.key_path);
        if (!given) {
            return fail(given.error());
        }
        key = std::move(*given);
    } else if (const Result<std::string> seed = read_seed(options)) {
        key = ed25519_public_key(*seed);
    } else if (seed.error().sys == kBadConfig) {
        return fail(seed.error());
    }
    std::vector<std::string> files(options.args.begin() + 1, options.args.end());
    if (files.empty()) {
        return print_usage_error(Error{"'audit verify' needs a file"});
    }
    const bool checked = !key.empty();
    AuditVerifier verifier(std::move(key));
    bool sound = true;
    for (const std::string& file : oldest_first(std::move(files))) {
        verifier.begin_file(file);
        const Status read = each_line(file, [&](std::string_view text, bool ended) {
            return sound = verifier.line(text, ended);
        });
        if (!read) {
            return fail(read.error());
        }
        if (!sound) {
            break;
        }
    }
    sound = sound && verifier.finish();
    (options.json ? print_json : print_text)(verifier, checked);
    return sound ? kExitDone : kExitFailed;
}

}  // namespace

int run_audit(const Options& options) {
    if (options.args[0] == "verify") {
        return verify(options);
    }
    if (options.args[0] == "key") {
        return print_key(options);
    }
    return print_usage_error(Error{"unknown 'audit " + escape(options.args[0], 64) +
                                   "': expected verify or key"});
}

}  // namespace neuron
