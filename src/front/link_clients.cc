// Who is there through a door, and who has left.

#include "neurond/front/link_clients.h"

#include <utility>

#include "neurond/base/log.h"

namespace neuron {

LinkClients::LinkClients(EventLoop& loop, const char* door, Router& router,
                         Subscriptions& subscriptions, const LinkSettings& settings,
                         std::function<void()> changed)
    : loop_(loop),
      door_(door),
      router_(router),
      subscriptions_(subscriptions),
      settings_(settings),
      changed_(std::move(changed)) {}

LinkClients::~LinkClients() = default;

void LinkClients::add(Credentials shown, View view, const LinkMaker& make_link) {
    clients_.add(std::make_unique<LinkClient>(
        loop_, make_link, std::move(shown), std::move(view), router_, subscriptions_,
        static_cast<LinkClientOwner&>(*this)));
    changed_();
}

void LinkClients::under(const std::string& request_id,
                        const std::function<void()>& hand_on) {
    given_id_ = request_id;
    hand_on();
    given_id_.clear();
}

void LinkClients::judge_again(const HttpServer& server) {
    clients_.for_each([this, &server](LinkClient& client) {
        if (!server.may_stay(client.shown())) {
            log_info(door_, "%s: let in no more as %s", client.identity().peer.c_str(),
                     client.identity().name.c_str());
            client.drain();
        }
    });
}

void LinkClients::count(std::map<Revision, size_t>& counts) const {
    clients_.for_each([&counts](const LinkClient& client) {
        if (client.revision()) {
            ++counts[*client.revision()];
        }
    });
}

size_t LinkClients::sessions() const {
    size_t out = 0;
    clients_.for_each(
        [&out](const LinkClient& client) { out += size_t{client.revision() ? 1u : 0u}; });
    return out;
}

void LinkClients::drain() {
    clients_.for_each([](LinkClient& client) { client.drain(); });
}

void LinkClients::on_link_client_closed(LinkClient& client, const std::string& reason) {
    log_debug(door_, "%s closed: %s", client.identity().peer.c_str(), reason.c_str());
    loop_.retire(clients_.release(client));
    changed_();
}

}  // namespace neuron
