// What is wrong with a configuration, as an operator reads it: place, key, reason, the
// line itself and a caret below. Messages are made at once, so that they outlive the
// texts they are about; the list keeps itself sorted and free of doubles.

#include "neurond/conf/diagnostic.h"

#include <algorithm>
#include <utility>

#include "neurond/base/limits.h"
#include "neurond/base/secrets.h"
#include "neurond/base/text.h"

namespace neuron::conf {
namespace {

constexpr size_t kMaxLead = 100;     // shown before the caret; what is longer is cut
constexpr size_t kMaxExcerpt = 160;  // shown of one line
constexpr std::string_view kIndent = "    ";

bool is_continuation_byte(char c) noexcept {
    return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

std::string printable(std::string_view line) {
    const bool utf8 = is_utf8(line);
    std::string out;
    for (const char c : line) {
        const bool high = (static_cast<unsigned char>(c) & 0x80u) != 0;
        const bool fine = high ? utf8 : (c >= ' ' && c != '\x7f') || c == '\t';
        out += fine ? c : '?';
    }
    return out;
}

std::string excerpt_of(const Place& place) {
    if (place.source == nullptr || place.secret || place.source->text.empty()) {
        return {};
    }
    const std::string_view text = place.source->text;
    const size_t offset = std::min(place.offset, text.size());
    size_t start = text.substr(0, offset).rfind('\n') + 1;
    if (offset - start > kMaxLead) {
        start = offset - kMaxLead;
        while (start < offset && is_continuation_byte(text[start])) {
            ++start;
        }
    }
    size_t end = std::min({text.find('\n', offset), text.size(), start + kMaxExcerpt});
    while (end > offset && end < text.size() && is_continuation_byte(text[end])) {
        --end;
    }
    if (end > offset && text[end - 1] == '\r') {
        --end;
    }
    std::string out(kIndent);
    out += mask_cut_secrets(printable(text.substr(start, end - start)));
    out.append("\n").append(kIndent);
    for (const char c : text.substr(start, offset - start)) {
        if (!is_continuation_byte(c)) {  // one column a character
            out += c == '\t' ? '\t' : ' ';
        }
    }
    return out += "^\n";
}

bool comes_before(const Diagnostic& a, const Diagnostic& b) noexcept {
    return a.source != b.source ? a.source < b.source : a.offset < b.offset;
}

}  // namespace

void Diagnostics::error(const Place& place, std::string_view subject,
                        std::string_view message) {
    add(Severity::kError, place, subject, message);
}

void Diagnostics::warning(const Place& place, std::string_view subject,
                          std::string_view message) {
    add(Severity::kWarning, place, subject, message);
}

void Diagnostics::add(Severity severity, const Place& place, std::string_view subject,
                      std::string_view message) {
    errors_ += severity == Severity::kError ? 1 : 0;
    if (all_.size() == kMaxDiagnostics) {
        ++withheld_;
        return;
    }
    Diagnostic made;
    made.severity = severity;
    if (place.source != nullptr) {
        made.source = place.source->index;
        made.offset = place.offset;
        made.where = conf::to_string(place);
    }
    made.message = subject.empty() ? "" : std::string(subject) + ": ";
    made.message += mask_secrets(message);
    const auto same = [&made](const Diagnostic& other) {
        return other.where == made.where && other.message == made.message;
    };
    if (std::any_of(all_.begin(), all_.end(), same)) {
        errors_ -= severity == Severity::kError ? 1 : 0;
        return;
    }
    made.excerpt = excerpt_of(place);
    const auto behind = std::upper_bound(all_.begin(), all_.end(), made, comes_before);
    all_.insert(behind, std::move(made));
}

std::string Diagnostics::to_string() const {
    std::string out;
    for (const Diagnostic& one : all_) {
        out += conf::to_string(one);
    }
    if (withheld_ > 0) {
        out += "and " + std::to_string(withheld_) + " more\n";
    }
    return out;
}

std::string to_string(const Diagnostic& diagnostic) {
    std::string out = diagnostic.where;
    if (!out.empty()) {
        out += ": ";
    }
    out += diagnostic.severity == Severity::kError ? "error: " : "warning: ";
    return out + diagnostic.message + '\n' + diagnostic.excerpt;
}

}  // namespace neuron::conf
