// The scanner gives one verdict however the text is split, and the view walks exactly what
// the scanner accepted.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "neurond/wire/json_scan.h"
#include "neurond/wire/json_view.h"

using namespace neuron;

namespace {

constexpr unsigned kDepth = 32;

/// The end of the value inside its text; everything in it must lie there too.
void walk(const JsonView& view, std::string_view text) {
    assert(view.exists());
    assert(view.raw().data() >= text.data());
    assert(view.raw().data() + view.raw().size() <= text.data() + text.size());
    JsonScanner scanner(kDepth);
    const Scan scan = scanner.finish(view.raw());
    assert(scan == Scan::kDone || scanner.error() == JsonError::kDuplicateKey);
    for (const JsonView item : view.elements()) {
        walk(item, view.raw());
    }
    for (const JsonPair& member : view.members()) {
        assert(member.key.as_string());
        walk(member.value, view.raw());
    }
}

void compare(const JsonMembers& members, const JsonView& object,
             std::string_view text) {
    size_t index = 0;
    for (const JsonPair& member : object.members()) {
        assert(index < members.size());
        assert(members[index].key.in(text).data() == member.key.raw().data());
        assert(members[index].value.in(text) == member.value.raw());
        ++index;
    }
    assert(index == members.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    JsonScanner whole(kDepth);
    const Scan scan = whole.finish(text);
    assert(scan != Scan::kMore && (scan == Scan::kBad) == !whole.message().empty());

    JsonScanner pieces(kDepth);
    const size_t step = size == 0 ? 1 : 1 + data[size - 1] % 7U;
    for (size_t n = 0; n < size; n += step) {
        pieces.feed(text.substr(0, n));
    }
    const Scan again = pieces.finish(text);
    assert(again == scan);
    assert(pieces.error() == whole.error());
    assert(pieces.error_offset() == whole.error_offset());
    assert(pieces.has_line_breaks() == whole.has_line_breaks() || scan == Scan::kBad);

    if (scan == Scan::kDone && size < 2048) {
        const JsonView view(text);
        assert(view.raw() == whole.value().in(text));
        walk(view, text);
        compare(whole.root_members(), view, text);
        compare(whole.params_members(), view.find("params"), text);
        compare(whole.meta_members(), view.find("params").find("_meta"), text);
        assert(view.find("id").raw() == whole.envelope().id.in(text));
    }
    return 0;
}
