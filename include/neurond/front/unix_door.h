#ifndef NEUROND_FRONT_UNIX_DOOR_H
#define NEUROND_FRONT_UNIX_DOOR_H

#include <functional>
#include <memory>
#include <string>

#include "neurond/base/owned_set.h"
#include "neurond/front/http_server.h"
#include "neurond/front/link_clients.h"
#include "neurond/net/listener.h"

namespace neuron {

/// The Unix socket for clients. The first byte of a connection decides: JSON, or a blank
/// before it, speaks MCP in lines (LineLink); anything else is HTTP and goes to the
/// server. A client that says nothing is closed after the idle timeout.
class UnixDoor final : private ListenerOwner {
  public:
    /// `socket` listens. A door that does not serve kServeMcp speaks HTTP alone.
    UnixDoor(EventLoop& loop, Fd socket, DoorSettings door, HttpServer& http,
             Router& router, Subscriptions& subscriptions, const LinkSettings& settings);
    ~UnixDoor();

    /// For connections that are made from now on.
    void change(DoorSettings door, const LinkSettings& settings);
    /// Those that speak in lines.
    LinkClients& clients() noexcept { return clients_; }
    const LinkClients& clients() const noexcept { return clients_; }
    /// Closes the listener, HTTP connections that came through it after their answer, and
    /// each other connection after its last answer; then, once,
    /// `drained`.
    void drain(std::function<void()> drained);

  private:
    class Arrival;  ///< a connection that has not said anything yet

    bool may_accept(const Listener& listener) const override;
    void on_accept(Listener& listener, Fd socket) override;
    void on_first_byte(Arrival& arrival, char byte);
    void drop(Arrival& arrival);
    void count();
    void check_drained();

    EventLoop& loop_;
    HttpServer& http_;
    LinkSettings settings_;
    bool takes_lines_;
    std::unique_ptr<Listener> listener_;  ///< null while draining
    unsigned http_door_;
    OwnedSet<Arrival> arrivals_;
    LinkClients clients_;
    std::function<void()> drained_;
    Task drained_task_;
};

}  // namespace neuron

#endif
