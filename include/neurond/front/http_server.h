#ifndef NEUROND_FRONT_HTTP_SERVER_H
#define NEUROND_FRONT_HTTP_SERVER_H

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/owned_set.h"
#include "neurond/front/credentials.h"
#include "neurond/front/http_conn.h"
#include "neurond/front/refusals.h"
#include "neurond/front/request_ids.h"
#include "neurond/front/tls_arrivals.h"
#include "neurond/net/counted_stream.h"
#include "neurond/net/listener.h"

namespace neuron {

/// What a listener serves; a set of bits (DESIGN 1.4, `serve`).
enum Serve : unsigned {
    kServeMcp = 1,
    kServeHealth = 2,
    kServeMetrics = 4,
    kServeAdmin = 8,
};

struct HttpServerSettings {
    HttpLimits limits;
    size_t connections;                        ///< at most, on all listeners together
    Millis handshake_timeout{10000};           ///< of TLS
    /// Also callers from elsewhere need not prove who they are (allow_insecure).
    bool open = false;
    std::vector<std::string> allowed_origins;  ///< beside loopback ones
    std::vector<std::string> allowed_hosts;    ///< beside loopback names, on loopback
    bool cors = false;  ///< pages of allowed origins may read answers
};

/// What comes in through one listener, and how it is treated.
struct DoorSettings {
    std::string name;                 ///< for the log, where the address is not enough
    unsigned serve = 0;               ///< bits of Serve
    std::shared_ptr<TlsContext> tls;  ///< null: plain HTTP
    bool strict_names = false;        ///< `names = strict`, unless a client says otherwise
    /// The operator's own: who owns the daemon may use the admin API.
    bool control = false;
};

/// Listeners, their connections, and the table of paths.
class HttpServer final : private HttpConnOwner, private ListenerOwner {
  public:
    HttpServer(EventLoop& loop, HttpServerSettings settings,
               std::shared_ptr<const Clients> clients);
    ~HttpServer();

    /// Serves `path` by `handler` on listeners that serve `what`. A segment "*" stands for
    /// any one that is not empty, and so does an empty one at the end. Handlers are not
    /// owned.
    void add_route(std::string path, Serve what, HttpHandler& handler);
    /// The number of the door.
    unsigned add_listener(Fd socket, DoorSettings settings);

    /// Other settings and clients; judge_again() is to follow once the doors have changed,
    /// too.
    void change(HttpServerSettings settings, std::shared_ptr<const Clients> clients);
    /// Whoever is there counts as who it would be if it came now. Connections end orderly
    /// where that is nobody, endless answers where it is somebody else.
    void judge_again();
    /// Whether what `shown` was let in by would make it the same caller of MCP now.
    bool may_stay(const Credentials& shown) const;
    /// How new connections through a door are treated from now on.
    void change_door(unsigned door, DoorSettings settings);
    /// Takes no more connections through it; those there are end after their answer.
    void close_door(unsigned door);

    /// For a door that somebody else listens at: its number for take().
    unsigned add_door(const Address& address, DoorSettings settings);
    /// Serves a connection that came through that door.
    void take(Fd socket, unsigned door);
    /// What a connection through a door tells of its peer; `socket` stays its caller's.
    HttpConn::Peer peer_at(unsigned door, int socket, TlsPeer tls = {}) const;
    const TlsCounts& tls_counts() const noexcept { return arrivals_.counts(); }
    const Refusals& refusals() const noexcept { return refusals_; }
    /// What clients have sent and got, on connections of others that are counted here, too.
    ByteCounts& byte_counts() noexcept { return byte_counts_; }
    const ByteCounts& byte_counts() const noexcept { return byte_counts_; }
    /// Connections that `door` holds itself, which count towards our limit.
    void set_guests(const void* door, size_t count);
    /// Whether one more connection fits; operators get in when the clients' places on
    /// TCP are taken.
    bool has_room(bool local) const noexcept;

    HttpConn* find(Handle<HttpConn> handle) const { return table_.find(handle); }
    size_t connections() const noexcept { return conns_.size(); }
    const HttpLimits& http_limits() const noexcept override { return settings_.limits; }
    std::vector<std::string> addresses() const;
    /// The same with the names of the doors, for the log.
    std::vector<std::string> described_addresses() const;

    /// Closes the listeners, ends idle connections and the others after their answer.
    void drain(std::function<void()> drained);

  private:
    struct Door {
        std::unique_ptr<Listener> listener;  ///< null: draining, or not ours
        Address address;
        DoorSettings settings;
        bool loopback;  ///< bound to it: then the Host field is checked
        bool closed = false;
    };
    struct Route {
        std::string path;
        Serve what;
        HttpHandler* handler;
    };

    bool may_accept(const Listener& listener) const override;
    void on_accept(Listener& listener, Fd socket) override;
    void serve(std::unique_ptr<Stream> stream, unsigned door, TlsPeer tls);
    std::optional<Caller> identify(const HttpConn& conn,
                                   const RequestHead& head) const override;
    bool may_use(const Caller& caller, const HttpConn::Peer& peer, Serve what,
                 HttpReply& otherwise) const;
    bool may_operate(const Caller& caller, const HttpConn::Peer& peer,
                     HttpReply& otherwise) const;
    Status vouched_for(const HttpConn::Peer& peer) const;
    HttpHandler* route(const HttpConn& conn, const HttpRequest& request,
                       HttpReply& otherwise) override;
    bool draining(const HttpConn& conn) const noexcept override {
        return draining_ || !conn.peer().welcome || doors_[conn.peer().listener].closed;
    }
    std::string new_request_id() override { return request_ids_.next(); }
    void on_conn_lingering() override;
    void on_conn_closed(HttpConn& conn, const std::string& reason) override;
    void made_room();
    unsigned add(Door door);
    Caller caller_of(const HttpConn::Peer& peer) const;

    std::vector<std::pair<std::string, std::string>> answer_fields(
        const RequestHead& head) const override;
    bool origins_allowed(const RequestHead& head) const;
    bool origin_allowed(std::string_view origin) const;
    bool host_allowed(std::string_view authority) const;
    void check_drained();

    EventLoop& loop_;
    HttpServerSettings settings_;
    std::shared_ptr<const Clients> clients_;
    std::vector<Door> doors_;
    std::vector<Route> routes_;
    HandleTable<HttpConn> table_;
    OwnedSet<HttpConn> conns_;
    TlsArrivals arrivals_;
    Refusals refusals_;
    ByteCounts byte_counts_;
    RequestIds request_ids_;
    std::map<const void*, size_t> guests_;  ///< by whose they are
    bool draining_ = false;
    std::function<void()> drained_;
    Task drained_task_;
};

}  // namespace neuron

#endif
