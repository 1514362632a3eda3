// Following cursors, with an end even if the server has none.

#include "neurond/back/lister.h"

#include "neurond/base/limits.h"

namespace neuron {

Lister::Next Lister::begin(std::deque<ItemKind> kinds, const Offer* known) {
    first_ = known == nullptr;
    offer_ = first_ ? std::make_shared<Offer>() : std::make_shared<Offer>(*known);
    offer_->problems.clear();
    kinds_ = std::move(kinds);
    return next_kind();
}

Lister::Next Lister::next_kind() {
    cursor_.reset();
    pages_ = 0;
    if (kinds_.empty()) {
        return Next::kDone;
    }
    before_ = std::exchange(offer_->of(kind()), {});
    return Next::kPage;
}

Lister::Next Lister::on_page(const Slice& result) {
    std::optional<std::string> next;
    if (Status read = parse_page(kind(), result, *offer_, next); !read) {
        return on_refused(read.error().message);
    }
    const bool endless = next && (next == cursor_ || ++pages_ >= kMaxListPages);
    if (endless) {
        note_problem(*offer_, std::string("its ") + words_of(kind()).method +
                                  " does not end; using what came so far");
    }
    if (!next || endless) {
        kinds_.pop_front();
        return next_kind();
    }
    cursor_ = std::move(next);
    return Next::kPage;
}

/// Many servers that have resources know nothing of templates; that is no problem.
Lister::Next Lister::on_refused(const std::string& why) {
    if (first_ && kind() == ItemKind::kTool) {
        why_ = why;
        return Next::kFailed;
    }
    if (!first_ || kind() != ItemKind::kTemplate) {
        note_problem(*offer_, (first_ ? "" : "keeping the old list: ") + why);
    }
    offer_->of(kind()) = std::move(before_);
    kinds_.pop_front();
    return next_kind();
}

}  // namespace neuron
