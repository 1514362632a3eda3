// The one place that knows what must not be seen, and that hides it. What comes out of
// neurond for people passes here: the log by itself, the rest where it is put together.

#include "neurond/base/secrets.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <tuple>
#include <utility>
#include <vector>

#include "neurond/base/encode.h"
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

void append_unit(std::string& out, uint32_t unit, bool upper) {
    char text[8];
    std::snprintf(text, sizeof text, upper ? "\\u%04X" : "\\u%04x", unit);
    out += text;
}

/// The character at the front of well-formed UTF-8, which is taken off.
uint32_t take_character(std::string_view& utf8) {
    const auto first = static_cast<unsigned char>(utf8.front());
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t out = size == 1 ? first : first & (0x7fU >> size);
    for (size_t i = 1; i < size; ++i) {
        out = out << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3f);
    }
    utf8.remove_prefix(size);
    return out;
}

/// Within a JSON string (RFC 8259 section 7), ASCII alone; those of `escaped` as \uXXXX.
std::string to_ascii_json(std::string_view utf8, std::string_view escaped, bool upper) {
    std::string out;
    while (!utf8.empty()) {
        const uint32_t c = take_character(utf8);
        const char byte = static_cast<char>(c);
        if (c > 0xffff) {
            append_unit(out, 0xd800 + ((c - 0x10000) >> 10), upper);
            append_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff), upper);
        } else if (c == '"' || c == '\\') {
            out.append("\\").append(1, byte);
        } else if (const size_t at = std::string_view("\b\f\n\r\t").find(byte);
                   c < 0x20 && at != std::string_view::npos) {
            out.append("\\").append(1, "bfnrt"[at]);
        } else if (c < 0x20 || c > 0x7e || escaped.find(byte) != escaped.npos) {
            append_unit(out, c, upper);
        } else {
            out += byte;
        }
    }
    return out;
}

/// As it may be written: raw, as escape() does, as JSON does (RFC 8259 section 7; some
/// writers escape all but ASCII, some what HTML minds, some slashes), as URLs do.
void keep_all_forms(std::string_view secret) {
    if (secret.size() < kMinSecretBytes) {
        return;
    }
    keep(std::string(secret));
    keep(escape(secret, secret.size() * 4 + 4));
    std::string json;
    std::string slashes;
    for (const char c : secret) {
        json.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
        slashes.append(c == '"' || c == '\\' || c == '/' ? "\\" : "").append(1, c);
    }
    keep(std::move(json));
    keep(std::move(slashes));
    if (is_utf8(secret)) {
        for (const bool upper : {false, true}) {
            keep(to_ascii_json(secret, "", upper));
            keep(to_ascii_json(secret, "<>&", upper));
        }
    }
    std::string percent = percent_encode(secret);
    keep(percent);
    for (size_t at = 0; (at = percent.find('%', at)) != percent.npos; at += 3) {
        percent.replace(at, 3, to_lower(std::string_view(percent).substr(at, 3)));
    }
    keep(std::move(percent));
}

/// Where in `text` the password of a URL stands, from `from` on: of the first that has
/// one; no size if none has.
std::pair<size_t, size_t> find_password(std::string_view text, size_t from) {
    for (size_t at = from; (at = text.find("://", at)) != text.npos;) {
        at += 3;
        const std::string_view rest = text.substr(at);
        const size_t end = rest.find_first_of("/?# \t\n\"'");
        const std::string_view authority = rest.substr(0, end);
        const size_t host = authority.rfind('@');
        const size_t colon = authority.find(':');
        if (host != authority.npos && colon < host && colon + 1 < host) {
            return {at + colon + 1, host - colon - 1};
        }
    }
    return {text.size(), 0};
}

/// `name` ends in the word "auth": X-Auth, BASIC_AUTH, dbAuth.
bool ends_in_auth(std::string_view name, std::string_view lower) {
    if (!ends_with(lower, "auth")) {
        return false;
    }
    const size_t at = lower.size() - 4;
    const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
    return at == 0 || !((lower[at - 1] >= 'a' && lower[at - 1] <= 'z')) ||
           (!is_small(name[at]) && is_small(name[at - 1]));
}

bool is_scheme(std::string_view word) {
    return equals_ignoring_case(word, "bearer") || equals_ignoring_case(word, "basic");
}

}  // namespace

bool is_secret_name(std::string_view name) {
    const std::string lower = to_lower(name);
    if (lower == "pwd" || lower == "oldpwd") {
        return false;  // directories
    }
    for (const char* part : {"token", "secret", "passw", "passphrase", "pwd", "key",
                             "cookie", "authorization", "credential"}) {
        if (lower.find(part) != std::string::npos) {
            return true;
        }
    }
    return ends_in_auth(name, lower);
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

void learn_passwords(std::string_view text) {
    for (auto [at, size] = find_password(text, 0); size != 0;
         std::tie(at, size) = find_password(text, at + size)) {
        const std::string_view password = text.substr(at, size);
        learn_secret(password);
        learn_secret(percent_decode(password).value_or(""));
    }
}

std::string mask_passwords(std::string_view text) {
    std::string out;
    size_t done = 0;
    for (auto [at, size] = find_password(text, 0); size != 0;
         std::tie(at, size) = find_password(text, done)) {
        out.append(text.substr(done, at - done)).append(kMask);
        done = at + size;
    }
    return out.append(text.substr(done));
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
        return mask_passwords(url.substr(0, end)) + (end == url.npos ? "" : "/") +
               (end == url.npos ? "" : kMask);
    }
    const size_t query = url.find('?');
    std::string out = mask_passwords(url.substr(0, query));
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
    return inside ? std::string(arg.substr(0, equals + 1)) + kMask : mask_passwords(arg);
}

}  // namespace neuron
