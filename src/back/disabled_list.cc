// What an operator has switched off stays off, whatever dies in the meantime.

#include "neurond/back/disabled_list.h"

#include "neurond/base/atomic_file.h"
#include "neurond/base/crypto.h"
#include "neurond/base/encode.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kMaxFileBytes = 1024 * 1024;

}  // namespace

DisabledList::DisabledList(std::string path, Write write)
    : path_(std::move(path)), write_(std::move(write)) {
    const Result<std::string> text = read_file(path_, kMaxFileBytes);
    if (!text) {
        return;
    }
    for (const std::string_view line : split(*text, '\n')) {
        const size_t blank = line.find(' ');
        if (blank != line.npos) {
            digests_.emplace(line.substr(0, blank), line.substr(blank + 1));
        }
    }
}

bool DisabledList::has(const std::string& name, const std::string& form) const {
    const auto found = digests_.find(name);
    return found != digests_.end() && found->second == hex_encode(sha256(form));
}

void DisabledList::set(const std::string& name, const std::string& form, bool disabled) {
    if (!disabled && digests_.erase(name) == 0) {
        return;
    }
    if (disabled) {
        digests_[name] = hex_encode(sha256(form));
    }
    std::string text;
    for (const auto& [each, digest] : digests_) {
        text += each + " " + digest + "\n";
    }
    write_(path_, text);
}

}  // namespace neuron
