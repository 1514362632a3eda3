// Change notices over a link, where the notices of all eras share one pipe.

#include "neurond/front/link_subscriptions.h"

#include <algorithm>
#include <set>
#include <string>

#include "neurond/base/log.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

class LinkSubscriptions::Legacy final : public Subscriber {
  public:
    Legacy(Subscriptions& hub, const LinkPeer& peer, LinkSubscriptions& all)
        : Subscriber(hub, peer.in_session(), peer.view, kAllLists), all_(all) {}

  private:
    void on_news() override { all_.flush_legacy(); }

    LinkSubscriptions& all_;
};

LinkSubscriptions::LinkSubscriptions(EventLoop& loop, Subscriptions& hub,
                                     const LinkPeer& peer, LinkVoice& voice,
                                     const char* door)
    : loop_(loop), hub_(hub), peer_(peer), voice_(voice), door_(door) {}

LinkSubscriptions::~LinkSubscriptions() = default;

void LinkSubscriptions::begin_legacy() {
    legacy_ = std::make_unique<Legacy>(hub_, peer_, *this);
}

Subscriber* LinkSubscriptions::legacy() const noexcept {
    return legacy_.get();
}

void LinkSubscriptions::flush_legacy() {
    if (legacy_ != nullptr && peer_.initialized && !peer_.ending && !voice_.congested()) {
        write_news(legacy_->take_news(), {},
                   [this](OutQueue&& message) { voice_.say(std::move(message)); });
    }
}

bool LinkSubscriptions::listen(const ListenFilter& filter, ClientCaps caps,
                               std::string_view id_raw) {
    const bool taken = std::any_of(
        listens_.begin(), listens_.end(),
        [id_raw](const auto& each) { return same_id(each->id_raw(), id_raw); });
    if (taken) {
        return false;
    }
    listens_.push_back(std::make_unique<Listen>(
        hub_, without_session(peer_.identity, caps), peer_.view, filter, id_raw,
        static_cast<ListenOwner&>(*this)));
    listens_.back()->begin();
    return true;
}

bool LinkSubscriptions::cancel(std::string_view id_raw) {
    const auto found = std::find_if(
        listens_.begin(), listens_.end(),
        [id_raw](const auto& each) { return same_id(each->id_raw(), id_raw); });
    if (found == listens_.end()) {
        return false;
    }
    remove(**found);
    return true;
}

void LinkSubscriptions::finish() {
    for (const auto& each : listens_) {
        each->finish();
    }
    if (legacy_ != nullptr) {  // who waits for a subscription is answered
        const std::set<std::string> all = legacy_->resources();
        for (const std::string& uri : all) {
            legacy_->unsubscribe(uri);
        }
    }
    drop();
}

void LinkSubscriptions::drop() {
    while (!listens_.empty()) {
        remove(*listens_.back());
    }
    if (legacy_ != nullptr) {
        legacy_->leave();
        loop_.retire(std::move(legacy_));
    }
}

void LinkSubscriptions::on_listen_message(Listen&, OutQueue&& message) {
    voice_.say(std::move(message));
}

bool LinkSubscriptions::listen_congested(const Listen&) const {
    return voice_.congested();
}

void LinkSubscriptions::on_listen_over(Listen& listen, const char* why) {
    log_about_request(LogLevel::kWarn, door_, "a subscription is ended",
                      {listen.request_id(), {}, "subscriptions/listen", why});
    remove(listen);
}

/// It may be on the stack.
void LinkSubscriptions::remove(const Listen& listen) {
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
