// Heads of HTTP/1 messages. A frame watches the bytes come: it counts lines, refuses what
// nothing can mend (bare line ends, control bytes, too much) at once, and finds the empty
// line. Only then, in a second walk over the same bytes, the lines are taken apart; the
// request line already when it is there, so that a stranger's protocol is answered before
// his whole head has come.
#include "neurond/wire/http_head.h"

#include "neurond/base/text.h"

namespace neuron {

namespace {

constexpr size_t kVersionBytes = 12;  // "HTTP/1.1", two blanks, CRLF
constexpr HeadParse kGoesOn{Scan::kMore, 0, 0, ""};

HeadParse bad(int status, const char* why) noexcept {
    return {Scan::kBad, 0, status, why};
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// "HTTP/d.d": 1 and 0 are its minor version, later ones count as 1 (RFC 9110 section
/// 2.5), -1 is another major version, -2 is none at all.
int minor_version(std::string_view version) noexcept {
    if (version.size() != 8 || version.substr(0, 5) != "HTTP/" ||
        !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) {
        return -2;
    }
    const int minor = version[7] > '0' ? 1 : 0;
    return version[5] == '1' ? minor : -1;
}

/// Takes the next line, without its CRLF, off a head that the frame has found complete.
std::string_view take_line(std::string_view& head) noexcept {
    const size_t end = head.find('\r');
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    return line;
}

HeadParse parse_field(std::string_view line, HttpFields& fields) {
    if (line[0] == ' ' || line[0] == '\t') {
        return bad(400, "folded field line");
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        return bad(400, "field line without a colon");
    }
    const std::string_view name = line.substr(0, colon);
    if (!is_http_token(name)) {
        return bad(400, "field name is not a token");
    }
    fields.add({name, trim(line.substr(colon + 1))});
    return kGoesOn;
}

/// `head` starts behind the start line and ends with the empty line.
HeadParse parse_fields(std::string_view head, size_t max, HttpFields& fields) {
    fields.clear();
    for (std::string_view line = take_line(head); !line.empty();
         line = take_line(head)) {
        if (fields.size() == max) {
            return bad(431, "too many field lines");
        }
        if (const HeadParse parsed = parse_field(line, fields);
            parsed.state == Scan::kBad) {
            return parsed;
        }
    }
    return kGoesOn;
}

/// What may stand in a target: printable ASCII without what RFC 3986 bans and no browser
/// sends, and percent signs only before two hex digits.
bool is_target_text(std::string_view text) noexcept {
    constexpr std::string_view kHex = "0123456789abcdefABCDEF";
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c <= ' ' || c > '~' ||
            std::string_view("\"#<>\\").find(c) != std::string_view::npos) {
            return false;
        }
        if (c == '%' && (text.size() - i < 3 ||
                         text.substr(i + 1, 2).find_first_not_of(kHex) != text.npos)) {
            return false;
        }
    }
    return true;
}

void split_query(std::string_view target, RequestHead& head) noexcept {
    const size_t mark = target.find('?');
    head.path = target.substr(0, mark);
    head.query =
        mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

/// The length of "http://" or "https://" at the beginning, in any case; else 0.
size_t scheme_length(std::string_view target) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            return scheme.size();
        }
    }
    return 0;
}

/// RFC 9112 section 3.2.
HeadParse parse_target(RequestHead& head) noexcept {
    const std::string_view target = head.target;
    head.authority = {};
    head.query = {};
    if (head.method == "CONNECT") {
        return bad(400, "CONNECT is not served");
    }
    if (!is_target_text(target)) {
        return bad(400, "byte in the target that must be percent-encoded");
    }
    if (target == "*" && head.method == "OPTIONS") {
        head.form = TargetForm::kAsterisk;
        head.path = target;
        return kGoesOn;
    }
    if (target[0] == '/') {
        head.form = TargetForm::kOrigin;
        split_query(target, head);
        return kGoesOn;
    }
    const size_t scheme = scheme_length(target);
    if (scheme == 0) {
        return bad(400, "target is neither a path nor a http URL");
    }
    const std::string_view rest = target.substr(scheme);
    head.form = TargetForm::kAbsolute;
    head.authority = rest.substr(0, rest.find_first_of("/?"));
    split_query(rest.substr(head.authority.size()), head);
    if (head.path.empty()) {
        head.path = "/";
    }
    return is_host_and_port(head.authority)
               ? kGoesOn
               : bad(400, "target's authority is malformed");
}

/// RFC 9112 section 3. The target's form is looked at last: only a message of our version
/// has targets as we know them.
HeadParse parse_request_line(std::string_view line, size_t max_target,
                             RequestHead& head) noexcept {
    const size_t first = line.find(' ');
    const size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return bad(400, "request line is not method, target and version");
    }
    head.method = line.substr(0, first);
    head.target = line.substr(first + 1, last - first - 1);
    const int version = minor_version(line.substr(last + 1));
    if (!is_http_token(head.method) || head.method.size() > kMaxMethodBytes) {
        return bad(400, "method is not a token, or too long");
    }
    if (head.target.empty() || version == -2) {
        return bad(400, "request line is not method, target and version");
    }
    if (version == -1) {
        return bad(505, "version is neither HTTP/1.1 nor HTTP/1.0");
    }
    if (head.target.size() > max_target) {
        return bad(414, "target is too long");
    }
    head.minor_version = version;
    return parse_target(head);
}

/// RFC 9112 section 3.2: a request that leaves open whom it addresses is not served.
HeadParse check_host(RequestHead& head) noexcept {
    const size_t count = head.fields.count("host");
    if (count > 1 || (count == 0 && head.minor_version >= 1)) {
        return bad(400, count == 0 ? "no Host" : "more than one Host");
    }
    const std::string_view host = head.fields.field("host").value_or("");
    if (!host.empty() && !is_host_and_port(host)) {
        return bad(400, "Host is malformed");
    }
    if (head.form != TargetForm::kAbsolute) {
        head.authority = host;
    }
    return kGoesOn;
}

/// RFC 9112 section 4.
HeadParse parse_status_line(std::string_view line, ResponseHead& head) noexcept {
    const int version = minor_version(line.substr(0, 8));
    if (version < 0 || line.size() < 12 || line[8] != ' ' ||
        (line.size() > 12 && line[12] != ' ')) {
        return bad(502, "status line is not version, status and reason");
    }
    const std::string_view digits = line.substr(9, 3);
    const uint64_t status = parse_u64(digits).value_or(0);
    if (status < 100 || status > 599) {
        return bad(502, "status is not a number from 100 to 599");
    }
    head.minor_version = version;
    head.status = static_cast<int>(status);
    head.reason = line.size() > 13 ? line.substr(13) : std::string_view();
    return kGoesOn;
}

}  // namespace

void HeadFrame::reset() noexcept {
    *this = HeadFrame(limits_);
}

HeadParse HeadFrame::look(std::string_view in) noexcept {
    for (; looked_ < in.size() && found_.state == Scan::kMore; ++looked_) {
        const bool after_return = looked_ > line_begin_ && in[looked_ - 1] == '\r';
        found_ = next_byte(static_cast<unsigned char>(in[looked_]), after_return);
    }
    return found_;
}

HeadParse HeadFrame::next_byte(unsigned char c, bool after_return) noexcept {
    const size_t longest = limits_.target_bytes + kMaxMethodBytes + kVersionBytes;
    if (!has_first_line() && looked_ - line_begin_ > longest) {
        return bad(414, "target is too long");
    }
    if (looked_ >= limits_.head_bytes) {
        return has_first_line() ? bad(431, "head is too large")
                                : bad(414, "target is too long");
    }
    if (after_return != (c == '\n')) {
        return bad(400, after_return ? "CR without LF" : "LF without CR");
    }
    if (c == '\n') {
        return end_of_line();
    }
    if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f) {
        return bad(400, "control byte in the head");
    }
    return kGoesOn;
}

/// `looked_` is at the LF of a line that began at `line_begin_`.
HeadParse HeadFrame::end_of_line() noexcept {
    const size_t begin = line_begin_;
    const size_t end = looked_ - 1;
    line_begin_ = looked_ + 1;
    if (begin != end) {
        if (!has_first_line()) {
            first_begin_ = begin;
            first_end_ = end;
        }
        return kGoesOn;
    }
    if (has_first_line()) {
        return {Scan::kDone, line_begin_, 0, ""};
    }
    // One empty line in front is tolerated: RFC 9112 section 2.2.
    return begin == 0 ? kGoesOn : bad(400, "empty lines in front of the request line");
}

HeadParse RequestHeadParser::parse(std::string_view in, RequestHead& head) {
    const HeadParse frame = frame_.look(in);
    if (!frame_.has_first_line()) {
        return frame;
    }
    const HeadLimits& limits = frame_.limits();
    const size_t begin = frame_.first_line_begin();
    const size_t end = frame_.first_line_end();
    if (frame.state == Scan::kDone || !frame_.first_line_checked) {
        const HeadParse line = parse_request_line(in.substr(begin, end - begin),
                                                  limits.target_bytes, head);
        if (line.state == Scan::kBad) {
            return line;  // before what may be wrong further down
        }
        frame_.first_line_checked = true;
    }
    if (frame.state != Scan::kDone) {
        return frame;
    }
    const std::string_view lines = in.substr(end + 2, frame.used - end - 2);
    const HeadParse fields = parse_fields(lines, limits.fields, head.fields);
    if (fields.state == Scan::kBad) {
        return fields;
    }
    const HeadParse host = check_host(head);
    return host.state == Scan::kBad ? host : frame;
}

HeadParse ResponseHeadParser::parse(std::string_view in, ResponseHead& head) {
    const auto refused = [](HeadParse parsed) {
        parsed.status = 502;
        return parsed;
    };
    const HeadParse frame = frame_.look(in);
    if (frame.state != Scan::kDone) {
        return frame.state == Scan::kBad ? refused(frame) : frame;
    }
    const size_t begin = frame_.first_line_begin();
    const size_t first_end = frame_.first_line_end();
    const HeadParse line = parse_status_line(in.substr(begin, first_end - begin), head);
    if (line.state == Scan::kBad) {
        return line;
    }
    const std::string_view lines = in.substr(first_end + 2, frame.used - first_end - 2);
    const HeadParse fields = parse_fields(lines, frame_.limits().fields, head.fields);
    return fields.state == Scan::kBad ? refused(fields) : frame;
}

}  // namespace neuron
