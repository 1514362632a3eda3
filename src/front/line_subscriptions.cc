// Change notices on a connection of lines, where the notices of all eras share one pipe.

#include "neurond/front/line_subscriptions.h"

#include <algorithm>

#include "neurond/base/log.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

class LineSubscriptions::Legacy final : public Subscriber {
  public:
    Legacy(Subscriptions& hub, const Identity& identity, const View& view,
           LineSubscriptions& all)
        : Subscriber(hub, identity, view, kAllLists), all_(all) {}

  private:
    void on_news() override { all_.flush_legacy(); }

    LineSubscriptions& all_;
};

LineSubscriptions::LineSubscriptions(EventLoop& loop, Subscriptions& hub,
                                     LineSubscriptionsOwner& owner)
    : loop_(loop), hub_(hub), owner_(owner) {}

LineSubscriptions::~LineSubscriptions() = default;

void LineSubscriptions::begin_legacy(const Identity& identity, const View& view) {
    legacy_ = std::make_unique<Legacy>(hub_, identity, view, *this);
}

Subscriber* LineSubscriptions::legacy() const noexcept {
    return legacy_.get();
}

void LineSubscriptions::flush_legacy() {
    if (legacy_ != nullptr && owner_.may_tell_legacy() && !owner_.news_congested()) {
        write_news(legacy_->take_news(), {},
                   [this](OutQueue&& message) { owner_.say_news(std::move(message)); });
    }
}

bool LineSubscriptions::listen(const Identity& identity, const View& view,
                               const ListenFilter& filter, std::string_view id_raw) {
    const bool taken = std::any_of(
        listens_.begin(), listens_.end(),
        [id_raw](const auto& each) { return same_id(each->id_raw(), id_raw); });
    if (taken) {
        return false;
    }
    listens_.push_back(std::make_unique<Listen>(hub_, identity, view, filter, id_raw,
                                                static_cast<ListenOwner&>(*this)));
    listens_.back()->begin();
    return true;
}

bool LineSubscriptions::cancel(std::string_view id_raw) {
    const auto found = std::find_if(
        listens_.begin(), listens_.end(),
        [id_raw](const auto& each) { return same_id(each->id_raw(), id_raw); });
    if (found == listens_.end()) {
        return false;
    }
    remove(**found);
    return true;
}

void LineSubscriptions::finish() {
    for (const auto& each : listens_) {
        each->finish();
    }
    drop();
}

void LineSubscriptions::drop() {
    while (!listens_.empty()) {
        remove(*listens_.back());
    }
    if (legacy_ != nullptr) {
        legacy_->leave();
        loop_.retire(std::move(legacy_));
    }
}

void LineSubscriptions::on_listen_message(Listen&, OutQueue&& message) {
    owner_.say_news(std::move(message));
}

bool LineSubscriptions::listen_congested(const Listen&) const {
    return owner_.news_congested();
}

void LineSubscriptions::on_listen_over(Listen& listen, const char* why) {
    log_warn("ndjson", "a subscription is ended: %s", why);
    remove(listen);
}

/// It may be on the stack.
void LineSubscriptions::remove(const Listen& listen) {
    const auto found =
        std::find_if(listens_.begin(), listens_.end(),
                     [&listen](const auto& each) { return each.get() == &listen; });
    if (found != listens_.end()) {
        (*found)->leave();
        loop_.retire(std::move(*found));
        listens_.erase(found);
    }
}

}  // namespace neuron
