// The one place that knows what must not be seen, and that hides it. What comes out of
// neurond for people passes here: the log by itself, the rest where it is put together.

#include "neurond/base/secrets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "neurond/base/limits.h"
#include "neurond/base/text.h"

namespace neuron {

namespace {

/// Longest first, so that a secret within another one leaves nothing of that.
std::vector<std::string>& known() {
    static std::vector<std::string> secrets;
    return secrets;
}

void keep(std::string secret) {
    std::vector<std::string>& all = known();
    const bool useless = secret.size() < kMinSecretBytes ||
                         all.size() >= kMaxKnownSecrets ||
                         secret.find_first_not_of('*') == secret.npos;
    if (useless || std::find(all.begin(), all.end(), secret) != all.end()) {
        return;
    }
    const auto place =
        std::find_if(all.begin(), all.end(), [&secret](const std::string& other) {
            return other.size() < secret.size();
        });
    all.insert(place, std::move(secret));
}

/// As it may be written: raw, as escape() does, as JSON does (RFC 8259 section 7).
void keep_all_forms(std::string_view secret) {
    keep(std::string(secret));
    keep(escape(secret, secret.size() * 4 + 4));
    std::string json;
    for (const char c : secret) {
        json.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
    }
    keep(std::move(json));
}

bool is_scheme(std::string_view word) {
    return equals_ignoring_case(word, "bearer") || equals_ignoring_case(word, "basic");
}

}  // namespace

bool is_secret_name(std::string_view name) {
    const std::string lower = to_lower(name);
    for (const char* part :
         {"token", "secret", "password", "key", "authorization", "credential"}) {
        if (lower.find(part) != std::string::npos) {
            return true;
        }
    }
    return false;
}

void learn_secret(std::string_view secret) {
    keep_all_forms(secret);
    for (std::string_view line : split(secret, '\n')) {
        line = trim(line.substr(0, line.find('\r')));
        keep_all_forms(line);
        const auto words = split(line, ' ');
        if (words.size() == 2 && is_scheme(words.front())) {
            keep_all_forms(words.back());
        }
    }
}

std::string mask_secrets(std::string_view text) {
    std::string out(text);
    for (const std::string& secret : known()) {
        for (size_t at = out.find(secret); at != out.npos; at = out.find(secret, at)) {
            out.replace(at, secret.size(), kMask);
            at += std::string_view(kMask).size();
        }
    }
    return out;
}

std::string mask_cut_secrets(std::string_view text) {
    std::string out = mask_secrets(text);
    size_t cut = out.size();
    for (const std::string& secret : known()) {
        const size_t most = std::min(secret.size() - 1, out.size());
        for (size_t n = most; n >= kMinSecretBytes; --n) {
            if (ends_with(out, std::string_view(secret).substr(0, n))) {
                cut = std::min(cut, out.size() - n);
                break;
            }
        }
    }
    return cut == out.size() ? out : out.substr(0, cut) + kMask;
}

void learn_url(std::string_view url, bool secret) {
    const size_t begin = url.find("://");
    if (begin == url.npos) {
        return;
    }
    const std::string_view rest = url.substr(begin + 3);
    const size_t host_end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, host_end);
    if (const size_t at = authority.rfind('@'); at != authority.npos) {
        const std::string_view user = authority.substr(0, at);
        learn_secret(user.substr(user.find(':') + 1));
    }
    if (host_end == rest.npos) {
        return;
    }
    if (secret) {
        learn_secret(rest.substr(host_end));
    }
    const size_t query = rest.find('?');
    for (const std::string_view pair :
         split(query == rest.npos ? "" : rest.substr(query + 1), '&')) {
        const size_t equals = pair.find('=');
        if (equals != pair.npos && is_secret_name(pair.substr(0, equals))) {
            learn_secret(pair.substr(equals + 1));
        }
    }
}

std::string mask_url(std::string_view url, bool secret) {
    if (secret) {
        const size_t begin = url.find("://");
        const size_t end = begin == url.npos ? 0 : url.find_first_of("/?", begin + 3);
        return std::string(url.substr(0, end)) + (end == url.npos ? "" : "/") +
               (end == url.npos ? "" : kMask);
    }
    const size_t query = url.find('?');
    std::string out(url.substr(0, query));
    if (query == url.npos) {
        return out;
    }
    const char* before = "?";
    for (const std::string_view pair : split(url.substr(query + 1), '&')) {
        const size_t equals = pair.find('=');
        const bool hide = equals != pair.npos && is_secret_name(pair.substr(0, equals));
        out.append(std::exchange(before, "&"));
        out.append(pair.substr(0, hide ? equals + 1 : pair.npos));
        out.append(hide ? kMask : "");
    }
    return out;
}

std::string ArgumentMask::next(std::string_view arg, bool secret) {
    const size_t equals = arg.find('=');
    const bool option = starts_with(arg, "-");
    const bool names_secret = option && is_secret_name(arg.substr(0, equals));
    const bool inside = names_secret && equals != arg.npos;
    const bool hide = secret || (secret_follows_ && !option);
    secret_follows_ = names_secret && !inside;
    if (hide) {
        return kMask;
    }
    return inside ? std::string(arg.substr(0, equals + 1)) + kMask : std::string(arg);
}

}  // namespace neuron
