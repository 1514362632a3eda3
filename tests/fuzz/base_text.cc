// Small readers of base: globs, URLs, hosts, and the escaping of what goes into logs.
// Input: a pattern or URL, a line feed, a text.

#include <cassert>
#include <cstdint>
#include <string>

#include "neurond/base/encode.h"
#include "neurond/base/glob.h"
#include "neurond/base/text.h"
#include "neurond/base/url.h"

using namespace neuron;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const size_t cut = all.find('\n');
    const std::string_view first = all.substr(0, cut);
    const std::string_view rest = cut == all.npos ? "" : all.substr(cut + 1);

    if (size < 2000) {
        const bool fits = glob_matches(first, rest);
        assert(!fits || glob_is_valid(first));
    }
    assert(glob_matches("*", rest));
    if (const auto url = parse_url(first)) {
        assert(!url->host.empty() && url->path_and_query.front() == '/');
    }
    (void)parse_host_port(first);
    for (const char c : escape(rest)) {
        assert(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
    return 0;
}
