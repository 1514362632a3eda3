#ifndef NEUROND_DAEMON_DOORS_H
#define NEUROND_DAEMON_DOORS_H

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "neurond/front/http_server.h"
#include "neurond/front/unix_door.h"

namespace neuron {

/// The ways in that a reactor serves, by the names of door_plans().
class Doors {
  public:
    /// All outlive this.
    Doors(EventLoop& loop, HttpServer& server, Router& router,
          Subscriptions& subscriptions);
    ~Doors();

    /// Serves a listening socket. Clients on Unix sockets may speak in lines; operators
    /// have no use for it.
    void open(const std::string& name, Fd socket, DoorSettings settings,
              LinkSettings lines);
    /// Other settings for connections that are made from now on.
    void change(const std::string& name, DoorSettings settings, LinkSettings lines);
    /// Takes no more connections; those there are end after their last answer.
    void close(const std::string& name);
    bool has(const std::string& name) const { return doors_.count(name) > 0; }
    std::vector<std::string> names() const;
    /// Clients that talk in lines and would not be let in as the same now end.
    void judge_again();

    /// Those who speak in lines, by door.
    void add_link_clients(std::vector<const LinkClients*>& out) const;
    /// Closes all but what the server itself listens at; then, once, `drained`.
    void drain(std::function<void()> drained);

  private:
    struct Door {
        unsigned number = 0;             ///< of the server's, without `lines`
        std::unique_ptr<UnixDoor> lines;
    };

    void drain_one(std::unique_ptr<UnixDoor> door);
    void check_drained();

    EventLoop& loop_;
    HttpServer& server_;
    Router& router_;
    Subscriptions& subscriptions_;
    std::map<std::string, Door> doors_;
    std::vector<std::unique_ptr<UnixDoor>> closing_;
    std::function<void()> drained_;
    Task drained_task_;
};

}  // namespace neuron

#endif
