// Following cursors, with an end even if the server has none.

#include "neurond/back/tool_lister.h"

#include "neurond/base/limits.h"

namespace neuron {

void ToolLister::begin() {
    offer_ = std::make_shared<Offer>();
    cursor_.reset();
    pages_ = 0;
}

ToolLister::Next ToolLister::on_page(const Slice& result) {
    std::optional<std::string> next;
    if (Status read = parse_tools_page(result, *offer_, next); !read) {
        why_ = read.error().message;
        return Next::kFailed;
    }
    if (!next) {
        return Next::kDone;
    }
    if (next == cursor_ || ++pages_ >= kMaxListPages) {
        offer_->problems.emplace_back(
            "its tools/list does not end; using what came so far");
        return Next::kDone;
    }
    cursor_ = std::move(next);
    return Next::kPage;
}

}  // namespace neuron
