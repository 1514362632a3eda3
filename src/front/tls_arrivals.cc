// The way in through TLS: a client becomes a connection when it has shown who it is.

#include "neurond/front/tls_arrivals.h"

#include <string>
#include <utility>

#include "neurond/base/log.h"
#include "neurond/net/address.h"

namespace neuron {

class TlsArrivals::Arrival final : private TlsHandshakeOwner {
  public:
    Arrival(TlsArrivals& arrivals, Fd socket, std::shared_ptr<TlsContext> context,
            unsigned door_number)
        : door(door_number),
          peer(Address::peer_of(socket.get())),
          arrivals_(arrivals),
          handshake_(arrivals.loop_, std::move(socket), std::move(context),
                     arrivals.timeout_, arrivals.queue_,
                     static_cast<TlsHandshakeOwner&>(*this)) {}

    const unsigned door;
    const Address peer;

  private:
    void on_tls_ready(TlsHandshake&, std::unique_ptr<Stream> stream,
                      TlsPeer other) override {
        arrivals_.done(*this, std::move(stream), other);
    }
    void on_tls_failed(TlsHandshake&, const std::string& why) override {
        arrivals_.failed(*this, why);
    }

    TlsArrivals& arrivals_;
    TlsHandshake handshake_;
};

TlsArrivals::TlsArrivals(EventLoop& loop, Millis timeout, Arrived arrived,
                         std::function<void()> gone)
    : loop_(loop),
      timeout_(timeout),
      arrived_(std::move(arrived)),
      gone_(std::move(gone)),
      queue_(loop) {}

TlsArrivals::~TlsArrivals() = default;

void TlsArrivals::add(Fd socket, std::shared_ptr<TlsContext> context, unsigned door) {
    arrivals_.add(
        std::make_unique<Arrival>(*this, std::move(socket), std::move(context), door));
}

void TlsArrivals::done(Arrival& arrival, std::unique_ptr<Stream> stream,
                       const TlsPeer& peer) {
    ++(peer.resumed ? counts_.resumed : counts_.full);
    const unsigned door = arrival.door;
    loop_.retire(arrivals_.release(arrival));
    arrived_(std::move(stream), peer, door);
}

void TlsArrivals::failed(Arrival& arrival, const std::string& why) {
    ++counts_.failed;
    if (log_.allow(loop_.now())) {
        log_info("http", "%s: %s", arrival.peer.to_string().c_str(), why.c_str());
    }
    loop_.retire(arrivals_.release(arrival));
    gone_();
}

void TlsArrivals::drop() {
    arrivals_.for_each(
        [this](Arrival& arrival) { loop_.retire(arrivals_.release(arrival)); });
}

}  // namespace neuron
