// One socket for two protocols: a request line of HTTP never begins with what a line of
// JSON begins with.

#include "neurond/front/unix_door.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "neurond/net/line_link.h"

namespace neuron {

namespace {

/// Blanks may stand in front of JSON, and in front of nothing else.
bool begins_json(char c) noexcept {
    return c == '{' || c == '[' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

class UnixDoor::Arrival final : private EventHandler {
  public:
    Arrival(EventLoop& loop, Fd socket, UnixDoor& door, Millis timeout)
        : door_(door),
          socket_(std::move(socket)),
          idle_(loop, [this] { door_.drop(*this); }) {
        watch_.emplace(loop, socket_.get(), static_cast<EventHandler&>(*this));
        watch_->set(EPOLLIN);
        idle_.arm(timeout);
    }

    /// Gives the connection up, with the byte still unread.
    Fd take() {
        watch_.reset();
        idle_.cancel();
        return std::move(socket_);
    }

  private:
    void on_ready(uint32_t) override {
        char byte = 0;
        const ssize_t n = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n == 1) {
            door_.on_first_byte(*this, byte);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            door_.drop(*this);
        }
    }

    UnixDoor& door_;
    Fd socket_;
    std::optional<Watch> watch_;
    Timer idle_;
};

UnixDoor::UnixDoor(EventLoop& loop, Fd socket, DoorSettings door, HttpServer& http,
                   Router& router, Subscriptions& subscriptions,
                   const LinkSettings& settings)
    : loop_(loop),
      http_(http),
      settings_(settings),
      takes_lines_((door.serve & kServeMcp) != 0),
      listener_(std::make_unique<Listener>(loop, std::move(socket),
                                           static_cast<ListenerOwner&>(*this))),
      http_door_(http.add_door(listener_->address(), std::move(door))),
      clients_(loop, "ndjson", router, subscriptions, settings, [this] { count(); }),
      drained_task_(loop, Phase::kSoon, [this] { check_drained(); }) {}

UnixDoor::~UnixDoor() = default;

void UnixDoor::change(DoorSettings door, const LinkSettings& settings) {
    takes_lines_ = (door.serve & kServeMcp) != 0;
    settings_ = settings;
    clients_.change(settings);
    http_.change_door(http_door_, std::move(door));
}

bool UnixDoor::may_accept(const Listener&) const {
    return http_.has_room(false);
}

void UnixDoor::on_accept(Listener&, Fd socket) {
    arrivals_.add(std::make_unique<Arrival>(loop_, std::move(socket), *this,
                                            http_.http_limits().idle_timeout));
    count();
}

void UnixDoor::on_first_byte(Arrival& arrival, char byte) {
    Fd socket = arrival.take();
    loop_.retire(arrivals_.release(arrival));
    if (takes_lines_ && begins_json(byte)) {
        Credentials shown{http_.peer_at(http_door_, socket.get())};
        shown.identity = shown.peer.caller.identity;
        clients_.add(std::move(shown), {{}, settings_.strict_names},
                     [&](LinkOwner& owner) {
                         return std::make_unique<LineLink>(
                             loop_,
                             counted(make_socket_stream(std::move(socket)),
                                     http_.byte_counts()),
                             settings_.link, owner);
                     });
    } else {
        http_.take(std::move(socket), http_door_);
    }
    count();
}

void UnixDoor::drop(Arrival& arrival) {
    arrival.take().reset();
    loop_.retire(arrivals_.release(arrival));
    count();
}

/// After each coming and going.
void UnixDoor::count() {
    http_.set_guests(this, arrivals_.size() + clients_.size());
    if (listener_ != nullptr) {
        listener_->resume();
    } else {
        drained_task_.schedule();
    }
}

void UnixDoor::drain(std::function<void()> drained) {
    drained_ = std::move(drained);
    listener_.reset();
    http_.close_door(http_door_);
    arrivals_.for_each([this](Arrival& arrival) { drop(arrival); });
    clients_.drain();
    drained_task_.schedule();
}

void UnixDoor::check_drained() {
    if (arrivals_.empty() && clients_.empty() && drained_) {
        std::exchange(drained_, nullptr)();
    }
}

}  // namespace neuron
