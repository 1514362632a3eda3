// Heads give one answer however they are split, and what is accepted can be written anew
// and is then accepted as the same.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "neurond/wire/http_body.h"
#include "neurond/wire/http_head.h"
#include "neurond/wire/http_write.h"

using namespace neuron;

namespace {

HeadLimits limits() {
    HeadLimits small;
    small.head_bytes = 2048;
    small.target_bytes = 256;
    small.fields = 32;
    return small;
}

template <typename Parser, typename Head>
HeadParse parse_both_ways(std::string_view text, Head& head) {
    Parser pieces(limits());
    HeadParse parsed;
    Head other;
    for (size_t n = 0; n <= text.size() && parsed.state == Scan::kMore; ++n) {
        parsed = pieces.parse(text.substr(0, n), other);
    }
    const HeadParse whole = Parser(limits()).parse(text, head);
    assert(whole.state == parsed.state);
    assert(whole.used == parsed.used);
    assert(whole.status == parsed.status);
    assert(whole.used <= text.size());
    assert((whole.state == Scan::kBad) == (whole.status >= 400));
    return whole;
}

void add_fields(HttpHeadWriter& writer, const HttpFields& fields) {
    for (const HttpField& field : fields) {
        const bool written = writer.try_field(field.name, field.value);
        assert(written);
    }
}

void check_request(const RequestHead& head) {
    HttpHeadWriter writer = HttpHeadWriter::request(head.method, head.target);
    add_fields(writer, head.fields);
    OutQueue out;
    writer.finish(out);
    const std::string text = out.to_string();
    HeadLimits wide = limits();
    wide.head_bytes *= 2;  // what is written has a blank behind every colon
    RequestHead again;
    const HeadParse parsed = RequestHeadParser(wide).parse(text, again);
    // HTTP/1.0 may do without Host, what we write may not.
    assert(parsed.state == Scan::kDone || head.minor_version == 0);
    assert(parsed.state == Scan::kBad || again.path == head.path);
    assert(parsed.state == Scan::kBad || again.authority == head.authority);
    const BodyFraming framing = request_framing(head);
    assert(framing.kind != BodyFraming::Kind::kUntilClose);
    assert((framing.kind == BodyFraming::Kind::kBad) == (framing.status >= 400));
    keeps_alive(head.minor_version, head.fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    RequestHead request;
    if (parse_both_ways<RequestHeadParser>(text, request).state == Scan::kDone) {
        check_request(request);
    }
    ResponseHead response;
    if (parse_both_ways<ResponseHeadParser>(text, response).state == Scan::kDone) {
        assert(response.status >= 100 && response.status <= 599);
        response_framing(response, false);
    }
    return 0;
}
