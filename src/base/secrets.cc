// The one place that knows what must not be seen, and that hides it. What comes out of
// neurond for people passes here: the log by itself, the rest where it is put together.

#include "neurond/base/secrets.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
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
std::vector<std::string> all_forms(std::string_view secret) {
    std::vector<std::string> out = {std::string(secret),
                                    escape(secret, secret.size() * 4 + 4)};
    std::string json;
    std::string slashes;
    for (const char c : secret) {
        json.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
        slashes.append(c == '"' || c == '\\' || c == '/' ? "\\" : "").append(1, c);
    }
    out.push_back(std::move(json));
    out.push_back(std::move(slashes));
    if (is_utf8(secret)) {
        for (const bool upper : {false, true}) {
            out.push_back(to_ascii_json(secret, "", upper));
            out.push_back(to_ascii_json(secret, "<>&", upper));
        }
    }
    std::string percent = percent_encode(secret);
    out.push_back(percent);
    for (size_t at = 0; (at = percent.find('%', at)) != percent.npos; at += 3) {
        percent.replace(at, 3, to_lower(std::string_view(percent).substr(at, 3)));
    }
    out.push_back(std::move(percent));
    return out;
}

void keep_all_forms(std::string_view secret) {
    if (secret.size() < kMinSecretBytes) {
        return;
    }
    for (std::string& form : all_forms(secret)) {
        keep(std::move(form));
    }
}

void mask_one(std::string& text, std::string_view secret) {
    for (size_t at = text.find(secret); at != text.npos; at = text.find(secret, at)) {
        text.replace(at, secret.size(), kMask);
        at += std::string_view(kMask).size();
    }
}

/// Of all that are long enough to be looked for.
std::vector<std::string> all_forms(const std::vector<std::string>& secrets) {
    std::vector<std::string> out;
    for (const std::string& secret : secrets) {
        if (secret.size() >= kMinSecretBytes) {
            const std::vector<std::string> forms = all_forms(secret);
            out.insert(out.end(), forms.begin(), forms.end());
        }
    }
    return out;
}

/// Where the beginning of a secret stands at the end of `text`; its size if there is none.
size_t begin_of_part(std::string_view text, const std::vector<std::string>& secrets) {
    size_t cut = text.size();
    for (const std::string& secret : secrets) {
        const size_t most = std::min(secret.size() - 1, text.size());
        for (size_t n = most; n >= kMinSecretBytes; --n) {
            if (ends_with(text, std::string_view(secret).substr(0, n))) {
                cut = std::min(cut, text.size() - n);
                break;
            }
        }
    }
    return cut;
}

struct Found {
    size_t at = 0;
    size_t size = 0;  ///< 0: there is none
};

/// In `url` behind its scheme, from `from` on: the password, or a value of its query that
/// is called like a secret.
Found find_in_url(std::string_view url, size_t from) {
    const size_t authority_end = std::min(url.find_first_of("/?#"), url.size());
    const std::string_view authority = url.substr(0, authority_end);
    const size_t host = authority.rfind('@');
    const size_t colon = authority.find(':');
    if (host != authority.npos && colon < host && colon + 1 < host && colon >= from) {
        return {colon + 1, host - colon - 1};
    }
    const size_t end = std::min(url.find('#'), url.size());
    size_t at = std::min(url.find('?'), end);
    while (at < end) {
        const size_t pair = at + 1;
        at = std::min(url.find('&', pair), end);
        const size_t equals = url.substr(0, at).find('=', pair);
        if (pair > from && equals != url.npos && equals + 1 < at &&
            is_secret_name(url.substr(pair, equals - pair))) {
            return {equals + 1, at - equals - 1};
        }
    }
    return {};
}

/// The first such in the URLs of `text`, URLs in others included, behind `from`.
Found find_in_urls(std::string_view text, size_t from) {
    Found first;
    for (size_t at = 0; (at = text.find("://", at)) != text.npos;) {
        at += 3;
        const std::string_view rest = text.substr(at);
        const std::string_view url = rest.substr(0, rest.find_first_of(" \t\n\"'"));
        if (at + url.size() <= from) {
            continue;
        }
        const Found found = find_in_url(url, from > at ? from - at : 0);
        if (found.size != 0 && (first.size == 0 || at + found.at < first.at)) {
            first = {at + found.at, found.size};
        }
    }
    return first;
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

/// The password in the credentials of RFC 7617.
void learn_basic(std::string_view scheme, std::string_view credentials) {
    const auto pair = base64_decode(credentials);
    const size_t colon = pair ? pair->find(':') : std::string::npos;
    if (equals_ignoring_case(scheme, "basic") && colon != std::string::npos) {
        keep_all_forms(std::string_view(*pair).substr(colon + 1));
    }
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
            learn_basic(words.front(), words.back());
        }
    }
}

std::string mask_secrets(std::string_view text, const std::vector<std::string>& also) {
    std::string out(text);
    for (const std::string& secret : known()) {
        mask_one(out, secret);
    }
    for (const std::string& form : all_forms(also)) {
        mask_one(out, form);
    }
    return out;
}

std::string mask_cut_secrets(std::string_view text,
                             const std::vector<std::string>& also) {
    const std::string out = mask_secrets(text, also);
    const size_t cut =
        std::min(begin_of_part(out, known()), begin_of_part(out, all_forms(also)));
    return cut == out.size() ? out : out.substr(0, cut) + kMask;
}

void learn_urls(std::string_view text) {
    size_t from = 0;
    for (Found in = find_in_urls(text, 0); in.size != 0; in = find_in_urls(text, from)) {
        const std::string_view secret = text.substr(in.at, in.size);
        learn_secret(secret);
        learn_secret(percent_decode(secret).value_or(""));
        from = in.at + in.size;
    }
}

std::string mask_urls(std::string_view text) {
    std::string out;
    size_t from = 0;
    for (Found in = find_in_urls(text, 0); in.size != 0; in = find_in_urls(text, from)) {
        out.append(text.substr(from, in.at - from)).append(kMask);
        from = in.at + in.size;
    }
    return out.append(text.substr(from));
}

void learn_url(std::string_view url, bool secret) {
    learn_urls(url);
    const size_t begin = url.find("://");
    if (begin == url.npos) {
        return;
    }
    const std::string_view rest = url.substr(begin + 3);
    const size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view authority = rest.substr(0, host_end);
    if (const size_t at = authority.rfind('@'); at != authority.npos) {
        const std::string_view user = authority.substr(0, at);
        learn_secret(user.substr(user.find(':') + 1));
    }
    if (secret) {
        learn_secret(rest.substr(host_end));
    }
}

std::string mask_url(std::string_view url, bool secret) {
    if (!secret) {
        return mask_urls(url);
    }
    const size_t begin = url.find("://");
    const size_t end = begin == url.npos ? 0 : url.find_first_of("/?", begin + 3);
    return mask_urls(url.substr(0, end)) + (end == url.npos ? "" : "/") +
           (end == url.npos ? "" : kMask);
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
    return inside ? std::string(arg.substr(0, equals + 1)) + kMask : mask_urls(arg);
}

}  // namespace neuron
